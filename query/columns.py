"""Columns whose values are looked at once each, however many rows have them.

A column is *values* and a code a row, its place among them: what Parquet calls a dictionary. In a block of a quarter of
a million rows an id stands a dozen times and a status a hundred thousand times, so a question put to the values is
answered for all rows by one look-up a row.
"""

import ctypes
import itertools
import re
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ingest.token_index import lowered

Mask = np.ndarray
"""One truth a row, or one a value."""

Verdict = Callable[[pa.Array], pa.Array]
"""Says of each value true, false or null."""

Suspicion = Callable[[pa.Array], bool]
"""Whether what is looked for may be in texts, maybe across two of them, or in what is between them."""

_MANY = 4096
"""Rows from which on it is quicker to look through all values at once, end to end, than at those of the rows."""
_MANY_TAKEN = 100
"""Rows up to which values are taken one by one."""
_FEW = 16
"""Values up to which it is quicker to look for one after the other in the codes of all rows."""
_CAPITALS_OF_ASCII = ("\u0130".encode(), "\u212a".encode())  # of i and of k
_SMALL_OF_CAPITALS = frozenset("ik")
_NOT_ASCII = re.compile(r"[^\x00-\x7f]+")


class Column:
    """A column of a block. ``codes`` is None where every row has a value of its own; the code of a null is
    ``len(values)``."""

    def __init__(self, values: pa.Array, codes: np.ndarray | None) -> None:
        self.values = values
        self._codes = codes

    @classmethod
    def of(cls, column: pa.ChunkedArray) -> "Column":
        """From what Arrow read."""
        if not pa.types.is_dictionary(column.type):
            return cls(_narrowed(_one_array(column)), None)
        encoded = _one_array(column.unify_dictionaries())
        values = encoded.dictionary
        indices = encoded.indices.fill_null(len(values)) if encoded.indices.null_count else encoded.indices
        codes = indices.to_numpy().astype(np.min_scalar_type(len(values)))
        return cls(values, codes if (codes != codes[:1]).any() else np.broadcast_to(codes[:1], len(codes)))

    @classmethod
    def constant(cls, value: str | None, rows: int) -> "Column":
        """A column of text that has one value in all rows, or none."""
        values = pa.array([] if value is None else [value], pa.string())
        return cls(values, np.broadcast_to(np.uint8(0), rows))

    def prepare(self) -> None:
        """Do now what looking for text would do first."""
        if self._is_text:
            _ = self._lower.has_capitals_of_ascii

    @property
    def nbytes(self) -> int:
        """In memory, with what looking for text adds."""
        values = int(self.values.nbytes) * (2 if self._is_text else 1)
        is_constant = self._codes is None or self._codes.strides == (0,)
        return values if is_constant or self._codes is None else values + self._codes.nbytes

    def numbers(self, rows: np.ndarray | None = None) -> np.ndarray:
        """A column of numbers or times, as 64-bit integers; of some rows, or of all."""
        values: np.ndarray = self.values.cast(pa.int64()).to_numpy()
        return values if rows is None else values[rows]

    def take(self, rows: Sequence[int] | np.ndarray) -> list[Any]:  # a value's type is that of the column
        """The values of some rows."""
        places = np.asarray(rows, np.int64)
        if len(places) <= _MANY_TAKEN and self._codes is not None:  # each by itself takes less than setting up for all
            codes = self._codes[places].tolist()
            none = len(self.values)
            known = {code: None if code == none else self.values[code].as_py() for code in set(codes)}
            return [known[code] for code in codes]
        values: list[Any] = self._values_of(places).to_pylist()
        return values

    def one_of(self, wanted: Sequence[str], rows: np.ndarray) -> Mask:
        """Which of some rows have one of these values."""
        one = (
            pc.equal(self.values, pa.scalar(wanted[0])) if len(wanted) == 1 else pc.is_in(self.values, pa.array(wanted))
        )
        return self._spread(_truths(one), rows)

    def holding(self, wanted: str, rows: np.ndarray) -> Mask:
        """Which of some rows have a text, given in lower case, somewhere in their value."""
        if len(rows) > _MANY:
            verdicts = np.zeros(len(self.values), bool)
            verdicts[self._find_values(wanted)] = True
            return self._spread(verdicts, rows)
        return self.judge(rows, lambda texts: pc.match_substring(lowered(texts), wanted))

    def judge_any(self, rows: np.ndarray, verdict: Verdict, may_be_in: Suspicion) -> Mask:
        """The same as ``judge``, where all values end to end can tell that it will be said of none."""
        if len(rows) > _MANY and not may_be_in(_end_to_end(self.values)):
            return np.zeros(len(rows), bool)
        return self.judge(rows, verdict)

    def judge(self, rows: np.ndarray, verdict: Verdict) -> Mask:
        """What is said of the values of some rows, each value looked at once. Of a null it is False."""
        if len(rows) > _MANY:
            return self._spread(_truths(verdict(self.values)), rows)
        if self._codes is None:
            return _truths(verdict(self.values.take(pa.array(rows))))
        codes, places = np.unique(self._codes[rows], return_inverse=True)
        verdicts = np.zeros(len(codes), bool)
        known = codes < len(self.values)
        verdicts[known] = _truths(verdict(self.values.take(pa.array(codes[known]))))
        mask: Mask = verdicts[places]
        return mask

    def _values_of(self, rows: np.ndarray) -> pa.Array:
        if self._codes is None:
            return self.values.take(pa.array(rows))
        codes = self._codes[rows]
        return self.values.take(pa.array(codes, mask=codes == len(self.values)))

    def _spread(self, verdicts: Mask, rows: np.ndarray) -> Mask:
        """From values to rows."""
        if self._codes is None:
            return _at(verdicts, rows)
        codes = _at(self._codes, rows)
        true = np.flatnonzero(verdicts)
        if len(true) > _FEW:
            mask: Mask = np.append(verdicts, False)[codes]
            return mask
        mask = np.zeros(len(codes), bool)
        for code in true.astype(codes.dtype):
            mask |= codes == code
        return mask

    def _find_values(self, wanted: str) -> np.ndarray:
        """The places of the values that have a text, given in lower case."""
        if self._lower.is_told_by_bytes(wanted):
            return self._lower.find(wanted.encode())
        if not self._lower.may_have(wanted):
            return np.zeros(0, np.int64)
        return np.flatnonzero(_truths(pc.match_substring(lowered(self.values), wanted)))

    @cached_property
    def _lower(self) -> "LowerTexts":
        return LowerTexts(self.values)

    @property
    def _is_text(self) -> bool:
        return bool(pa.types.is_string(self.values.type))


