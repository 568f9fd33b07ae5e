"""NDJSON: one JSON object a line.

Blocks of whole lines are decoded column by column (pyarrow.json, no object per line, two cores at once). Its types
and keys come from a sample; a line that does not fit them, or that carries a nested value, is read on its own, and
only that one. Measured against the other decoders in ``bench``.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO, Any

import numpy as np
import pyarrow as pa
import pyarrow.json

from ingest.formats import LINE_LIMIT, RAW_LIMIT, RawBlock, Reject

BLOCK_BYTES = 32 << 20
FEW_LINES = 48
SMALL_BYTES = 16 << 10
"""Below this many lines or bytes an object per line costs less than setting up columns."""
SAMPLED_LINES = 32

_NEWLINE = 10
_UNKNOWN_KEY = "unexpected field"


def read_ndjson(stream: IO[bytes]) -> Iterator[RawBlock]:
    """Blocks of a stream of JSON lines, their lines numbered from 1; empty lines are skipped."""
    first_line = 1
    columns = _Columns()
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


@dataclass(slots=True)
class _Columns:
    """What is known of the sender's keys: a column type for the flat ones, and which ones are nested."""

    flat: dict[str, pa.DataType] = field(default_factory=dict)
    nested: set[str] = field(default_factory=set)

    def learn(self, value: dict[str, Any]) -> None:
        for key, item in value.items():
            if isinstance(item, dict | list):
                self.nested.add(key)
                self.flat.pop(key, None)
            elif key not in self.nested and item is not None:
                self.flat.setdefault(key, _type_of(item))

    @property
    def options(self) -> pyarrow.json.ParseOptions:
        schema = pa.schema(list(self.flat.items()))
        return pyarrow.json.ParseOptions(explicit_schema=schema, unexpected_field_behavior="error")


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


def _read_block(body: bytes, first_line: int, columns: _Columns) -> tuple[RawBlock, int]:
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

    def read(self, columns: _Columns) -> None:
        self._learn(columns)
        alone = self._lines_to_read_alone(columns)
        if np.count_nonzero(alone) * 2 > len(alone):
            self.read_singly(range(len(alone)))
            return
        self.read_singly(np.flatnonzero(alone))
        together = np.flatnonzero(~alone)
        self._read_together(together, columns)

    def _learn(self, columns: _Columns) -> None:
        step = max(1, len(self.ends) // SAMPLED_LINES)
        for place in range(0, len(self.ends), step):
            try:
                columns.learn(read_object(self._text(place)))
            except ValueError:
                continue

    def _lines_to_read_alone(self, columns: _Columns) -> np.ndarray:
        """Empty lines, and those that may carry a nested value (``details`` always may)."""
        alone = self.ends - self.starts < 2
        for key in columns.nested | {"details"}:
            columns.flat.pop(key, None)
            found = _occurrences(self.body, json.dumps(key, ensure_ascii=False).encode())
            alone[np.searchsorted(self.ends, found)] = True
        return alone

    def _read_together(self, places: np.ndarray, columns: _Columns) -> None:
        """Decode lines as columns; halve what does not decode until only the lines at fault are read singly."""
        pending = [places]
        while pending:
            part = pending.pop()
            if len(part) < FEW_LINES:
                self.read_singly(part)
                continue
            table = self._decode(part, columns)
            if table is not None:
                self.tables.append(table)
                self.places.append(part)
                continue
            middle = len(part) // 2
            pending.extend((part[middle:], part[:middle]))

    def _decode(self, places: np.ndarray, columns: _Columns) -> pa.Table | None:
        body = self._joined(places)
        if not _is_utf8(body):
            return None
        reading = pyarrow.json.ReadOptions(use_threads=False, block_size=len(body) + 1)
        try:
            table = pyarrow.json.read_json(pa.BufferReader(body), reading, columns.options)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError, UnicodeDecodeError) as error:
            if _UNKNOWN_KEY in str(error) and self._learn_more(places, columns):
                return None if columns.nested else self._decode(places, columns)
            return None
        return table if table.num_rows == len(places) else None

    def _learn_more(self, places: np.ndarray, columns: _Columns) -> bool:
        """Look for keys the sample did not show; true when there are new flat ones."""
        known = set(columns.flat)
        step = max(1, len(places) // (SAMPLED_LINES * 8))
        for place in places[::step]:
            try:
                columns.learn(read_object(self._text(place)))
            except ValueError:
                continue
        return bool(set(columns.flat) - known)

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


def _occurrences(body: bytes, needle: bytes) -> list[int]:
    return [found.start() for found in re.finditer(re.escape(needle), body)]


def _is_utf8(body: bytes) -> bool:
    """Checked by Arrow: faster than decoding, and without a copy."""
    offsets = pa.py_buffer(np.array([0, len(body)], np.int64))
    text = pa.LargeStringArray.from_buffers(1, offsets, pa.py_buffer(body))
    try:
        text.validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def _is_encodable(value: object) -> bool:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


def _type_of(value: object) -> pa.DataType:
    if isinstance(value, bool):
        return pa.bool_()
    if isinstance(value, int):
        return pa.int64()
    return pa.float64() if isinstance(value, float) else pa.string()


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
