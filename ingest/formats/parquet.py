"""Parquet files: row groups one after another, columns with the types the file gives them.

A file is a stranger's: a few bytes can claim billions of rows, and dictionary pages can unfold a thousandfold. So rows
are checked against the size of the file, and columns that could unfold stay dictionaries.
"""

import io
from collections.abc import Iterator
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from ingest.errors import InvalidInput, TooLarge, UnsupportedContent
from ingest.formats import RawBlock
from ingest.formats.columns import BLOCK_ROWS, numbered_blocks, require_distinct_names
from ingest.formats.spool import seekable

MAGIC = b"PAR1"
ROWS_PER_BYTE = 200
"""More rows than this for each byte of the file are taken for an attack; real files have less than one."""
_FREE_ROWS = 1_000_000
_UNFOLDED_LIMIT = 256 << 20


def read_parquet(stream: BinaryIO) -> Iterator[RawBlock]:
    """Blocks of a Parquet file; a row's line is its number from 1."""
    with seekable(stream) as file:
        size = _check_frame(file)
        try:
            parquet = pq.ParquetFile(file, coerce_int96_timestamp_unit="us", page_checksum_verification=True)
        except (pa.ArrowException, OSError, ValueError, MemoryError) as error:
            raise InvalidInput(f"the Parquet footer cannot be read: {_reason(error)}") from error
        _check_claims(parquet, size)
        yield from _read_row_groups(file, parquet)


def _check_frame(file: BinaryIO) -> int:
    """The size of the file, if it starts and ends like Parquet."""
    file.seek(0)
    head = file.read(4)
    size = file.seek(0, io.SEEK_END)
    file.seek(max(0, size - 4))
    tail = file.read(4)
    file.seek(0)
    if size == 0:
        raise InvalidInput("not a Parquet file: it is empty")
    if b"PARE" in (head, tail):
        raise UnsupportedContent("the Parquet file is encrypted", hint="write it without encryption")
    if head != MAGIC:
        raise InvalidInput(f"not a Parquet file: it starts with {head!r} instead of {MAGIC!r}")
    if tail != MAGIC or size < 12:
        raise InvalidInput(f"not a whole Parquet file: no footer after {size} bytes (file cut off?)")
    return size


def _check_claims(parquet: pq.ParquetFile, size: int) -> None:
    require_distinct_names(parquet.schema_arrow.names)
    rows = parquet.metadata.num_rows
    if rows < 0 or rows > _FREE_ROWS + ROWS_PER_BYTE * size:
        raise TooLarge(f"a Parquet file of {size} bytes claims {rows} rows")


def _read_row_groups(file: BinaryIO, parquet: pq.ParquetFile) -> Iterator[RawBlock]:
    row = 1
    foldable = _columns_that_unfold(parquet)
    if foldable:
        file.seek(0)
        parquet = pq.ParquetFile(
            file, coerce_int96_timestamp_unit="us", page_checksum_verification=True, read_dictionary=foldable
        )
    for group in range(parquet.num_row_groups):
        try:
            for batch in parquet.iter_batches(batch_size=BLOCK_ROWS, row_groups=[group]):
                batch.validate(full=True)
                yield from numbered_blocks(pa.Table.from_batches([batch]), first_row=row)
                row += batch.num_rows
        except (pa.ArrowException, OSError, MemoryError) as error:
            place = f"row group {group + 1} of {parquet.num_row_groups}"
            raise InvalidInput(f"{place} cannot be read after row {row - 1}: {_reason(error)}") from error


def _columns_that_unfold(parquet: pq.ParquetFile) -> list[str]:
    """Names of dictionary-encoded text columns whose rows of one block might take more than the limit."""
    metadata = parquet.metadata
    found: set[str] = set()
    for group in range(metadata.num_row_groups):
        for place in range(metadata.num_columns):
            column = metadata.row_group(group).column(place)
            if column.physical_type != "BYTE_ARRAY" or "." in column.path_in_schema:
                continue
            encoded = any("DICTIONARY" in encoding for encoding in column.encodings)
            if encoded and min(BLOCK_ROWS, column.num_values) * column.total_uncompressed_size > _UNFOLDED_LIMIT:
                found.add(column.path_in_schema)
    return sorted(found)


def _reason(error: BaseException) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__
