"""Pages of a run's actions that lie in few row groups: these are read in less time than a statement is planned in.

Merged batches have the oldest actions of each large run in one small row group, and the failures of a run in another.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ingest.action import Status
from ingest.arrangement import OPENING_ROWS
from ingest.merged_blocks import BLOCK_ROWS
from ingest.schema import ACTION_SCHEMA
from query.blocks import Block
from query.lake_view import LakeView
from query.run_batches import RunBatch
from query.search_hits import Hit, Place, first_hits, happened_us_of

MOST_BLOCKS = 4
MOST_ROWS = 2 * BLOCK_ROWS
MOST_BYTES = 64 << 20
"""Of all blocks together: of more a statement is quicker, which reads most columns only of the rows it shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPage:
    """The first so many actions of a run in an order of time: those after a place, from a moment until before another.

    ``wanted`` has the values that columns must have one of; times are microseconds since 1970 UTC.
    """

    run_id: str
    wanted: Mapping[str, Sequence[str]]
    between_us: tuple[int, int]
    after: Place | None
    newest_first: bool
    limit: int

    @property
    def is_opening(self) -> bool:
        """Whether it has the oldest of all."""
        return not self.wanted and self.after is None and not self.newest_first

    @property
    def is_of_failures(self) -> bool:
        """Whether nothing that is OK is asked for."""
        return "problem_id" in self.wanted or Status.OK.value not in self.wanted.get("status", [Status.OK.value])

    @property
    def reach_us(self) -> tuple[int, int]:
        """From when on and until when, by the place too: what happened at its very moment lies on either side of it."""
        first_us, last_us = self.between_us
        if self.after is None:
            return first_us, last_us
        if self.newest_first:
            return first_us, min(last_us, self.after.happened_us + 1)
        return max(first_us, self.after.happened_us), last_us

    def has_whole(self, batch: RunBatch) -> bool:
        """Whether all that happened in a batch lies in the time of the page."""
        first_us, last_us = self.reach_us
        is_split = self.after is not None and batch.first_us <= self.after.happened_us <= batch.last_us
        return first_us <= batch.first_us and batch.last_us < last_us and not is_split


def within_reach(batches: Sequence[RunBatch], page: RunPage) -> list[RunBatch]:
    """Those batches that can hold something of the page.

    Of a batch that lies as a whole in the time asked for all actions count; once there are enough in some, none is
    needed that begins after the last of them has ended.
    """
    if "problem_id" in page.wanted:
        return list(batches)  # how many of it there are in each is not asked for here

    def span(batch: RunBatch) -> tuple[int, int]:
        return (-batch.last_us, -batch.first_us) if page.newest_first else (batch.first_us, batch.last_us)

    found = 0
    for batch in sorted(batches, key=lambda each: span(each)[1]):
        found += batch.known if page.has_whole(batch) else 0
        if found >= page.limit:
            end = span(batch)[1]
            return [each for each in batches if span(each)[0] <= end]
    return list(batches)


def read_run_page(
    view: LakeView, batches: Sequence[RunBatch], page: RunPage
) -> list[dict[str, Any]] | None:  # a row's columns, of several types
    """The rows of the page, in order; None where they may lie in many blocks.

    Raises BatchDamaged, LakeUnavailable.
    """
    blocks: list[tuple[RunBatch, Block]] = []
    for batch in batches:
        blocks += ((batch, block) for block in _blocks_of(view, batch, page))
        if not _are_few([block for _, block in blocks]):
            return None
    hits: list[Hit] = []
    for batch, block in blocks:
        with block.reading():
            found = _hits_in(block, page)
        if _opening_of(batch, page) is not None and len(found) < min(page.limit, batch.rows):
            return None
        hits += found
    hits = sorted(hits, key=lambda hit: hit.place, reverse=page.newest_first)[: page.limit]
    return _rows_of([block for _, block in blocks], hits)


def _opening_of(batch: RunBatch, page: RunPage) -> int | None:
    """The block that has the oldest actions of the run in a batch, where these are what is asked for."""
    is_enough = page.limit <= OPENING_ROWS or batch.rows <= OPENING_ROWS
    if batch.outline is None or not (is_enough and page.is_opening and page.has_whole(batch)):
        return None
    return batch.outline.opening


def _blocks_of(view: LakeView, batch: RunBatch, page: RunPage) -> list[Block]:
    opened = view.batches.open(batch.batch_id)
    wanted = {"run_id": [page.run_id], **page.wanted}
    with opened.reading():
        numbers = [n for n in _numbers_of(batch, opened.blocks, page) if opened.within_limits(n, wanted, page.reach_us)]
    return [view.batches.block(opened, number, is_named=True) for number in numbers]


def _numbers_of(batch: RunBatch, blocks: int, page: RunPage) -> Sequence[int]:
    """The blocks an outline names for the page; all where it names none, or such as are not there."""
    named: Sequence[int] | None = None
    if batch.outline is not None and page.is_of_failures:
        named = batch.outline.failures
    elif (opening := _opening_of(batch, page)) is not None:
        named = [opening]
    return range(blocks) if named is None or not set(named) <= set(range(blocks)) else named


def _are_few(blocks: Sequence[Block]) -> bool:
    return (
        len(blocks) <= MOST_BLOCKS
        and sum(block.rows for block in blocks) <= MOST_ROWS
        and sum(block.unpacked_bytes for block in blocks) <= MOST_BYTES
    )


def _hits_in(block: Block, page: RunPage) -> list[Hit]:
    """The first of a block, in any order."""
    block.load(ACTION_SCHEMA.names)
    rows = np.arange(block.rows)
    for name, values in {"run_id": [page.run_id], **page.wanted}.items():
        column = block.column(name)
        rows = rows[:0] if column is None else rows[column.one_of(values, rows)]
    happened_us = happened_us_of(block, rows)
    is_inside = (happened_us >= page.reach_us[0]) & (happened_us < page.reach_us[1])
    after = page.after
    if after is None:
        return first_hits(block, rows[is_inside], page.limit, newest_first=page.newest_first)
    at_once = int((happened_us[is_inside] == after.happened_us).sum())  # on either side of the place
    hits = first_hits(block, rows[is_inside], page.limit + at_once, newest_first=page.newest_first)
    return [hit for hit in hits if (hit.place < after if page.newest_first else hit.place > after)]


def _rows_of(blocks: Sequence[Block], hits: Sequence[Hit]) -> list[dict[str, Any]]:
    """What is known of the hits, in their order."""
    rows: dict[tuple[int, int], dict[str, Any]] = {}
    for block in blocks:
        if numbers := [hit.number for hit in hits if hit.block is block]:
            with block.reading():
                rows.update(zip(((id(block), number) for number in numbers), block.take(numbers), strict=True))
        block.forget()
    return [rows[id(hit.block), hit.number] for hit in hits]
