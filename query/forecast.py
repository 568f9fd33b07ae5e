"""How far a run under way has come and how much longer it will take, by what was announced or is usual."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from query.lake_view import LakeView
from query.recent_runs import RecentRun, list_runs_like
from query.runs import Run

EARLIER_RUNS = 15
ENOUGH_RUNS = 3
ALIKE = 0.25
"""The part of the middle within which half of the earlier runs must be for their total to be a forecast."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """What a run is going to be. ``earlier`` is how many runs say so; None where the sender announced it."""

    total: int
    earlier: int | None
    percent: float
    remaining: timedelta | None


def get_forecast(view: LakeView, run: Run, *, now: datetime) -> Forecast | None:
    """Of a run that is not over; None of any other, and where nobody knows."""
    if run.progress.is_over:
        return None
    earlier = [] if run.expected else list_runs_like(view, run, most=EARLIER_RUNS)
    return forecast(run, earlier, now=now)


def forecast(run: Run, earlier: Sequence[RecentRun], *, now: datetime) -> Forecast | None:
    """By the announced total or, without one, the middle of earlier finished runs of the same kind, if they agree."""
    known = _announced(run) or _usual(earlier)
    if known is None:
        return None
    total, runs = known
    done = run.counts.processed
    return Forecast(
        total=total,
        earlier=runs,
        percent=min(100.0, 100 * done / total),
        remaining=(now - run.begun_at) * ((total - done) / done) if 0 < done < total else None,
    )


def _announced(run: Run) -> tuple[int, None] | None:
    return (run.expected, None) if run.expected else None


def _usual(earlier: Sequence[RecentRun]) -> tuple[int, int] | None:
    totals = [run.processed for run in earlier if run.processed]
    if len(totals) < ENOUGH_RUNS:
        return None
    middle = median(totals)
    if median([abs(total - middle) for total in totals]) > ALIKE * middle:
        return None
    return round(middle), len(totals)
