import io
import random

import pyarrow as pa
import pytest

from ingest.errors import InvalidInput, UnsupportedContent
from ingest.formats.arrow import read_arrow
from tests.formats.blocks import Pipe, read_all

TABLE = pa.table({"id": [str(number) for number in range(1000)], "n": list(range(1000))})


def stream_of(table: pa.Table, *, rows: int = 100, codec: str | None = None) -> bytes:
    file = io.BytesIO()
    with pa.ipc.new_stream(file, table.schema, options=pa.ipc.IpcWriteOptions(compression=codec)) as writer:
        writer.write_table(table, max_chunksize=rows)
    return file.getvalue()


def file_of(table: pa.Table, *, codec: str | None = None) -> bytes:
    file = io.BytesIO()
    with pa.ipc.new_file(file, table.schema, options=pa.ipc.IpcWriteOptions(compression=codec)) as writer:
        writer.write_table(table, max_chunksize=100)
    return file.getvalue()


@pytest.mark.parametrize("codec", [None, "lz4", "zstd"])
@pytest.mark.parametrize("write", [stream_of, file_of])
def test_stream_and_file_are_read(write, codec) -> None:  # type: ignore[no-untyped-def]
    body = write(TABLE, codec=codec)

    for read in (read_all(read_arrow, body), read_all(read_arrow, Pipe(body))):  # type: ignore[arg-type]
        assert [row for _, row in read.rows] == TABLE.to_pylist()
        assert [line for line, _ in read.rows] == list(range(1, 1001))


def test_types_stay_those_of_the_sender() -> None:
    table = pa.table(
        {
            "view": pa.array(["x", None], pa.string_view()),
            "word": pa.array(["OK", "ERROR"]).dictionary_encode(),
            "parts": pa.array([{"a": [1]}, None]),
            "none": pa.nulls(2),
        }
    )

    (block,) = read_arrow(io.BytesIO(stream_of(table)))

    assert block.table is not None
    assert block.table.schema.equals(table.schema)
    assert block.table.to_pylist() == table.to_pylist()


def test_stream_that_ends_in_the_middle_names_the_batch() -> None:
    body = stream_of(TABLE)

    with pytest.raises(InvalidInput, match="batch 5 of the Arrow stream is broken or cut off"):
        read_all(read_arrow, body[: len(body) // 2])


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "it is empty"),
        (b"hello, world, this is no arrow stream", "not an Arrow stream"),
        (stream_of(TABLE)[:40], "not an Arrow stream"),
        (file_of(TABLE)[:-20], "footer of the Arrow file cannot be read"),
        (b"ARROW1\0\0" + bytes(50), "footer of the Arrow file cannot be read"),
    ],
)
def test_what_is_no_arrow_says_so(body: bytes, words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        read_all(read_arrow, body)


def test_feather_version_1_is_refused_with_a_hint() -> None:
    with pytest.raises(UnsupportedContent, match="Feather version 1") as refused:
        read_all(read_arrow, b"FEA1" + bytes(60) + b"FEA1")

    assert refused.value.hint


def test_columns_of_one_name_are_an_error() -> None:
    table = pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"])

    with pytest.raises(InvalidInput, match="2 columns are named 'a'"):
        read_all(read_arrow, stream_of(table))


def test_offsets_that_point_outside_are_an_error_not_a_crash() -> None:
    honest_offsets = (0).to_bytes(4, "little") + (3).to_bytes(4, "little")
    forged_offsets = (0).to_bytes(4, "little") + (2_000_000_000).to_bytes(4, "little")
    honest = stream_of(pa.table({"message": ["abc"]}))
    forged = honest.replace(honest_offsets, forged_offsets, 1)
    assert forged != honest

    with pytest.raises(InvalidInput, match="batch 1"):
        read_all(read_arrow, forged)


@pytest.mark.parametrize("codec", [None, "zstd"])
def test_damaged_bytes_never_do_worse_than_an_error(codec: str | None) -> None:
    whole = stream_of(TABLE, rows=1000, codec=codec)
    chance = random.Random(5)

    for _ in range(300):
        damaged = bytearray(whole)
        damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        try:
            read_all(read_arrow, bytes(damaged))
        except (InvalidInput, UnicodeDecodeError):
            continue
