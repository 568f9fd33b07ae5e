"""What can be recorded: input names to readers."""

from collections.abc import Callable, Iterator, Mapping
from typing import BinaryIO

from ingest.errors import UnsupportedContent
from ingest.formats import RawBlock
from ingest.formats.arrow import read_arrow
from ingest.formats.csv import read_csv
from ingest.formats.json_array import read_json_array
from ingest.formats.ndjson import read_ndjson
from ingest.formats.parquet import read_parquet
from ingest.protocols.rclone import read_rclone
from ingest.run_state import RunEvent

Reader = Callable[[BinaryIO], Iterator[RawBlock | RunEvent]]

FORMATS: Mapping[str, Reader] = {
    "ndjson": read_ndjson,
    "json": read_json_array,
    "csv": read_csv,
    "parquet": read_parquet,
    "arrow": read_arrow,
}

PROTOCOLS: Mapping[str, Reader] = {
    "rclone": read_rclone,
}


def reader_of(input_name: str) -> Reader:
    """The reader of an input. Raises UnsupportedContent."""
    reader = FORMATS.get(input_name) or PROTOCOLS.get(input_name)
    if reader is None:
        raise UnsupportedContent(f"no reader for {input_name!r}", hint=f"one of {', '.join([*FORMATS, *PROTOCOLS])}")
    return reader