class LowerTexts:
    """Texts end to end, the letters of ASCII in lower case, to be searched like one."""

    def __init__(self, texts: pa.StringArray) -> None:
        self._texts = pc.ascii_lower(texts)
        _, offsets, data = self._texts.buffers()
        self._ends = np.frombuffer(offsets, np.int32, len(texts) + 1) if len(texts) else np.zeros(1, np.int32)
        self._bytes = np.frombuffer(data or b"", np.uint8, int(self._ends[-1]))
        self._start = self._bytes.ctypes.data

    def is_told_by_bytes(self, wanted: str) -> bool:
        """Whether a text, given in lower case, stands in them exactly where its bytes do."""
        return wanted.isascii() and (_SMALL_OF_CAPITALS.isdisjoint(wanted) or not self.has_capitals_of_ascii)

    def may_have(self, wanted: str) -> bool:
        """Whether a text, given in lower case, may stand in one of them: the longest part of it in ASCII does."""
        part = max(_NOT_ASCII.split(wanted), key=len)
        return not self.is_told_by_bytes(part) or next(self._places(part.encode()), None) is not None

    @cached_property
    def has_capitals_of_ascii(self) -> bool:
        """Whether there are letters outside ASCII whose small ones are inside."""
        return int(self._bytes.max(initial=0)) >= _CAPITALS_OF_ASCII[0][0] and any(
            next(self._places(capital), None) is not None for capital in _CAPITALS_OF_ASCII
        )

    def find(self, wanted: bytes) -> np.ndarray:
        """The places of the texts that hold these bytes."""
        starts = np.fromiter(itertools.islice(self._places(wanted), _MANY), np.int64)
        if not len(starts):
            return starts
        if len(starts) == _MANY:
            return np.flatnonzero(_truths(pc.match_substring(self._texts, wanted.decode())))
        texts = np.searchsorted(self._ends, starts, "right") - 1
        is_inside = starts + len(wanted) <= self._ends[1:][texts]
        return np.unique(texts[is_inside])

    def _places(self, wanted: bytes) -> Iterator[int]:
        """Where these bytes are, in all texts end to end."""
        at, end = self._start, self._start + len(self._bytes)
        while found := _memmem(at, end - at, wanted, len(wanted)):
            yield found - self._start
            at = found + 1


# Of the C library: several times as quick as bytes.find, and other threads run meanwhile.
_memmem = ctypes.CDLL(None).memmem
_memmem.restype = ctypes.c_void_p
_memmem.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_size_t)


def one_text(data: pa.Buffer, begin: int = 0, end: int | None = None) -> pa.StringArray:
    """Bytes as a single text."""
    ends = np.array([begin, data.size if end is None else end], np.int32)
    return pa.StringArray.from_buffers(1, pa.py_buffer(ends), data)


def _end_to_end(texts: pa.StringArray) -> pa.StringArray:
    _, offsets, data = texts.buffers()
    if data is None or not len(texts):
        return pa.array([""], pa.string())
    ends = np.frombuffer(offsets, np.int32)
    return one_text(data, ends[texts.offset], ends[texts.offset + len(texts)])


def _narrowed(values: pa.Array) -> pa.Array:
    """Whole numbers in half the room, where they fit."""
    if not pa.types.is_int64(values.type):
        return values
    limits = pc.min_max(values).as_py()
    fits = limits["max"] is None or (limits["min"] >= -(1 << 31) and limits["max"] < 1 << 31)
    return values.cast(pa.int32()) if fits else values


def _at(values: np.ndarray, rows: np.ndarray) -> np.ndarray:
    return values if len(rows) == len(values) else values[rows]


def _one_array(column: pa.ChunkedArray) -> pa.Array:
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def _truths(verdicts: pa.Array) -> Mask:
    truths: Mask = verdicts.fill_null(False).to_numpy(zero_copy_only=False)
    return truths
