"""CSV: a header, then rows of text.

Every cell stays text; an empty cell without quotes is null. Bodies are cut where a row ends outside quotes, found for
megabytes at once, and decoded column by column. A body that is not clean goes through ``csv_rows``, which explains.
"""

import io
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.csv

from ingest.formats import LINE_LIMIT, RawBlock, Reject
from ingest.formats.csv_header import read_header
from ingest.formats.csv_rows import Row, read_rows
from ingest.formats.spool import seekable
from ingest.formats.text_encoding import as_utf8

BLOCK_BYTES = 8 << 20
_QUOTE, _NEWLINE, _RETURN = b'"\n\r'


def read_csv(stream: BinaryIO) -> Iterator[RawBlock]:
    """Blocks of a CSV file; a row's line is the one it starts on. Raises InvalidInput for a header nobody can use.

    A table's schema metadata names the ``encoding`` where it was not UTF-8.
    """
    with seekable(stream) as file:
        text, encoding = as_utf8(file)
        lines = _CountedLines(text)
        delimiter, names = read_header(lines)
        rows = _Rows(names, delimiter, encoding)
        first_line = lines.count + 1
        rest = b""
        while chunk := text.read(BLOCK_BYTES):
            body = rest + chunk
            cut, clean = rows.last_row_end(body)
            if not clean or len(body) - cut > LINE_LIMIT:
                yield from rows.explain(_lines_of(body, text), first_line)
                return
            rest = body[cut:]
            if cut:
                yield from rows.decode(body[:cut], first_line)
                first_line += body.count(b"\n", 0, cut)
        if rest:
            yield from rows.explain(io.BytesIO(rest), first_line)


class _CountedLines:
    """Lines of the head as text. A line without end is given up at the limit."""

    def __init__(self, text: BinaryIO) -> None:
        self._text = text
        self.count = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._text.readline(LINE_LIMIT)
        if not line:
            raise StopIteration
        self.count += 1
        return line.decode("utf-8", "replace")


def _lines_of(body: bytes, text: BinaryIO) -> Iterator[bytes]:
    """The lines of a body and of what follows it. A line is never given in more than its first LINE_LIMIT + 1 bytes."""
    start = 0
    while (end := body.find(b"\n", start) + 1) > 0:
        yield body[start:end]
        start = end
    begun = body[start:]
    yield begun + _read_line(text, LINE_LIMIT + 1 - len(begun))
    while line := _read_line(text, LINE_LIMIT + 1):
        yield line


def _read_line(text: BinaryIO, limit: int) -> bytes:
    line = text.readline(max(1, limit))
    piece = line
    while piece and not piece.endswith(b"\n"):
        piece = text.readline(1 << 20)
    return line


