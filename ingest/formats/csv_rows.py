"""CSV rows one by one, with the reason where one cannot be read: the slow way, for bodies that are not clean."""

import csv
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from ingest.formats import LINE_LIMIT, RAW_LIMIT, Reject

_RESTARTS = 100
"""So often is reading begun anew behind a quote that nobody closed; each time costs reading what followed again."""

_FAULTS = {
    "new-line character": "a carriage return stands alone, outside quotes",
    " expected after '\"'": "a quote inside a quoted cell is not doubled",
}
"""Words for what the csv module says, by a part of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A row that is whole: the line it starts on, its bytes, its cells."""

    line: int
    raw: bytes
    cells: list[str]


def read_rows(lines: Iterator[bytes], *, first_line: int, delimiter: str, width: int) -> Iterator[Row | Reject]:
    """Each row of these lines with ``width`` cells, and a Reject for each that is not one."""
    csv.field_size_limit(max(LINE_LIMIT, csv.field_size_limit()))  # its own limit of 128 KiB is for the whole process
    source = _Lines(lines, first_line)
    reader = csv.reader(source, delimiter=delimiter, strict=True)
    while True:
        source.begin_row()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except _RowTooLong:
            source.keep_only_first_line()
            yield source.reject("line-too-long", f"the row has more than {LINE_LIMIT:,} bytes")
        except csv.Error as error:
            yield _explain(source, str(error))
        else:
            if cells:
                yield _checked(source, cells, width)


def _checked(source: "_Lines", cells: list[str], width: int) -> Row | Reject:
    if len(cells) != width:
        return source.reject("wrong-cell-count", f"the row has {len(cells)} cells, the header has {width}")
    raw = b"".join(source.taken)
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError as error:
        return source.reject("malformed-line", f"byte {error.start + 1} of the row is not UTF-8")
    return Row(line=source.row_line, raw=raw, cells=cells)


def _explain(source: "_Lines", fault: str) -> Reject:
    if fault == "unexpected end of data":
        source.keep_only_first_line()
        return source.reject("malformed-line", "a quoted cell that opens here is never closed")
    return source.reject("malformed-line", f"the row cannot be read: {_words_for(fault)}")


def _words_for(fault: str) -> str:
    return next((words for start, words in _FAULTS.items() if start in fault), fault)


class _RowTooLong(Exception):
    pass


class _Lines:
    """Lines as text for the csv module, remembering those of the row that is being read."""

    def __init__(self, lines: Iterator[bytes], first_line: int) -> None:
        self._lines = lines
        self._again: deque[bytes] = deque()
        self._next_line = first_line
        self._restarts = 0
        self.row_line = first_line
        self.taken: list[bytes] = []
        self._size = 0

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else next(self._lines)
        self._next_line += 1
        self.taken.append(line)
        self._size += len(line)
        if self._size > LINE_LIMIT:
            raise _RowTooLong
        return line.decode("utf-8", "surrogateescape")

    def begin_row(self) -> None:
        self.row_line = self._next_line
        self.taken = []
        self._size = 0

    def keep_only_first_line(self) -> None:
        """Read the lines behind the row's first one again, as rows of their own."""
        self._restarts += 1
        if self._restarts > _RESTARTS:
            return
        self._again.extendleft(reversed(self.taken[1:]))
        self._next_line = self.row_line + 1
        del self.taken[1:]

    def reject(self, code: str, message: str) -> Reject:
        raw = b"".join(self.taken[:20])[: RAW_LIMIT * 4].decode("utf-8", "replace").rstrip("\r\n")
        return Reject(line=self.row_line, code=code, message=message, raw=raw[:RAW_LIMIT])
