"""Many JSON lines to columns at once, by DuckDB's JSON reader: twice the speed of pyarrow's (``bench/parts.py``).

It reads what it is asked for and leaves the rest, so what it read has to be checked against the text. Every key of a
line shows as ``":`` in it; a line where that count is not the number of values read has a key nobody asked for, a
value that did not fit, or something stranger, and is left to be read on its own.
"""

import os
import threading
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ingest.details import JSON_TEXT
from ingest.formats import LINE_LIMIT
from ingest.schema import SENT_FIELDS

_READ = """
select * from read_json(
    $path, columns = $columns, format = 'newline_delimited', ignore_errors = true,
    maximum_object_size = $longest, compression = 'none'
)
"""


_CACHED_BYTES = 1 << 18
"""A part of a body that stays in a core's cache while it is looked at."""

_TEXT, _PLAIN, _NESTED = range(3)
# How a value of a key's kind looks as JSON. DuckDB takes NaN and Infinity, which JSON has not.
_EVEN = {_PLAIN: r"^(-?[0-9]|true$|false$)", _NESTED: r"^[^\"]"}
_NOT_JSON = r"[:,\[]-?(NaN|Infinity)"


# Looked for whether the sampled lines have them or not: most failures have a code, and most lines are no failures.
_EXPECTED = dict.fromkeys(SENT_FIELDS, _TEXT) | {"details": _NESTED, "duration_ms": _PLAIN}


@dataclass(slots=True)
class JsonColumns:
    """The sender's keys in the order they were seen, each with the kind of its values: the least simple one seen."""

    kinds: dict[str, int] = field(default_factory=lambda: dict(_EXPECTED))

    def learn(self, value: dict[str, Any]) -> None:
        """Look at the keys of one object. A value of null says nothing."""
        for key, item in value.items():
            if item is not None:
                kind = _NESTED if isinstance(item, dict | list) else _TEXT if isinstance(item, str) else _PLAIN
                self.kinds[key] = max(kind, self.kinds.get(key, _TEXT))

    def types(self) -> dict[str, str]:
        """DuckDB's type for each key: only what always is text is read as text, all else keeps its spelling."""
        return {key: "VARCHAR" if kind == _TEXT else "JSON" for key, kind in self.kinds.items()}

    def decode(self, body: bytes) -> pa.Table | None:
        """The lines of a body as a table, a row for each line that is not empty; None when that cannot be."""
        types = self.types()
        if not types:
            return None
        try:
            asked = {"path": _THREADS_OWN.file.hold(body), "columns": types, "longest": LINE_LIMIT + 2}
            table = _engine().cursor().sql(_READ, params=asked).to_arrow_table()
        except duckdb.Error:
            return None
        told = {name: kind for name, kind in types.items() if table[name].null_count < table.num_rows}
        if not told:
            return None
        return pa.table({name: _marked(table[name], kind) for name, kind in told.items()})

    def unclear_rows(self, table: pa.Table, lines: pa.LargeBinaryArray) -> npt.NDArray[np.bool_]:
        """Which rows are not, or not only, what their line says (bool)."""
        values, inside = _count_values(table)
        unclear: npt.NDArray[np.bool_] = (values == 0) | self._odd_rows(table)
        if _count_keys(lines) != int(values.sum() + inside.sum()):
            keys = pc.count_substring(lines, '":')
            nulls = pc.add(pc.count_substring(lines, '":null'), pc.count_substring(lines, '": null'))
            told = values + inside + self._keys_in_texts(table)
            unclear = unclear | (pc.subtract(keys, nulls).to_numpy() != told)
        return unclear

    def _odd_rows(self, table: pa.Table) -> np.ndarray:
        """Rows where the value of a key is simpler, or less simple, than those of its kind."""
        odd = np.zeros(table.num_rows, dtype=bool)
        for name, kind in self.kinds.items():
            if kind in _EVEN and name in table.column_names:
                text = _storage(table[name])
                is_even = pc.and_(
                    pc.match_substring_regex(text, _EVEN[kind]), pc.invert(pc.match_substring_regex(text, _NOT_JSON))
                )
                odd |= ~pc.fill_null(is_even, True).to_numpy(zero_copy_only=False)
        return odd

    def _keys_in_texts(self, table: pa.Table) -> np.ndarray:
        """How often text values have what looks like the end of a key."""
        found = np.zeros(table.num_rows, dtype=np.int64)
        for name, kind in self.kinds.items():
            if kind == _TEXT and name in table.column_names:
                found += pc.fill_null(pc.count_substring(table[name], '":'), 0).to_numpy()
        return found


def _count_values(table: pa.Table) -> tuple[np.ndarray, np.ndarray]:
    """Values of each row, and keys inside its nested values."""
    values = np.zeros(table.num_rows, dtype=np.int64)
    inside = np.zeros(table.num_rows, dtype=np.int64)
    for column in table.columns:
        values += column.is_valid().to_numpy(zero_copy_only=False)
        if column.type == JSON_TEXT:
            inside += pc.fill_null(pc.count_substring(_storage(column), '":'), 0).to_numpy()
    return values, inside


def _count_keys(lines: pa.LargeBinaryArray) -> int:
    """How often ``":`` stands in all lines together."""
    text = np.frombuffer(lines.buffers()[2], np.uint8)
    found = 0
    for start in range(0, len(text), _CACHED_BYTES):
        part = text[start : start + _CACHED_BYTES + 1]
        found += int(np.count_nonzero((part[:-1] == ord('"')) & (part[1:] == ord(":"))))
    return found


def _storage(column: pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks().storage


def _marked(column: pa.ChunkedArray, kind: str) -> pa.Array:
    array = column.combine_chunks()
    return pa.ExtensionArray.from_storage(JSON_TEXT, array) if kind == "JSON" else array


@cache
def _engine() -> duckdb.DuckDBPyConnection:
    """One database without tables; every reading has a cursor of its own, on its own thread."""
    return duckdb.connect(config={"threads": 1})


class _MemoryFile:
    """A file in memory that is written over and over: fresh memory would cost more than the copying."""

    def __init__(self) -> None:
        self._descriptor = os.memfd_create("synclog-lines")

    def __del__(self) -> None:
        os.close(self._descriptor)

    def hold(self, body: bytes) -> str:
        """A path to these bytes, until it holds others."""
        os.pwrite(self._descriptor, body, 0)
        os.ftruncate(self._descriptor, len(body))
        return f"/proc/self/fd/{self._descriptor}"


class _ThreadsOwn(threading.local):
    def __init__(self) -> None:
        self.file = _MemoryFile()


_THREADS_OWN = _ThreadsOwn()
