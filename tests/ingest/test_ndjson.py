import io
import json

import pytest

from ingest.details import objects_of
from ingest.formats import LINE_LIMIT, RawBlock
from ingest.formats.ndjson import BLOCK_BYTES, FEW_LINES, read_ndjson, read_object


def blocks_of(text: str | bytes) -> list[RawBlock]:
    return list(read_ndjson(io.BytesIO(text.encode() if isinstance(text, str) else text)))


def rows_of(blocks: list[RawBlock]) -> list[tuple[int, dict[str, object]]]:
    """Every row with its line, whichever way it was read; keys without a value left out."""
    rows = [pair for block in blocks for pair in block.objects]
    for block in blocks:
        if block.table is not None and block.lines is not None:
            rows += zip(block.lines.to_pylist(), objects_of(block.table), strict=True)
    return [
        (line, {key: value for key, value in row.items() if value is not None})
        for line, row in sorted(rows, key=lambda pair: pair[0])
    ]


def many(count: int) -> list[dict[str, object]]:
    return [{"id": f"é{number}", "n": number, "ok": number % 2 == 0} for number in range(count)]


def body(rows: list[dict[str, object]]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def test_clean_lines_are_read_without_an_object_each() -> None:
    blocks = blocks_of(body(many(1000)))

    assert [block.objects for block in blocks] == [[]]
    assert rows_of(blocks) == list(enumerate(many(1000), start=1))


def test_lines_with_details_do_not_slow_down_their_neighbours() -> None:
    rows = many(1000)
    rows[7]["details"] = {"a": [1, {"b": None}]}
    rows[500]["details"] = {"c": 'say "d":'}

    blocks = blocks_of(body(rows))

    assert blocks[0].objects == []
    assert rows_of(blocks) == list(enumerate(rows, start=1))


def test_a_key_the_sample_did_not_show_is_not_lost() -> None:
    rows = many(1000)
    rows[501]["rare"] = "here"

    assert rows_of(blocks_of(body(rows))) == list(enumerate(rows, start=1))


def test_a_value_of_another_type_keeps_its_own() -> None:
    rows = many(1000)
    rows[502]["n"] = 1.5
    rows[503]["n"] = 10**30
    rows[504]["n"] = "many"
    rows[505]["n"] = [1]

    assert rows_of(blocks_of(body(rows))) == list(enumerate(rows, start=1))


def test_bad_lines_are_named_and_the_others_read() -> None:
    lines = [json.dumps(row) for row in many(1000)]
    bad = {10: "{", 20: "[1]", 30: '{"a":1}{"a":2}', 40: '{"a":1,"a":2}', 50: '{"n":NaN}', 60: "[" * 100_000}
    for line, text in bad.items():
        lines[line - 1] = text

    blocks = blocks_of("\n".join(lines))

    assert [reject.line for reject in sorted(blocks[0].refused, key=lambda reject: reject.line)] == list(bad)
    assert len(rows_of(blocks)) == 994


def test_invalid_utf_8_is_refused_where_it_stands() -> None:
    lines = [json.dumps(row).encode() for row in many(200)]
    lines[99] = b'{"id":"caf\xe9"}'

    blocks = blocks_of(b"\n".join(lines))

    assert [(reject.line, reject.message) for reject in blocks[0].refused] == [
        (100, "byte 11 of the line is not UTF-8")
    ]
    assert len(rows_of(blocks)) == 199


def test_nul_bytes_are_refused() -> None:
    blocks = blocks_of(b'{"a":"x\x00y"}\n\x00\x00\x00\n')

    assert [reject.line for reject in blocks[0].refused] == [1, 2]


def test_empty_lines_and_crlf_do_not_shift_line_numbers() -> None:
    text = '\n{"a":1}\r\n\r\n  \n{"a":2}' + "\n" * 2 * FEW_LINES + '{"a":3}'

    assert [line for line, _ in rows_of(blocks_of(text))] == [2, 5, 5 + 2 * FEW_LINES]


def test_line_numbers_go_on_over_blocks() -> None:
    row = {"id": "x" * 1000}
    count = BLOCK_BYTES // 1000 + 100

    blocks = blocks_of(body([row] * count))

    assert len(blocks) > 1
    assert [line for line, _ in rows_of(blocks)] == list(range(1, count + 1))


def test_an_endless_line_is_refused_and_the_rest_goes_on() -> None:
    long = '{"a":"' + "x" * (LINE_LIMIT + BLOCK_BYTES) + '"}'

    blocks = blocks_of('{"a":1}\n' + long + '\n{"a":2}\n')

    assert [(reject.line, reject.code) for block in blocks for reject in block.refused] == [(2, "line-too-long")]
    assert [line for line, _ in rows_of(blocks)] == [1, 3]


def test_joined_lines_are_explained() -> None:
    with pytest.raises(ValueError, match="--data-binary"):
        read_object(b'{"a":1}{"b":2}')


def test_a_number_among_texts_is_text() -> None:
    rows = many(1000)
    rows[501]["id"] = 17

    assert rows_of(blocks_of(body(rows)))[501][1]["id"] == "17"


def test_values_that_look_like_keys_and_nulls_are_no_reason_to_doubt() -> None:
    rows = many(1000)
    rows[3]["id"] = 'say "n": 1'
    rows[4]["n"] = None
    rows[5]["unheard of"] = None

    blocks = blocks_of(body(rows))

    told = [{key: value for key, value in row.items() if value is not None} for row in rows]
    assert rows_of(blocks) == list(enumerate(told, start=1))
    assert len(blocks[0].objects) < 3


def test_numbers_and_truth_values_keep_their_types() -> None:
    table = blocks_of(body(many(1000)))[0].table

    assert table is not None
    assert objects_of(table)[1] == {"id": "é1", "n": 1, "ok": False}
