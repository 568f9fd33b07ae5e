import io
import random
from datetime import datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ingest.errors import InvalidInput, TooLarge, UnsupportedContent
from ingest.formats.parquet import read_parquet
from tests.formats.blocks import Pipe, read_all


def parquet(table: pa.Table, **options: object) -> bytes:
    file = io.BytesIO()
    pq.write_table(table, file, **options)
    return file.getvalue()


def many(rows: int) -> pa.Table:
    return pa.table({"id": [str(number) for number in range(rows)], "message": ["copied"] * rows})


@pytest.mark.parametrize("codec", ["none", "snappy", "gzip", "brotli", "zstd", "lz4"])
def test_every_codec_is_read(codec: str) -> None:
    read = read_all(read_parquet, parquet(many(3), compression=codec))

    assert read.rows == [(number + 1, {"id": str(number), "message": "copied"}) for number in range(3)]


def test_text_stays_in_the_type_of_the_sender() -> None:
    table = pa.table(
        {
            "large": pa.array(["x"], pa.large_string()),
            "view": pa.array(["x"], pa.string_view()),
            "word": pa.array(["OK"]).dictionary_encode(),
            "parts": pa.array([{"a": 1, "b": [1, 2]}]),
            "pairs": pa.array([[("k", 1)]], pa.map_(pa.string(), pa.int64())),
        }
    )

    (block,) = read_parquet(io.BytesIO(parquet(table)))

    assert block.table is not None
    assert block.table.to_pylist() == table.to_pylist()


def test_int96_far_from_now_is_read_right() -> None:
    table = pa.table({"t": pa.array([datetime(1, 1, 2), datetime(9999, 12, 30)], pa.timestamp("us"))})  # noqa: DTZ001

    read = read_all(read_parquet, parquet(table, use_deprecated_int96_timestamps=True))

    assert [row["t"].year for _, row in read.rows] == [1, 9999]


def test_rows_are_numbered_across_row_groups() -> None:
    read = read_all(read_parquet, parquet(many(2500), row_group_size=1000))

    assert [line for line, _ in read.rows] == list(range(1, 2501))


def test_stream_that_only_reads_forwards_is_spooled() -> None:
    assert len(read_all(read_parquet, Pipe(parquet(many(10)))).rows) == 10  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "it is empty"),
        (b"hello, world", "starts with b'hell'"),
        (b"PAR1", "no footer after 4 bytes"),
        (parquet(many(100))[:-30], r"no footer after \d+ bytes \(file cut off\?\)"),
        (b"PAR1" + bytes(40) + b"PAR1", "footer cannot be read"),
        (b"PAR1xxxx\xff\xff\xff\x7fPAR1", "footer cannot be read"),
    ],
)
def test_what_is_no_whole_file_says_so(body: bytes, words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        read_all(read_parquet, body)


def test_encrypted_file_is_refused() -> None:
    with pytest.raises(UnsupportedContent, match="encrypted"):
        read_all(read_parquet, b"PARE" + bytes(40) + b"PARE")


def test_columns_of_one_name_are_an_error() -> None:
    table = pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"])

    with pytest.raises(InvalidInput, match="2 columns are named 'a': columns 1, 2"):
        read_all(read_parquet, parquet(table))


def test_damaged_bytes_never_do_worse_than_an_error() -> None:
    whole = parquet(many(2000), write_page_checksum=True)
    chance = random.Random(5)

    for _ in range(300):
        damaged = bytearray(whole)
        for _ in range(chance.randrange(1, 6)):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        try:
            read_all(read_parquet, bytes(damaged))
        except InvalidInput:
            continue


def test_damaged_page_is_named_by_its_row_group() -> None:
    whole = bytearray(parquet(many(3000), row_group_size=1000, write_page_checksum=True, compression="none"))
    column = pq.ParquetFile(io.BytesIO(bytes(whole))).metadata.row_group(1).column(0)
    whole[column.data_page_offset + 400] ^= 0xFF

    with pytest.raises(InvalidInput, match="row group 2 of 3 cannot be read after row 1000"):
        read_all(read_parquet, bytes(whole))


def test_file_that_claims_absurdly_many_rows_is_refused() -> None:
    table = pa.table({"status": pa.DictionaryArray.from_arrays(pa.repeat(pa.scalar(0, pa.int8()), 8_000_000), ["OK"])})

    with pytest.raises(TooLarge, match="claims 8000000 rows"):
        read_all(read_parquet, parquet(table, compression="zstd"))


def test_dictionary_that_would_unfold_stays_one() -> None:
    long = "x" * 100_000
    table = pa.table({"message": pa.DictionaryArray.from_arrays(pa.array([0] * 60_000), [long])})

    blocks = list(read_parquet(io.BytesIO(parquet(table, compression="zstd", store_schema=False))))

    assert sum(block.table.num_rows for block in blocks if block.table) == 60_000
    assert max(block.table.num_rows for block in blocks if block.table) < 200
    assert all(pa.types.is_dictionary(block.table.schema.field(0).type) for block in blocks if block.table)
