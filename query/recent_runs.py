"""The latest runs of every integration and configuration, from the index: what its habits are learned from.

Only a few figures of each run: an overview of two thousand configurations reads sixty thousand of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby, islice
from typing import Any

import sqlalchemy as sa

from ingest.action import OPERATIONS, STATUSES, Operation, Progress, Scope, Status
from ingest.index_tables import runs
from ingest.timestamps import EARLIEST_US, from_microseconds, to_microseconds
from query.lake_view import LakeView
from query.run_order import BEGUN_US, ENDED_US, counted
from query.runs import Run

RUNS_REMEMBERED = 30

Configured = tuple[str, str | None]
"""Integration and configuration: what a row of the overview is about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecentRun:
    """What a run was like. ``moved`` counts the records that it created, updated or deleted without an error."""

    run_id: str
    integration: str
    configuration: str | None
    trigger: str | None
    scope: Scope | None
    progress: Progress
    status: Status | None
    begun_at: datetime
    ended_at: datetime | None
    last_sign_at: datetime
    processed: int
    moved: int
    warnings: int
    errors: int

    @property
    def duration(self) -> timedelta | None:
        return None if self.ended_at is None else self.ended_at - self.begun_at

    @property
    def kind(self) -> tuple[str | None, Scope | None]:
        """Runs are compared with those of the same trigger and scope."""
        return self.trigger, self.scope

    @property
    def has_succeeded(self) -> bool:
        return self.progress is Progress.FINISHED and self.status is not Status.ERROR


def list_recent_runs(view: LakeView, *, most: int = RUNS_REMEMBERED) -> dict[Configured, tuple[RecentRun, ...]]:
    """The latest runs of each integration and configuration, newest first."""
    rows = view.select(recent_runs_statement(most))
    return {
        configured: tuple(_recent_run_from(row) for row in islice(group, most))
        for configured, group in groupby(rows, lambda row: (row.integration, row.configuration))
    }


def list_last_successes(view: LakeView) -> Mapping[Configured, datetime]:
    """When the latest run that finished without an error began, however long ago."""
    succeeded = sa.and_(
        runs.c.progress == Progress.FINISHED.value,
        sa.or_(runs.c.status_rank.is_(None), runs.c.status_rank < Status.ERROR.rank),
    )
    latest = (
        sa.select(runs.c.integration, runs.c.configuration, sa.func.max(BEGUN_US).label("begun_us"))
        .where(succeeded)
        .group_by(runs.c.integration, runs.c.configuration)
    )
    return {(row.integration, row.configuration): from_microseconds(row.begun_us) for row in view.select(latest)}


def recent_runs_statement(most: int) -> sa.Select[Any]:
    """Of each integration and configuration the runs from the ``most``-th latest on, where an index finds both.

    A window function would number every run there ever was.
    """
    pairs = sa.select(runs.c.integration, runs.c.configuration).distinct().subquery("pairs")
    counted_back = runs.alias("counted_back")
    least_us = (
        sa.select(counted_back.c.sort_us)
        .where(counted_back.c.integration == pairs.c.integration)
        .where(counted_back.c.configuration.is_not_distinct_from(pairs.c.configuration))
        .order_by(counted_back.c.sort_us.desc())
        .limit(1)
        .offset(most - 1)
        .scalar_subquery()
    )
    same = sa.and_(
        runs.c.integration == pairs.c.integration,
        runs.c.configuration.is_not_distinct_from(pairs.c.configuration),
        sa.func.coalesce(least_us, EARLIEST_US) <= BEGUN_US,
    )
    ordered = (runs.c.integration, runs.c.configuration, BEGUN_US.desc(), runs.c.run_id.desc())
    return _choose().join(pairs, same).order_by(*ordered)


def list_runs_like(view: LakeView, run: Run, *, most: int) -> list[RecentRun]:
    """The latest finished runs from before a run, of its integration, configuration, trigger and scope."""
    alike = (
        _choose()
        .where(runs.c.integration == run.integration, runs.c.progress == Progress.FINISHED.value)
        .where(runs.c.configuration.is_not_distinct_from(run.configuration))
        .where(runs.c.trigger.is_not_distinct_from(run.trigger))
        .where(runs.c.scope.is_not_distinct_from(None if run.scope is None else run.scope.value))
        .where(to_microseconds(run.begun_at) > BEGUN_US)
    )
    return [_recent_run_from(row) for row in view.select(alike.order_by(BEGUN_US.desc()).limit(most))]


def _choose() -> sa.Select[Any]:
    columns = (
        *(runs.c[name] for name in ("run_id", "integration", "configuration", "trigger", "scope", "progress")),
        *(runs.c[name] for name in ("status_rank", "announced_us", "started_us", "last_action_us", "heard_us")),
        BEGUN_US.label("begun_us"),
        ENDED_US.label("ended_us"),
        counted().label("processed"),
        _moved().label("moved"),
        counted(status=Status.WARNING).label("warnings"),
        counted(status=Status.ERROR).label("errors"),
    )
    return sa.select(*columns)


def _moved() -> sa.ColumnElement[int]:
    columns = [
        runs.c[f"{operation}_{status}".lower()]
        for operation in OPERATIONS
        if operation is not Operation.NONE
        for status in STATUSES
        if status is not Status.ERROR
    ]
    first, *others = columns
    total: sa.ColumnElement[int] = first
    for column in others:
        total = total + column
    return total


def _recent_run_from(row: sa.Row[Any]) -> RecentRun:
    is_announced = row.announced_us is not None or row.started_us is not None
    sign_us = row.heard_us if is_announced or row.last_action_us is None else min(row.heard_us, row.last_action_us)
    return RecentRun(
        run_id=row.run_id,
        integration=row.integration,
        configuration=row.configuration,
        trigger=row.trigger,
        scope=Scope(row.scope) if row.scope else None,
        progress=Progress(row.progress),
        status=None if row.status_rank is None else STATUSES[row.status_rank],
        begun_at=from_microseconds(row.begun_us),
        ended_at=None if row.ended_us is None else from_microseconds(row.ended_us),
        last_sign_at=from_microseconds(sign_us),
        processed=row.processed,
        moved=row.moved,
        warnings=row.warnings,
        errors=row.errors,
    )
