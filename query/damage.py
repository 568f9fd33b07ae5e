"""Damaged batches, and what is missing of which runs because of each: from the index alone."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa

from ingest.counts import COUNT_COLUMNS
from ingest.index_tables import batch_runs, batches, damaged
from ingest.timestamps import from_microseconds
from query.lake_view import LakeView

NAMED_RUNS = 20
NAMED_BATCHES = 200

_LEFT = sum((batch_runs.c[name] for name in COUNT_COLUMNS), -batch_runs.c.gone)


@dataclass(frozen=True, slots=True, kw_only=True)
class UnreadableRun:
    """How many actions of a run are in a damaged batch."""

    run_id: str
    actions: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DamagedBatch:
    """A batch nobody reads any more: ``path`` is where its file was, or should be put back to.

    ``rows`` is None where nothing is known of it. ``runs`` are those with the most actions in it, at most NAMED_RUNS.
    """

    kind: str
    batch_id: str
    since: datetime
    problem: str
    path: Path
    is_aside: bool
    rows: int | None
    run_count: int
    runs: tuple[UnreadableRun, ...]


def count_damaged_batches(view: LakeView) -> int:
    [(count,)] = view.select(sa.select(sa.func.count()).select_from(damaged))
    return int(count)


def list_damaged_batches(view: LakeView) -> list[DamagedBatch]:
    """The damaged batches, those found first first, at most NAMED_BATCHES."""
    aside = set(view.lake.list_notes())
    chosen = sa.select(damaged, batches.c.rows, batches.c.runs).outerjoin(
        batches, batches.c.batch_id == damaged.c.batch_id
    )
    rows = view.select(chosen.order_by(damaged.c.since_us, damaged.c.batch_id).limit(NAMED_BATCHES))
    return [
        DamagedBatch(
            kind=row.kind,
            batch_id=row.batch_id,
            since=from_microseconds(row.since_us),
            problem=row.problem,
            path=view.lake.path_of(row.kind, row.batch_id),
            is_aside=(row.kind, row.batch_id) in aside,
            rows=row.rows,
            run_count=row.runs or 0,
            runs=_runs_of(view, row.batch_id),
        )
        for row in rows
    ]


def _runs_of(view: LakeView, batch_id: str) -> tuple[UnreadableRun, ...]:
    chosen = sa.select(batch_runs.c.run_id, _LEFT.label("actions")).where(batch_runs.c.batch_id == batch_id, _LEFT > 0)
    rows = view.select(chosen.order_by(_LEFT.desc(), batch_runs.c.run_id).limit(NAMED_RUNS))
    return tuple(UnreadableRun(run_id=row.run_id, actions=row.actions) for row in rows)
