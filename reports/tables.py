"""Actions of any number as CSV, NDJSON or Parquet, in pieces of bytes as they come.

Data is exact: a message that begins with ``=`` is written as it is, because whoever reads the file back must get what
was recorded. Spreadsheets that take such a cell for a formula should import the column as text. In CSV a missing value
is an empty cell and an empty text is ``""``; times are RFC 3339 with microseconds and Z.
"""

import csv
import io
import json
from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

ROWS_AT_ONCE = 16_384
BYTES_AT_ONCE = 16 * 2**20
ROWS_OF_GROUP = 122_880
BYTES_OF_GROUP = 64 * 2**20
RFC3339 = "%Y-%m-%dT%H:%M:%SZ"
NEEDS_ESCAPE = r'["\\\x00-\x1f]'


class TableFormat(StrEnum):
    """How rows leave; the value is also the file name's extension."""

    CSV = "csv"
    NDJSON = "ndjson"
    PARQUET = "parquet"

    @property
    def media_type(self) -> str:
        return {
            TableFormat.CSV: "text/csv; charset=utf-8; header=present",
            TableFormat.NDJSON: "application/x-ndjson",
            TableFormat.PARQUET: "application/vnd.apache.parquet",
        }[self]


def write_actions(reader: pa.RecordBatchReader, table_format: TableFormat | str) -> Iterator[bytes]:
    """The actions of the reader as a file. In NDJSON, details are JSON inside the line, so a line can be sent again."""
    return write_table(reader, table_format, json_columns=frozenset({"details"}))


def write_table(
    reader: pa.RecordBatchReader, table_format: TableFormat | str, *, json_columns: frozenset[str] = frozenset()
) -> Iterator[bytes]:
    """Any rows as a file; the columns named hold JSON text already."""
    match TableFormat(table_format):
        case TableFormat.CSV:
            return _write_csv(reader)
        case TableFormat.NDJSON:
            return _write_ndjson(reader, json_columns)
        case TableFormat.PARQUET:
            return _write_parquet(reader)


def _pieces(reader: pa.RecordBatchReader) -> Iterator[pa.RecordBatch]:
    """The reader's batches, cut so that a piece of text stays small; the reader is closed whatever happens."""
    try:
        for batch in reader:
            yield from _cut(batch)
    finally:
        reader.close()


def _cut(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    if batch.num_rows > ROWS_AT_ONCE or (batch.num_rows > 1 and batch.nbytes > BYTES_AT_ONCE):
        wanted = batch.num_rows * BYTES_AT_ONCE // max(1, batch.nbytes)
        rows = max(1, min(ROWS_AT_ONCE, wanted))
        for start in range(0, batch.num_rows, rows):
            yield batch.slice(start, rows)
    elif batch.num_rows:
        yield batch


def _write_csv(reader: pa.RecordBatchReader) -> Iterator[bytes]:
    header = io.StringIO()
    csv.writer(header, lineterminator="\n").writerow(reader.schema.names)
    yield header.getvalue().encode()
    options = pa.csv.WriteOptions(include_header=False, quoting_style="needed")
    for batch in _pieces(reader):
        sink = pa.BufferOutputStream()
        plain = pa.RecordBatch.from_arrays([_csv_column(column) for column in batch.columns], batch.schema.names)
        pa.csv.write_csv(plain, sink, options)
        yield sink.getvalue().to_pybytes()


def _csv_column(column: pa.Array) -> pa.Array:
    if pa.types.is_timestamp(column.type):
        return pc.strftime(column, format=RFC3339 if column.type.tz else RFC3339.removesuffix("Z"))
    if pa.types.is_nested(column.type):
        return _json_by_value(column)
    return column


def _write_ndjson(reader: pa.RecordBatchReader, json_columns: frozenset[str]) -> Iterator[bytes]:
    names = reader.schema.names
    keys = [("{" if number == 0 else ",") + json.dumps(name) + ":" for number, name in enumerate(names)]
    for batch in _pieces(reader):
        fragments: list[Any] = []  # text and arrays of text alternate
        for key, name, column in zip(keys, names, batch.columns, strict=True):
            values = _one_line(column) if name in json_columns else _json_column(column)
            fragments += (key, pc.fill_null(values, "null"))
        yield _text_of(pc.binary_join_element_wise(*fragments, "}\n", ""))


def _text_of(lines: pa.Array) -> bytes:
    """The characters of an array of text one after the other: they already lie so in memory."""
    text: bytes = pc.binary_join(pa.ListArray.from_arrays([0, len(lines)], lines), "")[0].as_buffer().to_pybytes()
    return text


def _one_line(column: pa.Array) -> pa.Array:
    return pc.replace_substring_regex(column, "[\r\n]+", " ")


def _json_column(column: pa.Array) -> pa.Array:
    kind = column.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return _json_text(column)
    if pa.types.is_boolean(kind) or pa.types.is_integer(kind):
        return pc.cast(column, pa.string())
    if pa.types.is_timestamp(kind):
        return _quoted(pc.strftime(column, format=RFC3339 if kind.tz else RFC3339.removesuffix("Z")))
    return _json_by_value(column)


def _json_text(column: pa.Array) -> pa.Array:
    """JSON of text: quotes around it, and the slow way only for the values that hold something to escape."""
    column = pc.cast(column, pa.string())
    odd = pc.match_substring_regex(column, NEEDS_ESCAPE)
    if not pc.any(odd).as_py():
        return _quoted(column)
    escaped = _json_by_value(column.filter(odd))
    return pc.replace_with_mask(_quoted(column), pc.fill_null(odd, False), escaped)


def _quoted(column: pa.Array) -> pa.Array:
    return pc.binary_join_element_wise('"', column, '"', "")


def _json_by_value(column: pa.Array) -> pa.Array:
    values = (_json_value(value) for value in column.to_pylist())
    return pa.array(values, pa.string())


def _json_value(value: object) -> str | None:
    if value is None or (isinstance(value, float) and (value != value or value in (float("inf"), float("-inf")))):
        return None  # JSON has no word for these
    return json.dumps(value, ensure_ascii=False, default=str)


def _write_parquet(reader: pa.RecordBatchReader) -> Iterator[bytes]:
    outbox = _Outbox()
    with pq.ParquetWriter(outbox, reader.schema, compression="zstd") as writer:
        waiting: list[pa.RecordBatch] = []
        for batch in _pieces(reader):
            waiting.append(batch)
            if _reached(waiting, len, ROWS_OF_GROUP) or _reached(waiting, _bytes_of, BYTES_OF_GROUP):
                writer.write_table(pa.Table.from_batches(waiting))
                waiting = []
                yield outbox.take()
        if waiting:
            writer.write_table(pa.Table.from_batches(waiting))
    yield outbox.take()


def _reached(batches: list[pa.RecordBatch], size: Callable[[pa.RecordBatch], int], limit: int) -> bool:
    return sum(size(batch) for batch in batches) >= limit


def _bytes_of(batch: pa.RecordBatch) -> int:
    return int(batch.nbytes)


class _Outbox(io.RawIOBase):
    """A file to write to whose bytes are taken away as they come."""

    def __init__(self) -> None:
        super().__init__()
        self._waiting: list[bytes] = []
        self._written = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:  # any buffer: pyarrow hands over its own
        piece = bytes(data)
        self._waiting.append(piece)
        self._written += len(piece)
        return len(piece)

    def tell(self) -> int:
        return self._written

    def take(self) -> bytes:
        taken, self._waiting = b"".join(self._waiting), []
        return taken
