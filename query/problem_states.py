"""Where a problem stands, run by run, among the runs of one integration and configuration in the order they began.

A run in which it occurs proves that it is there, whatever kind of run that is. That it is gone only a *thorough* run
proves: one that is over and has looked at everything. A run that is partial, was aborted, is still under way, or
failed as a whole (it is an ERROR, though none of its actions is) may never have come to the record. Without a scope,
a run is taken for partial when its trigger ends in CHANGES. One of which nothing but actions was ever heard has no end
that could be told: it is taken for over once the next one of its configuration has begun.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from ingest.action import Progress, Scope, Status
from ingest.index_tables import runs
from query.run_order import counted

CHANGES = "CHANGES"


class ProblemState(StrEnum):
    """In the order in which they deserve a look."""

    NEW = "new"
    """In no earlier run."""
    REGRESSED = "regressed"
    """A thorough run was without it; it has come back."""
    PERSISTING = "persisting"
    """In an earlier run too, and no thorough run in between was without it."""
    RESOLVED = "resolved"
    """In an earlier run; a later, thorough one was without it."""

    @property
    def is_open(self) -> bool:
        return self is not ProblemState.RESOLVED


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """One run, as far as it matters to a problem."""

    is_thorough: bool
    has_it: bool


def derive_state(sightings: Sequence[Sighting]) -> ProblemState | None:
    """The state of a problem as of the last of these runs, oldest first; None where it never occurred."""
    seen = [place for place, sighting in enumerate(sightings) if sighting.has_it]
    if not seen:
        return None
    last = seen[-1]
    if any(sighting.is_thorough for sighting in sightings[last + 1 :]):
        return ProblemState.RESOLVED
    if len(seen) == 1:
        return ProblemState.NEW
    between = sightings[seen[-2] + 1 : last]
    return ProblemState.REGRESSED if any(each.is_thorough for each in between) else ProblemState.PERSISTING


def is_thorough(has_successor: sa.ColumnElement[bool]) -> sa.ColumnElement[Any]:
    """The same of rows of ``runs``: 1 for a thorough run, 0 for another."""
    is_over = sa.or_(
        runs.c.progress == Progress.FINISHED.value,
        sa.and_(runs.c.last_event.is_(None), has_successor),
    )
    is_whole = sa.or_(
        runs.c.scope == Scope.FULL.value,
        sa.and_(runs.c.scope.is_(None), sa.func.coalesce(runs.c.trigger, "").not_like(f"%{CHANGES}")),
    )
    failed = sa.and_(runs.c.status_rank == Status.ERROR.rank, counted(status=Status.ERROR) == 0)
    return sa.case((sa.and_(is_over, is_whole, sa.not_(sa.func.coalesce(failed, sa.false()))), 1), else_=0)
