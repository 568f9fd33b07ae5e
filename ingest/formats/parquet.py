"""Parquet files: row groups one after another, columns with the types the file gives them.

A file is a stranger's: a few bytes can claim billions of rows, pages can unpack and dictionaries unfold a
thousandfold. So rows are checked against the size of the file, pages against a limit, and columns that could unfold
stay dictionaries.
"""

import io
from collections.abc import Iterator
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from ingest.errors import InvalidInput, TooLarge, UnsupportedContent
from ingest.formats import RawBlock
from ingest.formats.columns import BLOCK_ROWS, numbered_blocks, require_distinct_names
from ingest.formats.parquet_pages import pages_of
from ingest.formats.spool import seekable

MAGIC = b"PAR1"
ROWS_PER_BYTE = 200
"""More rows than this for each byte of the file are taken for an attack; real files have less than one."""
_FREE_ROWS = 1_000_000
UNPACKED_PER_BYTE = 200
_FREE_BYTES = 256 << 20
_UNFOLDED_LIMIT = 256 << 20

UNPACKED_LIMIT = 256 << 20
"""Bytes of the largest pages of all columns of a row group: so much is in memory while its rows are read."""
_ROWS_BYTES = 64 << 20
_FEWEST_ROWS = 16


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
    unpacked = sum(parquet.metadata.row_group(group).total_byte_size for group in range(parquet.num_row_groups))
    if unpacked > _FREE_BYTES + UNPACKED_PER_BYTE * size:
        raise TooLarge(f"a Parquet file of {size} bytes unpacks to {unpacked} bytes")


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
            rows = _rows_at_a_time(file, parquet.metadata.row_group(group))
            for batch in parquet.iter_batches(batch_size=rows, row_groups=[group]):
                batch.validate(full=True)
                yield from numbered_blocks(pa.Table.from_batches([batch]), first_row=row)
                row += batch.num_rows
        except (pa.ArrowException, OSError, MemoryError, _BrokenPage) as error:
            place = f"row group {group + 1} of {parquet.num_row_groups}"
            raise InvalidInput(f"{place} cannot be read after row {row - 1}: {_reason(error)}") from error


class _BrokenPage(Exception):
    """A page that does not say how large it is."""


def _rows_at_a_time(file: BinaryIO, group: pq.RowGroupMetaData) -> int:
    """How many rows of a row group go into memory together. Raises TooLarge for pages that do not."""
    unpacked = 0
    row_bytes = 1.0
    for place in range(group.num_columns):
        try:
            pages = list(pages_of(file, group.column(place)))
        except ValueError as error:
            raise _BrokenPage(str(error)) from error
        dictionary = max((page.unpacked for page in pages if page.values is None), default=0)
        unpacked += dictionary + max((page.unpacked for page in pages if page.values is not None), default=0)
        row_bytes += max((page.unpacked / page.values for page in pages if page.values), default=0.0)
    if unpacked > UNPACKED_LIMIT:
        raise TooLarge(
            f"the pages of a row group of the Parquet file unpack to more than {UNPACKED_LIMIT >> 20} MiB",
            hint="write it with smaller pages or row groups",
        )
    return int(min(BLOCK_ROWS, max(_FEWEST_ROWS, _ROWS_BYTES // row_bytes)))


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
