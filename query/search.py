"""Search: actions of any runs by words, by record or by expression, newest first.

Words, phrases and records are looked up in the token indexes, so that only blocks that may have them are read; a batch
without one is read block by block, like every batch where a part of a word or an expression is looked for. Either way
batches and blocks that cannot hold anything newer than what was found already are left alone.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, partial
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa

from ingest.action import OPERATIONS, STATUSES, Operation, Status
from ingest.index_tables import batch_runs, batches
from ingest.schema import ACTION_SCHEMA
from ingest.timestamps import EARLIEST_US, LATEST_US, to_microseconds
from ingest.token_index import lower
from query.actions import Action, action_from, place_of, read_place
from query.blocks import Batch, BlockReader
from query.lake_view import LakeView
from query.paging import Page, page_of
from query.search_terms import (
    SEARCHED_COLUMNS,
    Mask,
    Term,
    check_regex,
    having_match,
    having_one_of,
    having_record,
    having_substring,
    having_term,
)

_RECORD_COLUMNS = ("source_type", "source_id", "target_type", "target_id")
_STREAMED_ROWS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What to look for; what is None or empty does not matter.

    All ``terms`` must be there, each a word or a phrase. ``record_id`` is the exact id of a source or target.
    ``since`` is the first moment that counts, ``until`` the first that no longer does.
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


class Place(NamedTuple):
    """Where in the order of all actions a page starts: after this one."""

    happened_us: int
    batch_id: str
    row: int


def search_actions(view: LakeView, search: Search, *, limit: int = 50, cursor: str | None = None) -> Page[Action]:
    """A page of what was found. Raises InvalidInput for a bad expression or cursor."""
    hunt = _Hunt(search, after=_place_from(cursor))
    found: list[Action] = []
    for batch_id, last_us in hunt.batches(view):
        if _is_certain(found, limit, last_us):
            break
        batch = view.batches.open(batch_id)
        blocks = hunt.blocks(batch)
        if not blocks:
            continue
        with batch.reader() as reader:
            for block_last_us, block in blocks:
                if _is_certain(found, limit, block_last_us):
                    break
                found += hunt.actions(reader, block, most=limit + 1)
                found.sort(key=place_of, reverse=True)
                del found[limit + 1 :]
    return page_of(found, limit, place_of)


def stream_search(view: LakeView, search: Search) -> Iterator[list[Action]]:
    """Everything there is, as it is found: the newest batches first, in a batch the newest blocks first.

    Raises InvalidInput for a bad expression, before the first of it.
    """
    return _stream(view, _Hunt(search, after=None))


def record_history(
    view: LakeView, record_type: str | None, record_id: str, *, limit: int = 50, cursor: str | None = None
) -> Page[Action]:
    """What was done to a record, and with it as a source, in any run."""
    return search_actions(view, Search(record_type=record_type, record_id=record_id), limit=limit, cursor=cursor)


class _Hunt:
    """A search under way: what of the lake it must look at."""

    def __init__(self, search: Search, *, after: Place | None) -> None:
        if search.regex is not None:
            check_regex(search.regex)
        self._search = search
        self._after = after
        self._terms = [Term(text) for text in search.terms]
        self._since_us = EARLIEST_US if search.since is None else to_microseconds(search.since)
        until_us = LATEST_US + 1 if search.until is None else to_microseconds(search.until)
        self._until_us = until_us if after is None else min(until_us, after.happened_us + 1)

    def batches(self, view: LakeView) -> Iterator[tuple[str, int]]:
        """The batches that can hold hits and when their last action happened, the newest first."""
        chosen = sa.select(batches.c.batch_id, batches.c.last_us).where(
            batches.c.kind == "actions", batches.c.last_us >= self._since_us, batches.c.first_us < self._until_us
        )
        if conditions := self._run_conditions():
            chosen = chosen.where(batches.c.batch_id.in_(sa.select(batch_runs.c.batch_id).where(*conditions)))
        for row in view.select(chosen.order_by(batches.c.last_us.desc(), batches.c.batch_id.desc())):
            yield row.batch_id, row.last_us

    def blocks(self, batch: Batch) -> list[tuple[int, int]]:
        """The blocks of a batch that can hold hits, each after the time of its last action, the newest first."""
        blocks = self._blocks_by_tokens(batch)
        known = [(self._last_us(batch, block), block) for block in blocks if self._may_hold(batch, block)]
        return sorted(known, reverse=True)

    def actions(self, reader: BlockReader, block: int, *, most: int) -> list[Action]:
        """The newest hits in a block, at most so many, the newest first."""
        return _actions_of(_newest_first(self._hits(reader, block))[:most])

    def lists(self, reader: BlockReader, block: int) -> Iterator[list[Action]]:
        """All hits in a block, the newest first, some at a time."""
        hits = _newest_first(self._hits(reader, block))
        for first in range(0, hits.num_rows, _STREAMED_ROWS):
            yield _actions_of(hits[first : first + _STREAMED_ROWS])

    def _run_conditions(self) -> list[sa.ColumnElement[bool]]:
        conditions: list[sa.ColumnElement[bool]] = []
        if self._search.run_id is not None:
            conditions.append(batch_runs.c.run_id == self._search.run_id)
        if self._search.integration is not None:
            conditions.append(batch_runs.c.integration == self._search.integration)
        if self._search.statuses or self._search.operations:
            counted = [
                batch_runs.c[f"{operation}_{status}".lower()] > 0
                for operation in self._search.operations or OPERATIONS
                for status in self._search.statuses or STATUSES
            ]
            conditions.append(sa.or_(*counted))
        return conditions

    def _blocks_by_tokens(self, batch: Batch) -> list[int]:
        tokens = batch.tokens() if self._terms or self._search.record_id is not None else None
        answers = [] if tokens is None else [term.blocks(tokens) for term in self._terms]
        if tokens is not None and self._search.record_id is not None:
            answers.append(tokens.blocks_of(lower(self._search.record_id)))
        blocks = np.arange(batch.blocks)
        for answer in answers:
            blocks = blocks if answer is None else np.intersect1d(blocks, answer, assume_unique=True)
        return [int(block) for block in blocks]

    def _may_hold(self, batch: Batch, block: int) -> bool:
        times = batch.times(block)
        if times is not None and (times[1] < self._since_us or times[0] >= self._until_us):
            return False
        return all(_may_have(batch.limits(block, column), values) for column, values in self._wanted.items())

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
        return {
            column: tuple(value for value in values if value is not None)
            for column, values in wanted.items()
            if any(value is not None for value in values)
        }

    def _last_us(self, batch: Batch, block: int) -> int:
        times = batch.times(block)
        return LATEST_US if times is None else times[1]

    def _hits(self, reader: BlockReader, block: int) -> pa.Table:
        """What of a block is a hit: first the columns that tell are read, the others only if there is one."""
        hits, rows = self._narrowed(reader.read(block, self._telling_columns))
        if not len(rows):
            return hits
        others = reader.read(block, [name for name in reader.columns if name not in hits.column_names])
        others = others.take(pa.array(rows))
        for name in others.column_names:
            hits = hits.append_column(name, others[name])
        return hits

    def _narrowed(self, table: pa.Table) -> tuple[pa.Table, np.ndarray]:
        """The rows that pass every test, and where they were; a test looks only at what the ones before left."""
        rows = np.arange(table.num_rows)
        for test in self._tests:
            if not len(rows):
                break
            mask = test(table)
            if not mask.all():
                rows = rows[mask]
                table = table.take(pa.array(np.flatnonzero(mask)))
        return table, rows

    @cached_property
    def _telling_columns(self) -> list[str]:
        columns = list(self._wanted)
        columns += ["happened_at"] if self._is_timed else []
        columns += ["batch_id", "row"] if self._after is not None else []
        if self._terms or self._search.substring is not None or self._search.regex is not None:
            columns += SEARCHED_COLUMNS
        if self._search.record_id is not None or self._search.record_type is not None:
            columns += _RECORD_COLUMNS
        return list(dict.fromkeys(columns)) or ["happened_at"]

    @property
    def _is_timed(self) -> bool:
        return (self._since_us, self._until_us) != (EARLIEST_US, LATEST_US + 1)

    @cached_property
    def _tests(self) -> list[Callable[[pa.Table], Mask]]:
        """Which rows of a table are wanted, the quickest and most telling test first."""
        search = self._search
        tests: list[Callable[[pa.Table], Mask]] = []
        for column, values in self._wanted.items():
            tests.append(partial(having_one_of, name=column, values=values))
        if self._is_timed:
            tests.append(self._in_time)
        if search.record_id is not None:
            tests.append(partial(having_record, record_type=search.record_type, record_id=search.record_id))
        for term in sorted(self._terms, key=lambda term: term.rarity, reverse=True):
            tests.append(partial(having_term, term=term))
        if search.substring is not None:
            tests.append(partial(having_substring, wanted=lower(search.substring)))
        if search.regex is not None:
            tests.append(partial(having_match, regex=search.regex))
        return tests

    def _in_time(self, table: pa.Table) -> Mask:
        happened_us = table["happened_at"].cast(pa.int64()).to_numpy()
        mask: Mask = (happened_us >= self._since_us) & (happened_us < self._until_us)
        if self._after is not None:
            at_once = np.flatnonzero(mask & (happened_us == self._after.happened_us))
            same = table.select(["batch_id", "row"]).take(pa.array(at_once)).to_pylist()
            here = (self._after.batch_id, self._after.row)
            mask[at_once] = [(row["batch_id"], row["row"]) < here for row in same]
        return mask


def _stream(view: LakeView, hunt: "_Hunt") -> Iterator[list[Action]]:
    for batch_id, _ in hunt.batches(view):
        batch = view.batches.open(batch_id)
        if blocks := hunt.blocks(batch):
            with batch.reader() as reader:
                for _, block in blocks:
                    yield from hunt.lists(reader, block)


def _place_from(cursor: str | None) -> Place | None:
    place = read_place(cursor)
    if place["after_at"] is None:
        return None
    return Place(to_microseconds(place["after_at"]), place["after_batch"], place["after_row"])


def _is_certain(found: list[Action], limit: int, last_us: int) -> bool:
    """Whether nothing that happened at ``last_us`` or before belongs on the page."""
    return len(found) > limit and last_us < to_microseconds(found[-1].happened_at)


def _may_have(limits: tuple[str, str] | None, values: tuple[str, ...]) -> bool:
    return limits is None or any(limits[0] <= value <= limits[1] for value in values)


def _newest_first(hits: pa.Table) -> pa.Table:
    if hits.num_rows < 2:
        return hits
    order = [(name, "descending") for name in ("happened_at", "batch_id", "row")]
    keys = pa.table({name: hits[name] for name, _ in order} | {"batch_id": hits["batch_id"].cast(pa.string())})
    return hits.take(pc.sort_indices(keys, sort_keys=order))


def _actions_of(hits: pa.Table) -> list[Action]:
    if not hits.num_rows:
        return []
    columns = {
        name: hits[name].to_pylist() if name in hits.column_names else [None] * hits.num_rows
        for name in ACTION_SCHEMA.names
        if name != "happened_at"
    }
    columns["happened_us"] = hits["happened_at"].cast(pa.int64()).to_pylist()
    return [action_from(**dict(zip(columns, row, strict=True))) for row in zip(*columns.values(), strict=True)]
