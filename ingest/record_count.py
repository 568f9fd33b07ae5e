"""How many different records something happened to, in a few bytes that add up over batches and runs.

Kept are the least hashes of the records: as long as there are fewer than :data:`SKETCH_SIZE` they are all there, and
the count is exact; beyond that the greatest of them tells how dense they lie (a KMV sketch, its error about one part in
seven). One batch counts exactly at any number, so the figure also has bounds: the most that any batch counted, and the
sum of all.
"""

import zlib
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

SKETCH_SIZE = 48
_SPACE = 1 << 32
_HASH = np.dtype(">u4")


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordCount:
    """Different records: no fewer than ``least``, no more than ``most``; ``sketch`` is what :func:`united` gives."""

    least: int = 0
    most: int = 0
    sketch: bytes = b""

    def __add__(self, other: "RecordCount") -> "RecordCount":
        return RecordCount(
            least=max(self.least, other.least),
            most=self.most + other.most,
            sketch=united((self.sketch, other.sketch)),
        )

    @property
    def is_exact(self) -> bool:
        return self.least == self.most or len(self.sketch) < SKETCH_SIZE * _HASH.itemsize

    @property
    def count(self) -> int:
        """How many; the best guess where it is not exact."""
        kept = len(self.sketch) // _HASH.itemsize
        if self.is_exact:
            return max(self.least, kept)
        greatest = int.from_bytes(self.sketch[-_HASH.itemsize :], "big")
        return min(max((kept - 1) * _SPACE // (greatest + 1), self.least), self.most)


def total_count(counts: Iterable[RecordCount]) -> RecordCount:
    """All of them added up in one go."""
    counts = list(counts)
    return RecordCount(
        least=max((each.least for each in counts), default=0),
        most=sum(each.most for each in counts),
        sketch=united(each.sketch for each in counts),
    )


def hashes_of(records: Iterable[str]) -> np.ndarray:
    """A hash of each text, the same for ever: its CRC-32, stirred so that similar texts lie far apart."""
    sums = np.array([zlib.crc32(text.encode()) for text in records], np.uint32)
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):  # the finish of MurmurHash3: one to one
        sums = (sums ^ (sums >> np.uint32(shift))) * np.uint32(factor)
    return np.asarray(sums ^ (sums >> np.uint32(16)))


def sketch_of(hashes: np.ndarray) -> bytes:
    """The sketch of different hashes in ascending order."""
    return hashes[:SKETCH_SIZE].astype(_HASH).tobytes()


def united(sketches: Iterable[bytes]) -> bytes:
    """The sketch of all records that any of these are of."""
    some = {sketch for sketch in sketches if sketch}
    if len(some) < 2:
        return next(iter(some), b"")
    return sketch_of(np.unique(np.frombuffer(b"".join(some), _HASH)))
