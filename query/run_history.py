"""How many runs began when, by status: the timeline above the list of runs, from the index alone."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from ingest.action import STATUSES, Status
from ingest.index_tables import runs
from ingest.timestamps import EARLIEST_US, LATEST_US, MICROSECOND, from_microseconds
from query.lake_view import LakeView
from query.run_order import BEGUN_US
from query.runs import RunFilter, conditions_of

MOST_BUCKETS = 62
SHOWN_UNLESS_SAID = timedelta(days=60)
"""Back from the latest run, where the filter does not say since when: a list of any length costs the same."""

_DAY_US = 86_400_000_000
_LENGTHS_US = (
    *(minutes * 60_000_000 for minutes in (1, 5, 15)),
    *(hours * 3_600_000_000 for hours in (1, 3, 6)),
    *(days * _DAY_US for days in (1, 7, 28, 364, 3640, 36_400, 364_000)),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunBucket:
    """The runs that began in one span of time: how many of each status, worst last; None where nobody said."""

    start_at: datetime
    end_at: datetime
    counts: dict[Status | None, int]

    @property
    def runs(self) -> int:
        return sum(self.counts.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class RunHistory:
    """Spans of equal length up to the latest run, those in which none began among them."""

    bucket: timedelta
    buckets: tuple[RunBucket, ...]


def get_run_history(view: LakeView, run_filter: RunFilter) -> RunHistory:
    """Of the runs a filter chooses; no buckets where it chooses none."""
    conditions = conditions_of(run_filter)
    reach = _reach(view, conditions, is_begin_said=run_filter.since is not None)
    if reach is None:
        return RunHistory(bucket=MICROSECOND, buckets=())
    first_us, last_us = reach
    length = next((each for each in _LENGTHS_US if _fits(each, first_us, last_us)), _LENGTHS_US[-1])
    start_us = first_us // length * length
    divided = (
        (BEGUN_US - start_us).self_group().op("/", return_type=sa.BigInteger())
    )  # a whole number in both databases
    place = divided(sa.literal(length, sa.BigInteger))
    counted = (
        sa.select(place.label("place"), runs.c.status_rank, sa.func.count().label("number"))
        .where(*conditions, first_us <= BEGUN_US)
        .group_by(sa.text("place"), runs.c.status_rank)
    )
    counts: dict[int, dict[Status | None, int]] = {}
    for row in view.select(counted):
        status = None if row.status_rank is None else STATUSES[row.status_rank]
        counts.setdefault(row.place, {})[status] = row.number
    return RunHistory(
        bucket=length * MICROSECOND,
        buckets=tuple(
            RunBucket(
                start_at=from_microseconds(max(start_us + number * length, EARLIEST_US)),
                end_at=from_microseconds(min(start_us + (number + 1) * length, LATEST_US)),
                counts=counts.get(number, {}),
            )
            for number in range((last_us - start_us) // length + 1)
        ),
    )


def _reach(view: LakeView, conditions: list[sa.ColumnElement[bool]], *, is_begin_said: bool) -> tuple[int, int] | None:
    """When the first and the last of the runs to show began."""
    last_us = view.select(sa.select(sa.func.max(BEGUN_US)).where(*conditions))[0][0]
    if last_us is None:
        return None
    first = sa.select(sa.func.min(BEGUN_US)).where(*conditions)
    if not is_begin_said:
        first = first.where(last_us - SHOWN_UNLESS_SAID // MICROSECOND <= BEGUN_US)
    return view.select(first)[0][0], last_us


def _fits(length: int, first_us: int, last_us: int) -> bool:
    return last_us // length - first_us // length < MOST_BUCKETS
