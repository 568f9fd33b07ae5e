"""What runs can be sorted by, and the condition that goes on where a page ended.

Runs equal in the sorted figure follow their run id, in the same direction. Nulls come last in both directions, said
in words every database has: SQLite and PostgreSQL disagree about where they belong.
"""

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from ingest.action import OPERATIONS, STATUSES, Operation, Progress, Status
from ingest.counts import COUNT_COLUMNS
from ingest.errors import InvalidInput
from ingest.index_tables import batch_runs, is_readable, runs
from query.paging import CursorValue, read_cursor

Figure = sa.ColumnElement[Any]  # text or number, by what is sorted


def counted(operation: Operation | None = None, status: Status | None = None) -> Figure:
    """How many actions a run has, of one operation or status or in all."""
    operations = (operation,) if operation else OPERATIONS
    statuses = (status,) if status else STATUSES
    first, *others = [runs.c[f"{one}_{other}".lower()] for one in operations for other in statuses]
    total: Figure = first
    for column in others:
        total = total + column
    return total


def _counted_unreadable() -> Figure:
    """How many of them are in damaged batches."""
    total: sa.ColumnElement[int] = -batch_runs.c.gone
    for name in COUNT_COLUMNS:
        total = total + batch_runs.c[name]
    counted_there = sa.select(sa.cast(sa.func.coalesce(sa.func.sum(total), 0), sa.BigInteger)).where(
        batch_runs.c.run_id == runs.c.run_id, sa.not_(is_readable(batch_runs.c.batch_id))
    )
    return counted_there.correlate(runs).scalar_subquery()


UNREADABLE: Figure = _counted_unreadable()
BEGUN_US: Figure = runs.c.sort_us
ENDED_US: Figure = sa.case(
    (runs.c.finished_us.is_not(None), runs.c.finished_us),
    (runs.c.progress.in_([word.value for word in Progress if word.is_over]), runs.c.last_action_us),
)
DURATION_US: Figure = ENDED_US - BEGUN_US

FIGURES: dict[str, Figure] = {
    "begun_at": BEGUN_US,
    "integration": runs.c.integration,
    "configuration": runs.c.configuration,
    "trigger": runs.c.trigger,
    "progress": sa.case({word.value: place for place, word in enumerate(Progress)}, value=runs.c.progress, else_=-1),
    "scope": runs.c.scope,
    "ended_at": ENDED_US,
    "duration": DURATION_US,
    "status": runs.c.status_rank,
    "processed": counted(),
    "creates": counted(Operation.CREATE),
    "updates": counted(Operation.UPDATE),
    "deletes": counted(Operation.DELETE),
    "unchanged": counted(Operation.NONE),
    "oks": counted(status=Status.OK),
    "infos": counted(status=Status.INFO),
    "warnings": counted(status=Status.WARNING),
    "errors": counted(status=Status.ERROR),
    "expected": runs.c.expected,
    "gone": runs.c.gone,
}
RUN_SORTS = tuple(FIGURES)

COUNTERS = ("processed", "creates", "updates", "deletes", "unchanged", "oks", "infos", "warnings", "errors")
"""Of these figures, and of the duration in microseconds, runs are chosen by how large they are."""

_TEXTS = frozenset({"integration", "configuration", "trigger", "scope"})
_NULLABLE = frozenset({"configuration", "trigger", "scope", "ended_at", "duration", "status", "expected"})


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOrder:
    """One sort in one direction."""

    sort: str
    expression: Figure
    descending: bool
    nullable: bool
    is_text: bool

    @property
    def clauses(self) -> list[Figure]:
        sorted_by = [self.expression, runs.c.run_id]
        clauses: list[Figure] = [column.desc() if self.descending else column.asc() for column in sorted_by]
        return [sa.case((self.expression.is_(None), 1), else_=0), *clauses] if self.nullable else clauses

    def after(self, cursor: str) -> Figure:
        """What holds for every run after the last one of a page."""
        kinds = (str, type(None)) if self.is_text else (int, type(None))
        sort, value, run_id = read_cursor(cursor, str, kinds, str)
        if sort != self.sort or (value is None and not self.nullable):
            raise InvalidInput(
                f"the cursor belongs to another sort than {self.sort}",
                field="cursor",
                hint="leave it out to start at the first page",
            )
        if value is None:
            return sa.and_(self.expression.is_(None), self._beyond(runs.c.run_id, run_id))
        # The first condition lets an index be used, the second is the exact one.
        reached = self.expression <= value if self.descending else self.expression >= value
        tied = sa.and_(self.expression == value, self._beyond(runs.c.run_id, run_id))
        beyond = sa.and_(reached, sa.or_(self._beyond(self.expression, value), tied))
        return sa.or_(beyond, self.expression.is_(None)) if self.nullable else beyond

    def _beyond(self, expression: Figure, value: CursorValue) -> Figure:
        return expression < value if self.descending else expression > value


def read_order(sort: str) -> RunOrder:
    """The order a word like ``errors`` or ``-errors`` means. Raises InvalidInput."""
    name = sort.removeprefix("-")
    if name not in FIGURES:
        raise InvalidInput(
            f"runs cannot be sorted by {name!r}", field="sort", hint=f"one of {', '.join(FIGURES)}, - for the reverse"
        )
    return RunOrder(
        sort=sort,
        expression=FIGURES[name],
        descending=sort.startswith("-"),
        nullable=name in _NULLABLE,
        is_text=name in _TEXTS,
    )
