"""NDJSON: one JSON object a line.

Blocks of whole lines are decoded column by column, no object per line, with the keys of a sample (``json_columns``). A
line that says more or something else is read on its own, and only that one.
"""

import json
from collections.abc import Iterator
from contextlib import suppress
from typing import IO, Any

import numpy as np
import pyarrow as pa

from ingest.formats import LINE_LIMIT, RAW_LIMIT, RawBlock, Reject
from ingest.formats.json_columns import JsonColumns

BLOCK_BYTES = 32 << 20
FEW_LINES = 48
SMALL_BYTES = 16 << 10
"""Below this many lines or bytes an object per line costs less than setting up columns."""
SAMPLED_LINES = 32

_NEWLINE = 10


def read_ndjson(stream: IO[bytes]) -> Iterator[RawBlock]:
    """Blocks of a stream of JSON lines, their lines numbered from 1; empty lines are skipped."""
    first_line = 1
    columns = JsonColumns()
    for body, too_long in _whole_lines(stream):
        block, lines = _read_block(body, first_line, columns)
        if too_long is not None:
            block.refused.append(_too_long(first_line + lines, too_long))
            lines += 1
        first_line += lines
        yield block


def read_object(text: bytes) -> dict[str, Any]:
    """One line as an object. ValueError says what is wrong with it."""
    try:
        value = json.loads(text.decode("utf-8"), object_pairs_hook=_without_doubles, parse_constant=_refuse_constant)
    except UnicodeDecodeError as error:
        raise ValueError(f"byte {error.start + 1} of the line is not UTF-8") from None
    except json.JSONDecodeError as error:
        if error.msg == "Extra data":
            raise ValueError(
                f"a second value at character {error.pos + 1}; curl -d joins lines, --data-binary does not"
            ) from None
        raise ValueError(f"not JSON: {error.msg} at character {error.pos + 1}") from None
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if b"\\ud" in text.lower() and not _is_encodable(value):
        raise ValueError("a \\ud… escape is half of a surrogate pair")
    if not isinstance(value, dict):
        raise ValueError(f"a line is a JSON object, this one is {_kind_of(value)}")
    return value


def _whole_lines(stream: IO[bytes]) -> Iterator[tuple[bytes, int | None]]:
    """Bodies that end at a line's end; with each the size of an over-long line that followed it, if any."""
    rest = b""
    while chunk := stream.read(BLOCK_BYTES):
        body = rest + chunk if rest else chunk
        end = body.rfind(b"\n") + 1
        rest = body[end:]
        if len(rest) <= LINE_LIMIT:
            if end:
                yield body[:end] if rest else body, None
            continue
        size, rest = _skip_line(stream, len(rest))
        yield body[:end], size
    if rest:
        yield rest, None


def _skip_line(stream: IO[bytes], size: int) -> tuple[int, bytes]:
    while chunk := stream.read(1 << 20):
        end = chunk.find(b"\n")
        if end >= 0:
            return size + end, chunk[end + 1 :]
        size += len(chunk)
    return size, b""


def _too_long(line: int, size: int) -> Reject:
    return Reject(line=line, code="line-too-long", message=f"the line has {size:,} bytes, the limit is {LINE_LIMIT:,}")


def _read_block(body: bytes, first_line: int, columns: JsonColumns) -> tuple[RawBlock, int]:
    if len(body) <= SMALL_BYTES:
        return _read_few(body, first_line)
    ends = np.flatnonzero(np.frombuffer(body, np.uint8) == _NEWLINE)
    if not body.endswith(b"\n"):
        ends = np.append(ends, len(body))
    lines = _Lines(body, ends, first_line)
    lines.read(columns)
    return lines.block(), len(ends)


def _read_few(body: bytes, first_line: int) -> tuple[RawBlock, int]:
    block = RawBlock()
    texts = body.removesuffix(b"\n").split(b"\n") if body else []
    for line, text in enumerate(texts, start=first_line):
        _read_line(text, line, block.objects, block.refused)
    return block, len(texts)


def _read_line(text: bytes, line: int, objects: list[tuple[int, dict[str, Any]]], refused: list[Reject]) -> None:
    """Put one line where it belongs; an empty one belongs nowhere."""
    if not text or text.isspace():
        return
    try:
        objects.append((line, read_object(text)))
    except ValueError as error:
        raw = text[: RAW_LIMIT * 4].decode("utf-8", "replace")[:RAW_LIMIT]
        refused.append(Reject(line=line, code="malformed-line", message=str(error), raw=raw))


