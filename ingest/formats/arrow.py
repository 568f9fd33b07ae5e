"""Arrow IPC, as a stream and as a file (Feather version 2).

Batches come from strangers: each is validated to the last offset before anything reads it, because a wrong offset
would otherwise be read as an address.
"""

from collections.abc import Callable, Iterator
from contextlib import closing
from typing import BinaryIO

import pyarrow as pa

from ingest.errors import InvalidInput, UnsupportedContent
from ingest.formats import RawBlock
from ingest.formats.arrow_claims import check_file, check_stream
from ingest.formats.columns import numbered_blocks, require_distinct_names
from ingest.formats.spool import buffered, seekable

FILE_MAGIC = b"ARROW1"
FEATHER_V1_MAGIC = b"FEA1"
_BROKEN = (pa.ArrowException, OSError, ValueError, MemoryError, OverflowError)


def read_arrow(stream: BinaryIO) -> Iterator[RawBlock]:
    """Blocks of an Arrow IPC stream or file; a row's line is its number from 1."""
    source = buffered(stream)
    head = source.peek(8)[:8]
    if head.startswith(FEATHER_V1_MAGIC):
        raise UnsupportedContent(
            "this is Feather version 1, which is not Arrow IPC", hint="write it as Feather version 2, Arrow or Parquet"
        )
    if not head:
        raise InvalidInput("not an Arrow stream: it is empty")
    with seekable(source) as body:
        if head.startswith(FILE_MAGIC):
            yield from _read_file(body)
        else:
            yield from _read_stream(body)


def _read_stream(stream: BinaryIO) -> Iterator[RawBlock]:
    try:
        reader = pa.ipc.open_stream(stream)
    except _BROKEN as error:
        raise InvalidInput(f"not an Arrow stream: {_reason(error)}") from error
    with closing(reader):
        check_stream(stream)
        require_distinct_names(reader.schema.names)
        yield from _read_batches(_until_end(reader.read_next_batch), "Arrow stream")


def _read_file(file: BinaryIO) -> Iterator[RawBlock]:
    try:
        reader = pa.ipc.open_file(file)
        count = reader.num_record_batches
    except _BROKEN as error:
        raise InvalidInput(f"the footer of the Arrow file cannot be read: {_reason(error)} (file cut off?)") from error
    check_file(file)
    require_distinct_names(reader.schema.names)
    batches = ((lambda place=place: reader.get_batch(place)) for place in range(count))
    yield from _read_batches(batches, "Arrow file")


def _until_end(read_next: Callable[[], pa.RecordBatch]) -> Iterator[Callable[[], pa.RecordBatch]]:
    while True:
        yield read_next


def _read_batches(reads: Iterator[Callable[[], pa.RecordBatch]], kind: str) -> Iterator[RawBlock]:
    row = 1
    for number, read in enumerate(reads, 1):
        try:
            batch = read()
            batch.validate(full=True)
        except StopIteration:
            return
        except _BROKEN as error:
            raise InvalidInput(f"batch {number} of the {kind} is broken or cut off: {_reason(error)}") from error
        yield from numbered_blocks(pa.Table.from_batches([batch]), first_row=row)
        row += batch.num_rows


def _reason(error: BaseException) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__
