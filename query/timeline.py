"""When in a run what happened: its actions by status in spans of equal, round length."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from ingest.timestamps import EARLIEST_US, MICROSECOND, from_microseconds, to_microseconds
from query.lake_view import LakeView
from query.runs import Run

_ROUND_US: tuple[int, ...] = tuple(
    [step * 10**power for power in range(6) for step in (1, 2, 5)]
    + [second * 1_000_000 for second in (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800)]
    + [hour * 3_600_000_000 for hour in (1, 2, 3, 6, 12, 24, 48, 168)]
)
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
    bucket_us = _round_length(first_us, last_us, buckets)
    start_us = max(first_us // bucket_us * bucket_us, EARLIEST_US)
    wanted: dict[str, str | int] = {"run_id": run.run_id, "start_us": start_us, "bucket_us": bucket_us}
    rows = view.fetch_remembered("timeline.get_run_timeline", view.files_of_run(run.run_id), wanted)
    counted = {row["place"]: {status: row[status] for status in _COUNTED} for row in rows}
    return Timeline(
        start_at=from_microseconds(start_us),
        bucket=bucket_us * MICROSECOND,
        buckets=tuple(
            Bucket(start_at=from_microseconds(start_us + place * bucket_us), **counted.get(place, {}))
            for place in range((last_us - start_us) // bucket_us + 1)
        ),
    )


def _round_length(first_us: int, last_us: int, buckets: int) -> int:
    """The shortest round length of which ``buckets``, begun at a multiple of it, reach from first to last."""
    length: int = next((each for each in _ROUND_US if _reach(each, first_us, last_us, buckets)), _ROUND_US[-1])
    while not _reach(length, first_us, last_us, buckets) and length <= last_us - first_us:
        length *= 2
    return length


def _reach(length: int, first_us: int, last_us: int, buckets: int) -> bool:
    return last_us // length - first_us // length < buckets
