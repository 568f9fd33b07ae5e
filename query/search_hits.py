"""Rows that a search has found, and the newest of them."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from query.blocks import Block


class Place(NamedTuple):
    """Where in the order of all actions a page starts: after this one."""

    happened_us: int
    batch_id: str
    row: int


class Hit(NamedTuple):
    """A row that was found."""

    place: Place
    block: Block
    number: int  # in its block


def happened_us_of(block: Block, rows: np.ndarray) -> np.ndarray:
    """When the actions in some rows of a block happened, in microseconds."""
    column = block.column("happened_at")
    assert column is not None  # every batch of actions has it
    return column.numbers(rows)


def places_of(block: Block, rows: np.ndarray) -> list[Place]:
    """The places of some rows of a block."""
    batch_id, row = block.column("batch_id"), block.column("row")
    assert batch_id is not None
    assert row is not None
    return list(map(Place, happened_us_of(block, rows).tolist(), batch_id.take(rows), row.take(rows)))


def first_hits(block: Block, rows: np.ndarray, most: int | None, *, newest_first: bool) -> list[Hit]:
    """The first so many of some rows in time, in any order; all of those that happened at the moment of the last."""
    block.load(("happened_at", "batch_id", "row"))
    if most is not None and len(rows) > most:
        happened_us = happened_us_of(block, rows)
        order = -happened_us if newest_first else happened_us
        rows = rows[order <= np.partition(order, most - 1)[most - 1]]
    return [Hit(place, block, number) for place, number in zip(places_of(block, rows), rows.tolist(), strict=True)]


class NewestHits:
    """The newest of all hits that are added: those needed, and what else was found on the way."""

    def __init__(self, needed: int, most: int) -> None:
        self.hits: list[Hit] = []
        self._needed = needed
        self._most = most
        self._left_us: int | None = None
        self.unlooked_us: int | None = None

    def add(self, hits: Iterable[Hit]) -> None:
        self.hits = sorted([*self.hits, *hits], key=lambda hit: hit.place, reverse=True)[: self._most]

    def is_certain(self, last_us: int) -> bool:
        """Whether nothing that happened at ``last_us`` or before is needed any more; then it is left alone."""
        is_left = len(self.hits) >= self._needed and last_us < self.hits[self._needed - 1].place.happened_us
        if is_left:
            self._leave(last_us)
        return is_left

    def end_at(self, last_us: int) -> None:
        """Nothing that happened at ``last_us`` or before was looked for, but for some that was come across."""
        self.unlooked_us = last_us
        self._leave(last_us)
        self.hits = [hit for hit in self.hits if hit.place.happened_us > last_us]

    def _leave(self, last_us: int) -> None:
        self._left_us = last_us if self._left_us is None else max(last_us, self._left_us)

    @property
    def is_all(self) -> bool:
        """Whether ``complete`` is everything there is."""
        return self._left_us is None and len(self.hits) < self._most

    @property
    def complete(self) -> Sequence[Hit]:
        """The hits between which no other was left out."""
        left_us = self._left_us
        return self.hits if left_us is None else [hit for hit in self.hits if hit.place.happened_us > left_us]