class _Rows:
    """Rows of one header."""

    def __init__(self, names: list[str], delimiter: str, encoding: str) -> None:
        self.names = names
        self.delimiter = delimiter
        schema = pa.schema([(name, pa.string()) for name in names])
        self.schema = schema if encoding == "utf-8" else schema.with_metadata({"encoding": encoding})
        self._faults = 0
        self._parsing = pyarrow.csv.ParseOptions(
            delimiter=delimiter, newlines_in_values=True, invalid_row_handler=self._skip
        )
        self._converting = pyarrow.csv.ConvertOptions(
            column_types=schema, null_values=[""], strings_can_be_null=True, quoted_strings_can_be_null=False
        )

    def _skip(self, _row: pyarrow.csv.InvalidRow) -> str:
        self._faults += 1
        return "skip"

    def last_row_end(self, body: bytes) -> tuple[int, bool]:
        """The place behind the last whole row, and whether quotes and line ends are where they belong."""
        if b'"' not in body:
            return body.rfind(b"\n") + 1, not _has_bare_return(body)
        characters = np.frombuffer(body, np.uint8)
        quotes = np.flatnonzero(characters == _QUOTE)
        ends = _row_ends(characters, quotes)
        cut = int(ends[-1]) + 1 if len(ends) else 0
        inside = quotes[quotes < cut]
        clean = _quotes_stand_well(characters, inside, ord(self.delimiter)) and not _has_bare_return(body)
        return cut, clean

    def decode(self, body: bytes, first_line: int) -> Iterator[RawBlock]:
        """The rows of a body that ends with a row's end."""
        lines = self._row_lines(body, first_line)
        table = self._parse(body)
        if table is not None and table.num_rows == len(lines):
            if table.num_rows:
                yield RawBlock(table=table, lines=pa.array(lines, pa.int64()), is_tabular=True)
            return
        yield from self.explain(io.BytesIO(body), first_line)

    def _parse(self, body: bytes) -> pa.Table | None:
        self._faults = 0
        reading = pyarrow.csv.ReadOptions(use_threads=False, column_names=self.names, block_size=len(body) + 1)
        try:
            table = pyarrow.csv.read_csv(pa.BufferReader(body), reading, self._parsing, self._converting)
        except (pa.ArrowInvalid, UnicodeDecodeError):
            return None
        return None if self._faults else table.replace_schema_metadata(self.schema.metadata)

    def _row_lines(self, body: bytes, first_line: int) -> np.ndarray:
        characters = np.frombuffer(body, np.uint8)
        newlines = np.flatnonzero(characters == _NEWLINE)
        ends = _row_ends(characters, np.flatnonzero(characters == _QUOTE))
        starts = np.concatenate(([0], ends[:-1] + 1)) if len(ends) else ends
        blank = (ends == starts) | ((ends == starts + 1) & (characters[starts] == _RETURN))
        lines: np.ndarray = first_line + np.searchsorted(newlines, starts[~blank])
        return lines

    def explain(self, lines: Iterator[bytes], first_line: int) -> Iterator[RawBlock]:
        """The rows of these lines, each looked at."""
        kept: list[Row] = []
        refused: list[Reject] = []
        size = 0
        width = len(self.names)
        for row in read_rows(lines, first_line=first_line, delimiter=self.delimiter, width=width):
            if isinstance(row, Reject):
                refused.append(row)
            else:
                kept.append(row)
                size += len(row.raw)
            if size > BLOCK_BYTES or len(refused) > 10_000:
                yield self._block(kept, refused)
                kept, refused, size = [], [], 0
        if kept or refused:
            yield self._block(kept, refused)

    def _block(self, rows: list[Row], refused: list[Reject]) -> RawBlock:
        raw = b"".join(row.raw if row.raw.endswith(b"\n") else row.raw + b"\n" for row in rows)
        table = self._parse(raw) if rows else None
        if rows and (table is None or table.num_rows != len(rows)):
            columns = zip(*(row.cells for row in rows), strict=True)
            table = pa.table(
                [pa.array([cell or None for cell in column], pa.string()) for column in columns], self.schema
            )
        return RawBlock(
            table=table, lines=pa.array([row.line for row in rows], pa.int64()), refused=refused, is_tabular=True
        )


def _row_ends(characters: np.ndarray, quotes: np.ndarray) -> np.ndarray:
    """Places of the line breaks that stand outside quotes."""
    newlines = np.flatnonzero(characters == _NEWLINE)
    return newlines[np.searchsorted(quotes, newlines) % 2 == 0] if len(quotes) else newlines


def _quotes_stand_well(characters: np.ndarray, quotes: np.ndarray, delimiter: int) -> bool:
    """Whether each opening quote starts a cell and each closing one ends it, doubled quotes apart."""
    before = np.concatenate(([_NEWLINE], characters))[quotes[0::2]]
    after = np.concatenate((characters, [_NEWLINE]))[quotes[1::2] + 1]
    opens = np.isin(before, (delimiter, _NEWLINE, _QUOTE))
    closes = np.isin(after, (delimiter, _NEWLINE, _RETURN, _QUOTE))
    return len(quotes) % 2 == 0 and bool(opens.all() and closes.all())


def _has_bare_return(body: bytes) -> bool:
    """Whether a carriage return stands without its line feed; one at the very end may get it with the next bytes."""
    return body.count(b"\r") - body.endswith(b"\r") != body.count(b"\r\n")
