"""The batches that hold a run, as the index knows them, and those of them that a page of its actions needs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from ingest.action import OPERATIONS, STATUSES, Operation, Status
from ingest.counts import COUNT_COLUMNS
from ingest.index_tables import batch_runs, has_counted, is_readable
from ingest.run_outline import RunOutline, outline_from_text
from ingest.timestamps import to_microseconds
from query.lake_view import LakeView


@dataclass(frozen=True, slots=True, kw_only=True)
class RunBatch:
    """The actions of a run in a batch: ``rows`` in all, by status as asked for in ``counts``.

    Retention took ``gone`` away of those counted, nobody knows which. Times are microseconds since 1970 UTC.
    """

    batch_id: str
    first_us: int
    last_us: int
    rows: int
    counts: dict[Status, int]
    gone: int
    outline: RunOutline | None

    @property
    def known(self) -> int:
        """How many of those asked for there are at least."""
        return 0 if self.gone else sum(self.counts.values())


def list_run_batches(
    view: LakeView,
    run_id: str,
    *,
    statuses: Sequence[Status] = (),
    operations: Sequence[Operation] = (),
    since: datetime | None = None,
    until: datetime | None = None,
) -> list[RunBatch]:
    """The readable batches with actions of the run, of one of these statuses and operations in this time, by id."""
    chosen = sa.select(batch_runs).where(batch_runs.c.run_id == run_id, is_readable(batch_runs.c.batch_id))
    if statuses or operations:
        chosen = chosen.where(has_counted(operations or OPERATIONS, statuses or STATUSES))
    if since is not None:
        chosen = chosen.where(batch_runs.c.last_us >= to_microseconds(since))
    if until is not None:
        chosen = chosen.where(batch_runs.c.first_us < to_microseconds(until))
    rows = view.select(chosen.order_by(batch_runs.c.batch_id))
    return [_run_batch(row, statuses or STATUSES, operations or OPERATIONS) for row in rows]


def files_of_run(view: LakeView, run_id: str, *, statuses: Sequence[Status] = ()) -> list[str]:
    """The files of the readable batches with actions of the run, of one of these statuses."""
    return view.paths_of(batch.batch_id for batch in list_run_batches(view, run_id, statuses=statuses))


def _run_batch(row: sa.Row[Any], statuses: Sequence[Status], operations: Sequence[Operation]) -> RunBatch:
    counted = row._mapping
    return RunBatch(
        batch_id=row.batch_id,
        first_us=row.first_us,
        last_us=row.last_us,
        rows=sum(counted[name] for name in COUNT_COLUMNS) - row.gone,
        counts={
            status: sum(counted[f"{operation}_{status}".lower()] for operation in operations) for status in statuses
        },
        gone=row.gone,
        outline=None if row.outline is None else outline_from_text(row.outline),
    )
