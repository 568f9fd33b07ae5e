"""Reading one body: blocks in, pieces of accepted actions out, with run events and rejects gathered on the side."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import pyarrow as pa

from ingest.formats import RawBlock, Reject
from ingest.given_names import GivenNames
from ingest.normalise import LineDefaults, normalise
from ingest.run_state import RunEvent

Piece: TypeAlias = pa.Table | list[dict[str, Any]]
"""Accepted actions: a table of SENT_SCHEMA, or a few rows of it. May be empty: a block of rejects alone."""

SHOWN_REJECTS = 100
HELD_REJECTS = 20_000
HELD_CHARACTERS = 32 << 20
"""So much of the rejects of one body is held in memory before they go to the lake."""


class AllOrNothing(Exception):
    """A line was refused of a request that is all or nothing."""


@dataclass(slots=True)
class Refusals:
    """The rejects of one body: all are counted, the first are shown, and those not yet in the lake are held."""

    total: int = 0
    shown: list[Reject] = field(default_factory=list)
    held: list[Reject] = field(default_factory=list)
    _held_characters: int = 0

    @property
    def are_many(self) -> bool:
        """Whether those that are held should go to the lake now."""
        return len(self.held) >= HELD_REJECTS or self._held_characters >= HELD_CHARACTERS

    def add(self, rejects: list[Reject]) -> None:
        self._held_characters += sum(len(reject.raw or "") for reject in rejects)
        self.total += len(rejects)
        self.shown.extend(rejects[: SHOWN_REJECTS - len(self.shown)])
        self.held.extend(rejects)

    def release(self) -> list[Reject]:
        """What is held, to be put into the lake."""
        released, self.held, self._held_characters = self.held, [], 0
        return released


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
        self.refusals = Refusals()
        self._items = items
        self._defaults = defaults
        self._mapping = mapping
        self._received_us = received_us
        self._is_protocol = is_protocol
        self._names = GivenNames(defaults)
        self._atomic = atomic

    def pieces(self) -> Iterator[Piece]:
        """Accepted actions block by block. Raises AllOrNothing at the first reject of an atomic request."""
        for item in self._items:
            if isinstance(item, RunEvent):
                self.events.append(self._names.of_event(item))
                continue
            done = normalise(item, self._defaults, self._mapping, received_us=self._received_us)
            self.refusals.add([self._of_its_run(reject) for reject in done.refused])
            if self._atomic and self.refusals.total:
                self.events.clear()
                raise AllOrNothing
            piece = done.rows if done.actions is None else done.actions
            yield self._names.of_rows(piece) if self._is_protocol and len(piece) else piece

    def _of_its_run(self, reject: Reject) -> Reject:
        """A line that names no run is of the one the request names."""
        given = self._defaults.run_id
        return reject if given is None or reject.run_id is not None else replace(reject, run_id=given)

    def rejects_alone(self) -> Iterator[Piece]:
        """Read on to the end for what is refused, and accept nothing."""
        self._atomic = False
        for _ in self.pieces():
            yield []
        self.events.clear()
