"""The list of runs and one run, from the index alone: no batch is opened, however many actions there are."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from ingest.action import STATUSES, Progress, Scope, Status
from ingest.counts import COUNT_COLUMNS, Counts
from ingest.errors import RunNotFound
from ingest.index_tables import run_events, runs
from ingest.run_state import EventKind
from ingest.timestamps import from_microseconds, to_microseconds
from query.lake_view import LakeView
from query.paging import Page, page_of
from query.run_order import COUNTERS, FIGURES, RUN_SORTS, UNREADABLE, read_order

__all__ = [
    "COUNTERS",
    "RUN_SORTS",
    "FigureRange",
    "Neighbours",
    "Run",
    "RunFacets",
    "RunFilter",
    "RunMessage",
    "conditions_of",
    "find_neighbours",
    "find_runs",
    "get_run",
    "list_facets",
    "list_run_messages",
    "list_runs",
]


_RUN = (*runs.c, UNREADABLE.label("unreadable"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One execution of an integration, as far as it was heard of."""

    run_id: str
    integration: str
    configuration: str | None
    trigger: str | None
    scope: Scope | None
    progress: Progress
    status: Status | None
    announced_at: datetime | None
    started_at: datetime | None
    finished_at: datetime | None
    heard_at: datetime
    first_action_at: datetime | None
    last_action_at: datetime | None
    expected: int | None
    claimed: dict[str, int]
    cancellable: bool
    attributes: dict[str, Any]  # a sender's own JSON object
    message: str | None
    counts: Counts
    gone: int = 0
    """How many of the counted actions retention has removed."""
    unreadable: int = 0
    """How many of them are in damaged batches."""

    @property
    def begun_at(self) -> datetime:
        """When it started; where nobody said so, its first action, its announcement, or the first word of it."""
        return self.started_at or self.first_action_at or self.announced_at or self.heard_at

    @property
    def ended_at(self) -> datetime | None:
        """When it finished or, where nobody said so, its last action once it is over."""
        if self.finished_at is not None or not self.progress.is_over:
            return self.finished_at
        return self.last_action_at

    @property
    def duration(self) -> timedelta | None:
        return None if self.ended_at is None else self.ended_at - self.begun_at

    @property
    def end_seen(self) -> bool:
        return self.progress.is_over

    @property
    def last_sign_at(self) -> datetime:
        """The latest sign of life. A run nobody announced shows only in its actions, which may be told long after."""
        is_announced = self.announced_at is not None or self.started_at is not None
        return self.heard_at if is_announced or self.last_action_at is None else min(self.heard_at, self.last_action_at)

    @property
    def can_be_cancelled(self) -> bool:
        return self.cancellable and self.progress in (Progress.PENDING, Progress.RUNNING)

    @property
    def percent(self) -> float | None:
        """0 to 100; None when nobody said how many actions to expect."""
        return min(100.0, 100 * self.counts.processed / self.expected) if self.expected else None