class _Lines:
    """The lines of one block and what has been made of them."""

    def __init__(self, body: bytes, ends: np.ndarray, first_line: int) -> None:
        self.body = body
        self.starts = np.concatenate(([0], ends[:-1] + 1)) if len(ends) else ends
        self.ends = ends
        self.first_line = first_line
        self.tables: list[pa.Table] = []
        self.places: list[np.ndarray] = []
        self.objects: list[tuple[int, dict[str, Any]]] = []
        self.refused: list[Reject] = []

    def block(self) -> RawBlock:
        table = pa.concat_tables(self.tables, promote_options="default") if self.tables else None
        lines = pa.array(np.concatenate(self.places) + self.first_line) if self.places else None
        return RawBlock(table=table, lines=lines, objects=self.objects, refused=self.refused)

    def read(self, columns: JsonColumns) -> None:
        self._learn(np.arange(len(self.ends)), columns, SAMPLED_LINES)
        sizes = self.ends - self.starts
        self.read_singly(np.flatnonzero(sizes == 1))  # a carriage return, or no object
        pending = [np.flatnonzero(sizes > 1)]
        while pending:
            part = pending.pop()
            if len(part) < FEW_LINES:
                self.read_singly(part)
                continue
            if not self._read_together(part, columns):  # halve it until only the lines at fault are left
                middle = len(part) // 2
                pending.extend((part[middle:], part[:middle]))

    def _learn(self, places: np.ndarray, columns: JsonColumns, count: int) -> None:
        for place in places[:: max(1, len(places) // count)]:
            with suppress(ValueError):
                columns.learn(read_object(self._text(int(place))))

    def _read_together(self, places: np.ndarray, columns: JsonColumns) -> bool:
        """Decode lines as columns, and the few that columns do not tell wholly on their own."""
        decoded = self._decode(places, columns)
        if decoded is not None and np.count_nonzero(decoded[1]) * 20 > len(places):
            self._learn(places[decoded[1]], columns, SAMPLED_LINES * 8)  # keys that the sample did not show
            decoded = self._decode(places, columns)
        if decoded is None:
            return False
        table, unclear = decoded
        if unclear.any():
            self.read_singly(places[unclear])
            table = table.filter(pa.array(~unclear))
        self.tables.append(table)
        self.places.append(places[~unclear])
        return True

    def _decode(self, places: np.ndarray, columns: JsonColumns) -> tuple[pa.Table, np.ndarray] | None:
        body = self._joined(places)
        table = columns.decode(body)
        if table is None or table.num_rows != len(places):
            return None
        sizes = self.ends[places] + 1 - self.starts[places]
        offsets = np.concatenate(([0], np.cumsum(sizes)))
        offsets[-1] = len(body)  # the last line of all may end without a newline
        buffers = [None, pa.py_buffer(offsets), pa.py_buffer(body)]
        lines = pa.LargeBinaryArray.from_buffers(pa.large_binary(), len(places), buffers)
        return table, columns.unclear_rows(table, lines)

    def read_singly(self, places: "range | np.ndarray") -> None:
        for place in map(int, places):
            _read_line(self._text(place), self.first_line + place, self.objects, self.refused)

    def _text(self, place: int) -> bytes:
        return self.body[self.starts[place] : self.ends[place]]

    def _joined(self, places: np.ndarray) -> bytes:
        """The lines at these places; a run of neighbours is one slice."""
        breaks = np.flatnonzero(np.diff(places) != 1) + 1
        starts = self.starts[places[np.concatenate(([0], breaks))]].tolist()
        ends = (self.ends[places[np.concatenate((breaks - 1, [-1]))]] + 1).tolist()
        if len(starts) == 1:
            return self.body[starts[0] : ends[0]]
        return b"".join(map(self.body.__getitem__, map(slice, starts, ends)))


def _is_encodable(value: object) -> bool:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        keys = [key for key, _ in pairs]
        double = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"the key {double!r} stands twice")
    return value


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


def _kind_of(value: object) -> str:
    return {list: "a list", str: "a text", bool: "a truth value", type(None): "null"}.get(type(value), "a number")
