import csv
import io
import time
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.errors import InvalidInput
from ingest.formats import LINE_LIMIT
from ingest.formats.csv import read_csv
from tests.formats.blocks import Pipe, read_all


def test_every_cell_is_text_and_an_empty_one_without_quotes_is_null() -> None:
    read = read_all(read_csv, b'id,name,n\n1,,2.50\n007,"",NULL\n')

    assert read.rows == [(2, {"id": "1", "name": None, "n": "2.50"}), (3, {"id": "007", "name": "", "n": "NULL"})]


def test_line_is_the_one_a_row_starts_on() -> None:
    read = read_all(read_csv, b'a,b\r\n"x\r\ny",1\r\n\r\n2,"4""q"\r\n3,4')

    assert read.rows == [
        (2, {"a": "x\r\ny", "b": "1"}),
        (5, {"a": "2", "b": '4"q'}),
        (6, {"a": "3", "b": "4"}),
    ]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiter_is_found(delimiter: str) -> None:
    body = f'id{delimiter}"a, b; c"\n1{delimiter}"x,y;z"\n'.encode()

    assert read_all(read_csv, body).rows == [(2, {"id": "1", "a, b; c": "x,y;z"})]


def test_separator_line_of_a_spreadsheet_is_no_header() -> None:
    assert read_all(read_csv, b"sep=;\r\na;b\r\n1;2\r\n").rows == [(3, {"a": "1", "b": "2"})]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "cp1252"])
def test_text_of_any_common_encoding_is_read(encoding: str) -> None:
    body = ";id;Meldung\r\n0;1;grün für 5 €\r\n".encode(encoding)

    assert read_all(read_csv, body).rows == [(2, {"column_1": "0", "id": "1", "Meldung": "grün für 5 €"})]


def test_another_encoding_is_noted_with_the_table() -> None:
    body = Pipe("id;msg\n1;grün\n".encode("cp1252"))

    blocks = list(read_csv(body))  # type: ignore[arg-type]  # a stream that cannot seek

    assert blocks[0].table is not None
    assert blocks[0].table.schema.metadata == {b"encoding": b"cp1252"}


def test_one_bad_byte_in_utf8_costs_its_line_only() -> None:
    read = read_all(read_csv, "a,b\n1,grün\n2,".encode() + b"\xff\n3,\xc3\xa4\n")

    assert read.rows == [(2, {"a": "1", "b": "grün"}), (4, {"a": "3", "b": "ä"})]
    assert read.reasons == [(3, "byte 3 of the row is not UTF-8")]


def test_row_with_other_cells_than_the_header_is_refused_alone() -> None:
    read = read_all(read_csv, b'a,b\n1,2\n"",\n3,4,5\n\n"x\ny",z\n7\n8,9')

    assert [line for line, _ in read.rows] == [2, 3, 6, 9]
    assert read.rows[1] == (3, {"a": "", "b": None})
    assert read.reasons == [
        (4, "the row has 3 cells, the header has 2"),
        (8, "the row has 1 cells, the header has 2"),
    ]
    assert read.refused[0].raw == "3,4,5"


def test_quote_that_is_never_closed_costs_its_line_only() -> None:
    read = read_all(read_csv, b'a,b\n1,"never closed\n2,ok\n3,ok\n')

    assert read.rows == [(3, {"a": "2", "b": "ok"}), (4, {"a": "3", "b": "ok"})]
    assert read.reasons == [(2, "a quoted cell that opens here is never closed")]


def test_stray_quotes_inside_a_cell_are_characters() -> None:
    read = read_all(read_csv, b'a,b\n5" disk,2\n"5" disk",3\n1,2\n')

    assert read.rows == [(2, {"a": '5" disk', "b": "2"}), (4, {"a": "1", "b": "2"})]
    assert read.reasons == [(3, "the row cannot be read: a quote inside a quoted cell is not doubled")]


def test_carriage_return_alone_is_refused_outside_quotes() -> None:
    read = read_all(read_csv, b'a,b\n1\r2,3\n"4\r5",6\n')

    assert read.rows == [(3, {"a": "4\r5", "b": "6"})]
    assert read.reasons == [(2, "the row cannot be read: a carriage return stands alone, outside quotes")]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "no header"),
        (b"\n \n", "no header"),
        (b",,\n1,2,3\n", "names no column"),
        (b"a,b,a\n1,2,3\n", "2 columns are named 'a': columns 1, 3"),
        (b"2026-11-23 03:33:02,r1,OK\n", "looks like data"),
        (b"1,2\n3,4\n", "looks like data"),
        (b'a,"b\n1,2\n', "header cannot be read"),
        (b"a\0b\n", "zero bytes"),
        (b"a,b\rc,d\r", "header cannot be read"),
        ("a,b\n1,2\n".encode("utf-16")[:-1], "neither UTF-8 nor utf-16"),
    ],
)
def test_header_nobody_can_use_is_an_error(body: bytes, words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        read_all(read_csv, body)


def test_header_alone_has_no_rows() -> None:
    assert read_all(read_csv, b"a,b").rows == []


def test_row_over_the_limit_is_refused_and_the_rest_goes_on() -> None:
    read = read_all(read_csv, b"a,b\n1,2\n" + b"x" * (LINE_LIMIT + 9) + b"\n3,4\n")

    assert read.rows == [(2, {"a": "1", "b": "2"}), (4, {"a": "3", "b": "4"})]
    assert [(reject.line, reject.code) for reject in read.refused] == [(3, "line-too-long")]


def test_large_cell_beside_a_bad_row_is_kept() -> None:
    large = "x" * 1_000_000

    read = read_all(read_csv, f"a,b\n1,{large}\n2\n".encode())

    assert read.rows == [(2, {"a": "1", "b": large})]


def test_body_of_many_blocks_keeps_its_line_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ingest.formats.csv.BLOCK_BYTES", 64)
    rows = [f'{number},"a\nb, {number}"' for number in range(500)]

    read = read_all(read_csv, ("id,text\n" + "\n".join(rows) + "\n").encode())

    assert read.rows == [(2 + 2 * number, {"id": str(number), "text": f"a\nb, {number}"}) for number in range(500)]


def test_memory_stays_bounded() -> None:
    body = Pipe(b"a,b\n" + b'1,"some text of a row"\n' * 2_000_000, step=1 << 20)

    tracemalloc.start()
    rows = sum(block.table.num_rows for block in read_csv(body) if block.table)  # type: ignore[arg-type]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert rows == 2_000_000
    assert peak < 150 << 20


def test_opening_quotes_on_every_line_do_not_take_forever() -> None:
    begun = time.monotonic()

    read = read_all(read_csv, b"a,b\n" + b'x,"\n' * 100_001)

    assert len(read.rows) == 50_000
    assert time.monotonic() - begun < 20


@given(
    rows=st.lists(st.tuples(*[st.text(alphabet='a",;\n\t é€', max_size=8)] * 2), max_size=30),
    delimiter=st.sampled_from([",", ";", "\t", "|"]),
    ending=st.sampled_from(["\n", "\r\n"]),
)
def test_whatever_is_written_is_read(rows: list[tuple[str, str]], delimiter: str, ending: str) -> None:
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter, lineterminator=ending, quoting=csv.QUOTE_ALL)
    writer.writerows([("id", "text"), *rows])

    read = read_all(read_csv, text.getvalue().encode())

    assert [tuple(row.values()) for _, row in read.rows] == rows
    assert read.refused == []