@dataclass(frozen=True, slots=True, kw_only=True)
class FigureRange:
    """Runs of which a figure, one of COUNTERS or the duration in microseconds, is in a range, its ends included."""

    figure: str
    least: int | None = None
    most: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFilter:
    """Which runs; what is None does not matter. Begun at ``since`` or later, and before ``until``."""

    integration: str | None = None
    configuration: str | None = None
    trigger: str | None = None
    progress: Progress | None = None
    status: Status | None = None
    since: datetime | None = None
    until: datetime | None = None
    q: str | None = None
    ranges: tuple[FigureRange, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFacets:
    """What there is to choose from in a filter, in alphabetical order."""

    integrations: tuple[str, ...]
    configurations: tuple[str, ...]
    triggers: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbours:
    """The runs just before and just after another one of the same integration and configuration."""

    previous: str | None
    next: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunMessage:
    """What a sender said about a run itself."""

    happened_at: datetime
    kind: EventKind
    status: Status | None
    message: str


def find_runs(
    view: LakeView, run_filter: RunFilter, *, sort: str = "-begun_at", limit: int = 50, cursor: str | None = None
) -> Page[Run]:
    """A page of runs. ``sort`` is one of RUN_SORTS, with ``-`` in front for the greatest first; nulls come last."""
    order = read_order(sort)
    statement = sa.select(*_RUN, order.expression.label("sort_value")).where(*conditions_of(run_filter))
    if cursor is not None:
        statement = statement.where(order.after(cursor))
    rows = view.select(statement.order_by(*order.clauses).limit(limit + 1))
    page = page_of(rows, limit, lambda row: (sort, row.sort_value, row.run_id))
    return Page(items=[_run_from(row) for row in page.items], next_cursor=page.next_cursor)


def get_run(view: LakeView, run_id: str) -> Run:
    """Raises RunNotFound."""
    rows = view.select(sa.select(*_RUN).where(runs.c.run_id == run_id))
    if not rows:
        raise RunNotFound(f"there is no run {run_id}")
    return _run_from(rows[0])


def list_runs(view: LakeView, run_ids: Iterable[str]) -> dict[str, Run]:
    """The runs with these ids, of those there are."""
    rows = view.select(sa.select(*_RUN).where(runs.c.run_id.in_(list(run_ids))))
    return {row.run_id: _run_from(row) for row in rows}


def list_facets(view: LakeView) -> RunFacets:
    """The integrations, configurations and triggers runs have."""
    names = view.select(sa.select(runs.c.integration, runs.c.configuration).distinct())
    triggers = view.select(sa.select(runs.c.trigger).where(runs.c.trigger.is_not(None)).distinct())
    return RunFacets(
        integrations=tuple(sorted({row.integration for row in names})),
        configurations=tuple(sorted({row.configuration for row in names if row.configuration is not None})),
        triggers=tuple(sorted(row.trigger for row in triggers)),
    )


def find_neighbours(view: LakeView, run: Run) -> Neighbours:
    """The runs a reader would compare this one with."""
    place = sa.tuple_(runs.c.sort_us, runs.c.run_id)
    here = sa.tuple_(sa.literal(to_microseconds(run.begun_at), sa.BigInteger), sa.literal(run.run_id, sa.Text))
    alike = (
        sa.select(runs.c.run_id)
        .where(runs.c.integration == run.integration)
        .where(runs.c.configuration.is_not_distinct_from(run.configuration))
        .limit(1)
    )
    previous = alike.where(place < here).order_by(runs.c.sort_us.desc(), runs.c.run_id.desc())
    following = alike.where(place > here).order_by(runs.c.sort_us, runs.c.run_id)
    row = view.select(
        sa.select(previous.scalar_subquery().label("previous"), following.scalar_subquery().label("following"))
    )[0]
    return Neighbours(previous=row.previous, next=row.following)


def list_run_messages(view: LakeView, run_id: str) -> list[RunMessage]:
    """Everything the sender said in words about the run, oldest first."""
    statement = (
        sa.select(run_events)
        .where(run_events.c.run_id == run_id, run_events.c.message.is_not(None))
        .order_by(run_events.c.happened_us, run_events.c.batch_id, run_events.c.row)
    )
    return [
        RunMessage(
            happened_at=from_microseconds(row.happened_us),
            kind=EventKind(row.kind),
            status=Status(row.status) if row.status else None,
            message=row.message,
        )
        for row in view.select(statement)
    ]


def conditions_of(run_filter: RunFilter) -> list[sa.ColumnElement[bool]]:
    """What holds for the runs a filter chooses."""
    wanted: dict[sa.Column[Any], object] = {
        runs.c.integration: run_filter.integration,
        runs.c.configuration: run_filter.configuration,
        runs.c.trigger: run_filter.trigger,
        runs.c.progress: None if run_filter.progress is None else run_filter.progress.value,
        runs.c.status_rank: None if run_filter.status is None else run_filter.status.rank,
    }
    conditions: list[sa.ColumnElement[bool]] = [
        column == value for column, value in wanted.items() if value is not None
    ]
    if run_filter.since is not None:
        conditions.append(runs.c.sort_us >= to_microseconds(run_filter.since))
    if run_filter.until is not None:
        conditions.append(runs.c.sort_us < to_microseconds(run_filter.until))
    for each in run_filter.ranges:
        if each.least is not None:
            conditions.append(FIGURES[each.figure] >= each.least)
        if each.most is not None:
            conditions.append(FIGURES[each.figure] <= each.most)
    if run_filter.q:
        conditions.append(
            _mentions(run_filter.q, (runs.c.run_id, runs.c.integration, runs.c.configuration, runs.c.trigger))
        )
    return conditions


def _mentions(text: str, columns: Sequence[sa.Column[Any]]) -> sa.ColumnElement[bool]:
    """Whatever the case. Compared both ways because SQLite folds only ASCII: MÜNCHEN and münchen meet in upper case."""
    found = [sa.func.lower(column).contains(text.lower(), autoescape=True) for column in columns]
    if not text.isascii():
        found += [sa.func.upper(column).contains(text.upper(), autoescape=True) for column in columns]
    return sa.or_(*found)


def _run_from(row: sa.Row[Any]) -> Run:
    return Run(
        run_id=row.run_id,
        integration=row.integration,
        configuration=row.configuration,
        trigger=row.trigger,
        scope=Scope(row.scope) if row.scope else None,
        progress=Progress(row.progress),
        status=None if row.status_rank is None else STATUSES[row.status_rank],
        announced_at=_moment(row.announced_us),
        started_at=_moment(row.started_us),
        finished_at=_moment(row.finished_us),
        heard_at=from_microseconds(row.heard_us),
        first_action_at=_moment(row.first_action_us),
        last_action_at=_moment(row.last_action_us),
        expected=row.expected,
        claimed=json.loads(row.claimed or "{}"),
        cancellable=row.cancellable,
        attributes=json.loads(row.attributes or "{}"),
        message=row.message,
        counts=Counts(**{name: getattr(row, name) for name in COUNT_COLUMNS}),
        gone=row.gone,
        unreadable=row.unreadable,
    )


def _moment(microseconds: int | None) -> datetime | None:
    return None if microseconds is None else from_microseconds(microseconds)
