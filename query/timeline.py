"""When in a run what happened: its actions by status in spans of equal, round length."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ingest.action import STATUSES
from ingest.spans import round_length
from ingest.timestamps import EARLIEST_US, MICROSECOND, from_microseconds, to_microseconds
from query.lake_view import LakeView
from query.run_batches import RunBatch, list_run_batches
from query.runs import Run

_COUNTED = ("ok", "info", "warning", "error")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """The actions of one span of time, by status."""

    start_at: datetime
    ok: int = 0
    info: int = 0
    warning: int = 0
    error: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """A run from its begin to its last sign of life; no buckets when it has no actions."""

    start_at: datetime
    bucket: timedelta
    buckets: tuple[Bucket, ...]


def get_run_timeline(view: LakeView, run: Run, *, buckets: int = 60) -> Timeline:
    """At most ``buckets`` spans over the run and all of its actions, even those outside its begin and end."""
    if run.first_action_at is None or run.last_action_at is None:
        return Timeline(start_at=run.begun_at, bucket=MICROSECOND, buckets=())
    first_us = to_microseconds(min(run.begun_at, run.first_action_at))
    last_us = to_microseconds(max(run.ended_at or run.last_action_at, run.last_action_at))
    bucket_us = round_length(first_us, last_us, buckets)
    start_us = max(first_us // bucket_us * bucket_us, EARLIEST_US)
    counted = _count(view, run.run_id, start_us, bucket_us)
    return Timeline(
        start_at=from_microseconds(start_us),
        bucket=bucket_us * MICROSECOND,
        buckets=tuple(
            Bucket(start_at=from_microseconds(start_us + place * bucket_us), **counted[place])
            for place in range((last_us - start_us) // bucket_us + 1)
        ),
    )


def _count(view: LakeView, run_id: str, start_us: int, bucket_us: int) -> dict[int, Counter[str]]:
    """The actions by status in each bucket, by its place. Only batches are read whose outline does not tell."""
    counted: defaultdict[int, Counter[str]] = defaultdict(Counter)
    unread: list[str] = []
    for batch in list_run_batches(view, run_id):
        told = _told_by(batch, start_us, bucket_us)
        if told is None:
            unread.append(batch.batch_id)
        for place, counts in told or ():
            counted[place].update(dict(zip(_COUNTED, counts, strict=True)))
    if unread:
        wanted: dict[str, str | int] = {"run_id": run_id, "start_us": start_us, "bucket_us": bucket_us}
        for row in view.fetch_remembered("timeline.get_run_timeline", view.paths_of(unread), wanted):
            counted[row["place"]].update({status: row[status] for status in _COUNTED})
    return counted


def _told_by(batch: RunBatch, start_us: int, bucket_us: int) -> list[tuple[int, Sequence[int]]] | None:
    """The counts by status of the buckets a batch reaches into, as far as the index knows them."""
    place = (batch.first_us - start_us) // bucket_us
    if not batch.gone and place == (batch.last_us - start_us) // bucket_us:
        return [(place, [batch.counts[status] for status in STATUSES])]
    outline = batch.outline
    if outline is None or bucket_us % outline.span_us or start_us % outline.span_us:
        return None
    return [((number * outline.span_us - start_us) // bucket_us, counts) for number, *counts in outline.counts]
