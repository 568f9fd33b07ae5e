"""Reading one body: blocks in, pieces of accepted actions out, with run events and rejects gathered on the side."""

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

import pyarrow as pa

from ingest.formats import RawBlock, Reject
from ingest.given_names import GivenNames
from ingest.normalise import LineDefaults, normalise
from ingest.run_state import RunEvent

Piece: TypeAlias = pa.Table | list[dict[str, Any]]
"""Accepted actions: a table of SENT_SCHEMA, or a few rows of it."""


class AllOrNothing(Exception):
    """A line was refused of a request that is all or nothing."""


class Reading:
    """Reads a body block by block into pieces of accepted actions, run events and rejects."""

    def __init__(
        self,
        items: Iterator[RawBlock | RunEvent],
        defaults: LineDefaults,
        mapping: Mapping[str, str],
        *,
        received_us: int,
        is_protocol: bool,
        atomic: bool,
    ) -> None:
        self.events: list[RunEvent] = []
        self.refused: list[Reject] = []
        self.is_done = False
        self._items = items
        self._defaults = defaults
        self._mapping = mapping
        self._received_us = received_us
        self._is_protocol = is_protocol
        self._names = GivenNames(defaults)
        self._atomic = atomic
        self._pieces = self._read()

    def take(self, rows: int) -> list[Piece]:
        """Pieces until they hold more rows than this, or all there are."""
        taken: list[Piece] = []
        while sum(len(piece) for piece in taken) <= rows:
            piece = next(self._pieces, None)
            if piece is None:
                self.is_done = True
                break
            taken.append(piece)
        return taken

    def go_on(self, taken: list[Piece]) -> Iterator[Piece]:
        yield from taken
        yield from self._pieces

    def read_to_the_end(self) -> None:
        """Learn of every line that is refused, keeping nothing else."""
        self._atomic = False
        for _ in self._read():
            pass

    def _read(self) -> Iterator[Piece]:
        for item in self._items:
            if isinstance(item, RunEvent):
                self.events.append(self._names.of_event(item))
                continue
            done = normalise(item, self._defaults, self._mapping, received_us=self._received_us)
            self.refused.extend(done.refused)
            if self._atomic and self.refused:
                raise AllOrNothing
            piece = done.rows if done.actions is None else done.actions
            if len(piece):
                yield self._names.of_rows(piece) if self._is_protocol else piece
