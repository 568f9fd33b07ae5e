"""Search: actions of any runs by words, by record or by expression, newest first.

Words, phrases and records are looked up in the token indexes, so that only blocks that may have them are read; a batch
without one is read block by block, like every batch where a part of a word or an expression is looked for. Before any
row of such a block is read, its values are asked whether they may have it. Either way batches and blocks that cannot
hold anything newer than what was found already are left alone.
"""

import math
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, partial
from itertools import groupby

import numpy as np
import sqlalchemy as sa

from ingest.action import OPERATIONS, STATUSES, Operation, Status
from ingest.index_tables import batch_runs, batches, has_counted, is_readable
from ingest.schema import ACTION_SCHEMA
from ingest.timestamps import EARLIEST_US, LATEST_US, from_microseconds, to_microseconds
from ingest.token_index import TokenIndex, lower
from query.actions import Action, action_from, place_from, place_of, read_place
from query.blocks import THREADS, Batch, Block
from query.columns import Mask
from query.lake_view import LakeView
from query.paging import Page, page_of, write_cursor
from query.runs import list_facets
from query.search_conditions import Condition
from query.search_hits import Hit, NewestHits, Place, first_hits, happened_us_of, places_of
from query.search_terms import (
    SEARCHED_COLUMNS,
    Expression,
    Part,
    Term,
    check_regex,
    having_one_of,
    having_record,
    having_terms,
)

