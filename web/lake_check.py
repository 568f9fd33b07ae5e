"""What index and batches say of themselves: the same for ``synclog doctor`` and for /health. No batch is read."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from ingest.action import Status
from ingest.batch import received_us_of
from ingest.index_tables import batches, runs
from ingest.timestamps import from_microseconds
from query.damage import count_damaged_batches
from query.lake_view import LakeView
from reports.wording import format_count, format_duration, plural, relative_time

SMALL_ROWS = 10_000
"""A batch of fewer actions costs a search more to open than to read."""
MANY_SMALL = 5_000

_IS_SMALL = sa.and_(batches.c.kind == "actions", batches.c.rows < SMALL_ROWS)
_HELD = sa.select(
    batches.c.kind,
    sa.func.count().label("live"),
    sa.func.sum(sa.case((_IS_SMALL, 1), else_=0)).label("small"),
    sa.func.max(batches.c.batch_id).label("newest"),
).group_by(batches.c.kind)


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """What was looked at, and how it is: OK, WARNING (it works, but not for long or not well) or ERROR."""

    name: str
    status: Status
    message: str


def check_lake(view: LakeView, *, now: datetime, opened: timedelta | None = None) -> Iterator[Check]:
    """``opened`` is how long it took to open the index, where that was just done. Raises LakeUnavailable."""
    begun = time.monotonic()
    [(run_count,)] = view.select(sa.select(sa.func.count()).select_from(runs))
    [(heard_us,)] = view.select(sa.select(sa.func.max(runs.c.heard_us)))
    held = view.select(_HELD.order_by(batches.c.kind))
    answered = f"answers in {format_duration(timedelta(seconds=time.monotonic() - begun))}"
    if opened is not None:
        answered = f"opened in {format_duration(opened)}, {answered}"
    yield Check(name="index", status=Status.OK, message=f"{answered}, knows {plural(run_count, 'run')}")
    yield _check_batches(held)
    yield _check_damage(view)
    yield _check_newest(max((row.newest for row in held), default=None), heard_us, now)


def _check_batches(held: Sequence[sa.Row[Any]]) -> Check:
    small = sum(row.small for row in held)
    kinds = ", ".join(f"{format_count(row.live)} of {row.kind}" for row in held)
    message = f"{format_count(sum(row.live for row in held))} live" + (f" ({kinds})" if kinds else "")
    message += f", {format_count(small)} small with fewer than {format_count(SMALL_ROWS)} actions"
    if small > MANY_SMALL:
        return Check(name="batches", status=Status.WARNING, message=f"{message}: synclog compact merges them")
    return Check(name="batches", status=Status.OK, message=message)


def _check_damage(view: LakeView) -> Check:
    """What is known of; reading all batches to find damage is left to ``synclog verify``."""
    count = count_damaged_batches(view)
    if not count:
        return Check(name="damage", status=Status.OK, message="no file is known to be damaged")
    message = f"{plural(count, 'file')} damaged: synclog verify names them and says what to do"
    return Check(name="damage", status=Status.ERROR, message=message)


def _check_newest(batch_id: str | None, heard_us: int | None, now: datetime) -> Check:
    """The newest batch may be a merge of old ones, so it is also said when a run was last heard of."""
    if batch_id is None:
        return Check(name="newest batch", status=Status.OK, message="none yet: nothing was recorded")
    message = f"sealed {relative_time(from_microseconds(received_us_of(batch_id)), now)}"
    if heard_us is not None:
        message += f", a run was last heard of {relative_time(from_microseconds(heard_us), now)}"
    return Check(name="newest batch", status=Status.OK, message=message)
