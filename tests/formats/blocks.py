"""What a reader made of a body, as plain values."""

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from ingest.details import objects_of
from ingest.formats import RawBlock, Reject

DATA = Path(__file__).parents[1] / "data"


@dataclass(slots=True, kw_only=True)
class Read:
    """Rows with their lines, and what was refused."""

    rows: list[tuple[int, dict[str, Any]]] = field(default_factory=list)
    refused: list[Reject] = field(default_factory=list)

    @property
    def reasons(self) -> list[tuple[int, str]]:
        return [(reject.line, reject.message) for reject in self.refused]


def read_all(reader: Callable[[BinaryIO], Iterator[RawBlock]], body: bytes | BinaryIO) -> Read:
    read = Read()
    for block in reader(io.BytesIO(body) if isinstance(body, bytes) else body):
        if block.table is not None and block.lines is not None:
            read.rows.extend(zip(block.lines.to_pylist(), objects_of(block.table), strict=True))
        read.rows.extend(block.objects)
        read.refused.extend(block.refused)
    read.rows.sort(key=lambda row: row[0])
    return read


class Pipe(io.RawIOBase):
    """A stream that can only be read forwards, a few bytes at a time."""

    def __init__(self, body: bytes, *, step: int = 1000) -> None:
        self._body = io.BytesIO(body)
        self._step = step

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        return self._body.read(self._step if size < 0 else min(size, self._step))