MOST_BEGUN = 2 * THREADS
"""Blocks that are looked through, before the first of them is done."""
_STREAMED_ROWS = 1000
_BEHIND_ALL = ("\uffff", 0)
"""A batch and a row after those of all actions of a moment, in a cursor that goes on with that moment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What to look for; what is None or empty does not matter.

    All ``terms`` must be there, each a word or a phrase. ``record_id`` is the exact id of a source or target.
    ``since`` is the first moment that counts, ``until`` the first that no longer does. All ``conditions`` must be true.
    """

    terms: tuple[str, ...] = ()
    substring: str | None = None
    regex: str | None = None
    record_type: str | None = None
    record_id: str | None = None
    run_id: str | None = None
    integration: str | None = None
    problem_id: str | None = None
    statuses: tuple[Status, ...] = ()
    operations: tuple[Operation, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    conditions: tuple[Condition, ...] = ()


def search_actions(
    view: LakeView, search: Search, *, limit: int = 50, cursor: str | None = None, seconds: float | None = None
) -> Page[Action]:
    """A page of what was found. Raises InvalidInput for a bad expression or cursor.

    Once so many ``seconds`` are over it is what was found until then: fewer than ``limit``, and a cursor to go on at.
    """
    found = find_newest(view, search, limit + 1, most=limit + 1, cursor=cursor, seconds=seconds)
    return page_of_found(view, found, limit)


def page_of_found(view: LakeView, found: NewestHits, limit: int) -> Page[Action]:
    """The page that the first ``limit + 1`` hits make up."""
    actions = actions_of(found.hits[: limit + 1], view.batches.threads)
    if found.unlooked_us is None or len(actions) > limit:
        return page_of(actions, limit, place_of)
    return Page(items=actions, next_cursor=write_cursor((found.unlooked_us, *_BEHIND_ALL)))


def looked_back_to(page: Page[Action], limit: int) -> datetime | None:
    """Until when a page whose time was over has looked for hits, the latest first; None for others."""
    if page.next_cursor is None or len(page.items) >= limit:
        return None
    place = place_from(read_place(page.next_cursor))
    return None if place is None else from_microseconds(place.happened_us)


def oldest_moment(view: LakeView) -> datetime | None:
    """When the first of all actions happened; None where there are none."""
    [(first_us,)] = view.select(sa.select(sa.func.min(batches.c.first_us)).where(batches.c.kind == "actions"))
    return None if first_us is None else from_microseconds(first_us)


def find_newest(
    view: LakeView,
    search: Search,
    needed: int,
    *,
    most: int,
    cursor: str | None = None,
    seconds: float | None = None,
) -> NewestHits:
    """The newest hits: so many as are needed, or all; and more, up to ``most``, as far as they were come across."""
    found = NewestHits(needed, most)
    over_at = math.inf if seconds is None else time.monotonic() + seconds
    hunt = _Hunt(view, search, after=place_from(read_place(cursor)), most=most, over_at=over_at)
    for hits in hunt.hits(found.is_certain):
        found.add(hits)
    if hunt.unlooked_us is not None:
        found.end_at(hunt.unlooked_us)
    return found


def stream_search(view: LakeView, search: Search) -> Iterator[list[Action]]:
    """Everything there is, as it is found: the newest batches first, in a batch the newest blocks first.

    Raises InvalidInput for a bad expression, before the first of it.
    """
    return _stream(_Hunt(view, search, after=None, most=None), view.batches.threads)


def record_history(
    view: LakeView, record_type: str | None, record_id: str, *, limit: int = 50, cursor: str | None = None
) -> Page[Action]:
    """What was done to a record, and with it as a source, in any run."""
    return search_actions(view, Search(record_type=record_type, record_id=record_id), limit=limit, cursor=cursor)


class _Hunt:
    """A search under way: what it must look at. Of each block the ``most`` newest hits are wanted, or all.

    When its time is over it ends before the next batch; what happened at ``unlooked_us`` or before was not looked at.
    """

    unlooked_us: int | None = None

    def __init__(
        self, view: LakeView, search: Search, *, after: Place | None, most: int | None, over_at: float = math.inf
    ) -> None:
        if search.regex is not None:
            check_regex(search.regex)
        self._view = view
        self._search = search
        self._after = after
        self._most = most
        self._over_at = over_at
        self._terms = [Term(text) for text in search.terms]
        self._conditions = _spelled(view, search.conditions)
        self._since_us = EARLIEST_US if search.since is None else to_microseconds(search.since)
        until_us = LATEST_US + 1 if search.until is None else to_microseconds(search.until)
        self._until_us = until_us if after is None else min(until_us, after.happened_us + 1)

    def hits(self, is_enough: Callable[[int], bool] = lambda last_us: False) -> Iterator[list[Hit]]:
        """The hits of block after block, the newest of each first.

        ``is_enough`` is asked whether nothing that happened at a moment or before is wanted any more.
        """
        begun: deque[tuple[int, Future[list[Hit]]]] = deque()
        for last_us, block in self._candidates(is_enough):
            while len(begun) >= _most_begun(block):
                yield begun.popleft()[1].result()
            if not is_enough(last_us):
                begun.append((last_us, self._begin(block)))
            while begun and begun[0][1].done():
                yield begun.popleft()[1].result()
        for last_us, hits in begun:
            if not is_enough(last_us):
                yield hits.result()

    def _begin(self, block: Block) -> "Future[list[Hit]]":
        """Look for the hits of a block: what need not be read takes less time than to hand it to another thread."""
        if not block.is_kept(self._columns_of(block)):
            return self._view.batches.threads.submit(self._hits_in, block)
        done = Future[list[Hit]]()
        done.set_result(self._hits_in(block))
        return done

    def _candidates(self, is_enough: Callable[[int], bool]) -> Iterator[tuple[int, Block]]:
        """The blocks that can hold hits, each after the time of its last action: batch after batch, newest first."""
        for batch_id, batch_last_us in self._batches():
            if is_enough(batch_last_us):
                return
            # Whoever goes on from here must come further: not where the search before had begun.
            if time.monotonic() > self._over_at and batch_last_us < self._until_us - 1:
                self.unlooked_us = batch_last_us
                return
            yield from self._blocks(self._view.batches.open(batch_id))

    def _batches(self) -> Iterator[tuple[str, int]]:
        """The batches that can hold hits and when their last action happened, the newest first."""
        chosen = sa.select(batches.c.batch_id, batches.c.last_us).where(
            batches.c.kind == "actions",
            is_readable(batches.c.batch_id),
            batches.c.last_us >= self._since_us,
            batches.c.first_us < self._until_us,
        )
        if conditions := self._run_conditions():
            chosen = chosen.where(batches.c.batch_id.in_(sa.select(batch_runs.c.batch_id).where(*conditions)))
        for row in self._view.select(chosen.order_by(batches.c.last_us.desc(), batches.c.batch_id.desc())):
            yield row.batch_id, row.last_us

    def _blocks(self, batch: Batch) -> list[tuple[int, Block]]:
        """The blocks of a batch that can hold hits, each after the time of its last action, the newest first.

        Of those a token index has named many will be asked for again: they are the newest of what is searched.
        """
        asks = self._terms or self._search.record_id is not None or any(each.has_tokens for each in self._conditions)
        tokens = batch.tokens() if asks else None
        numbers = [int(number) for number in self._numbers_by_tokens(batch, tokens)]
        between = self._since_us, self._until_us
        known = sorted(
            ((self._last_us(batch, n), n) for n in numbers if batch.within_limits(n, self._wanted, between)),
            reverse=True,
        )
        return [(last_us, self._view.batches.block(batch, n, is_named=tokens is not None)) for last_us, n in known]

    def _run_conditions(self) -> list[sa.ColumnElement[bool]]:
        conditions: list[sa.ColumnElement[bool]] = []
        for column in ("run_id", "integration"):
            if column in self._wanted:
                conditions.append(batch_runs.c[column].in_(self._wanted[column]))
        if "status" in self._wanted or "operation" in self._wanted:
            wanted = self._wanted
            conditions.append(has_counted(wanted.get("operation", OPERATIONS), wanted.get("status", STATUSES)))
        return conditions

    def _numbers_by_tokens(self, batch: Batch, tokens: TokenIndex | None) -> np.ndarray:
        answers = [] if tokens is None else [term.blocks(tokens) for term in self._terms]
        if tokens is not None and self._search.record_id is not None:
            answers.append(tokens.blocks_of(self._record_token))
        if tokens is not None:
            answers += [condition.blocks(tokens) for condition in self._conditions]
        numbers = np.arange(batch.blocks)
        for answer in answers:
            numbers = numbers if answer is None else np.intersect1d(numbers, answer, assume_unique=True)
        return numbers

    @cached_property
    def _record_token(self) -> str:
        return lower(self._search.record_id or "")

    @cached_property
    def _wanted(self) -> dict[str, tuple[str, ...]]:
        """Columns that must have one of some values."""
        wanted = {
            "run_id": (self._search.run_id,),
            "integration": (self._search.integration,),
            "problem_id": (self._search.problem_id,),
            "status": tuple(status.value for status in self._search.statuses),
            "operation": tuple(operation.value for operation in self._search.operations),
        }
        known = {
            column: tuple(value for value in values if value is not None)
            for column, values in wanted.items()
            if any(value is not None for value in values)
        }
        simple = {each.columns[0]: each.exact for each in self._conditions if each.exact is not None}
        return {**simple, **known}

    def _last_us(self, batch: Batch, block: int) -> int:
        times = batch.times(block)
        return LATEST_US if times is None else times[1]

    def _hits_in(self, block: Block) -> list[Hit]:
        """The newest hits of a block. Raises BatchDamaged, LakeUnavailable."""
        with block.reading():
            return self._look_into(block)

    def _look_into(self, block: Block) -> list[Hit]:
        """A test looks only at what the ones before left."""
        if not all(block.may_hold(SEARCHED_COLUMNS, each.may_be_in) for each in self._anywhere):
            return []
        rows = np.arange(block.rows)
        block.load(self._columns_of(block))
        for test in self._tests:
            rows = rows[test(block, rows)]
            if not len(rows):
                break
        hits = first_hits(block, rows, self._most, newest_first=True) if len(rows) else []
        block.forget()
        return sorted(hits, key=lambda hit: hit.place, reverse=True)[: self._most]

    def _columns_of(self, block: Block) -> Sequence[str]:
        """What to read of a block at once: reading twice takes longer than what is not needed then."""
        return ACTION_SCHEMA.names if block.is_named else self._telling_columns

    @cached_property
    def _telling_columns(self) -> list[str]:
        """The columns that are looked at in every block."""
        columns = list(dict.fromkeys([*self._wanted, *(name for each in self._conditions for name in each.columns)]))
        columns += ["happened_at"] if self._is_timed else []
        if self._search.record_id is not None:
            columns += ["source_id", "target_id"]
        elif self._terms or self._search.substring is not None or self._search.regex is not None:
            columns += SEARCHED_COLUMNS
        return columns

    @cached_property
    def _anywhere(self) -> Sequence[Part | Expression]:
        """What is to be found in texts that no token index knows."""
        part, regex = self._search.substring, self._search.regex
        found: list[Part | Expression] = [] if part is None else [Part(lower(part))]
        return found if regex is None else [*found, Expression(regex)]

    @property
    def _is_timed(self) -> bool:
        return (self._since_us, self._until_us) != (EARLIEST_US, LATEST_US + 1)

    @cached_property
    def _tests(self) -> list[Callable[[Block, np.ndarray], Mask]]:
        """Which rows of a block are wanted, the quickest and most telling test first."""
        search = self._search
        tests: list[Callable[[Block, np.ndarray], Mask]] = []
        wanted = self._wanted
        for column, values in wanted.items():
            tests.append(partial(having_one_of, name=column, values=values))
        if self._is_timed:
            tests.append(self._in_time)
        if search.record_id is not None:
            tests.append(partial(having_record, record_type=search.record_type, record_id=search.record_id))
        if self._terms:
            rarest_first = sorted(self._terms, key=lambda term: term.rarity, reverse=True)
            tests.append(partial(having_terms, terms=rarest_first))
        tests += [each.holds for each in self._anywhere]
        others = (each for each in self._conditions if each.exact is None or each.exact != wanted.get(each.columns[0]))
        return [*tests, *(condition.holds for condition in others)]

    def _in_time(self, block: Block, rows: np.ndarray) -> Mask:
        happened_us = happened_us_of(block, rows)
        mask: Mask = (happened_us >= self._since_us) & (happened_us < self._until_us)
        if self._after is not None:
            at_once = np.flatnonzero(mask & (happened_us == self._after.happened_us))
            mask[at_once] = [place < self._after for place in places_of(block, rows[at_once])]
        return mask


def _spelled(view: LakeView, conditions: Sequence[Condition]) -> list[Condition]:
    """Conditions on what the index knows all values of, by exact values."""
    if not any(each.columns[0] in ("integration", "configuration", "trigger") for each in conditions):
        return list(conditions)
    facets = list_facets(view)
    known = {
        "integration": facets.integrations,
        "configuration": facets.configurations,
        "trigger": facets.triggers,
    }
    return [condition.spelled_as(known) for condition in conditions]


def _stream(hunt: _Hunt, threads: Executor) -> Iterator[list[Action]]:
    for hits in hunt.hits():
        for first in range(0, len(hits), _STREAMED_ROWS):
            yield actions_of(hits[first : first + _STREAMED_ROWS], threads)


def _most_begun(block: Block) -> int:
    """How many blocks are begun before the first is done.

    One that was named most likely has what is looked for, so that the next may not be needed. Of others most have
    nothing, and no thread shall wait for its next one.
    """
    return THREADS if block.is_named else MOST_BEGUN


def actions_of(hits: Sequence[Hit], threads: Executor) -> list[Action]:
    """In the order of the hits."""
    by_block = [
        (block, [hit.number for hit in some])
        for block, some in groupby(sorted(hits, key=lambda hit: id(hit.block)), key=lambda hit: hit.block)
    ]
    unread = {
        id(block): threads.submit(block.load, ACTION_SCHEMA.names)
        for block, _ in by_block
        if not block.is_kept(ACTION_SCHEMA.names)
    }
    found = {}
    for block, numbers in by_block:
        if (reading := unread.get(id(block))) is not None:
            reading.result()
        with block.reading():
            for number, values in zip(numbers, block.take(numbers), strict=True):
                found[id(block), number] = action_from(**values)
        block.forget()
    return [found[id(hit.block), hit.number] for hit in hits]
