"""What is usual for one integration and configuration, learned from its own latest runs; nothing is set up.

Medians, and the median of the distances from them: a run gone wrong, or three, do not change what is usual. Runs are
compared with earlier ones of the same trigger and scope, and only when there are enough of those.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median

from ingest.action import Progress
from query.recent_runs import RecentRun

ENOUGH_RUNS = 5
"""Earlier runs of the same kind from which on they say what is usual."""

DEVIATIONS_PER_DISTANCE = 1.4826
"""A normal distribution's standard deviation in median distances."""

REGULAR = 0.5
"""The spread of intervals, as a part of the middle one, up to which a trigger keeps a rhythm."""

SHORTEST_INTERVAL = timedelta(seconds=10)
"""Runs that begin closer together are calls of one script, and say nothing of when it runs again."""

LEAST_TOLERANCE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Usual:
    """The middle of some values, their robust standard deviation, and how many they are."""

    middle: float
    spread: float
    values: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Rhythm:
    """How often a trigger begins a run, and until when the next one is not late."""

    trigger: str | None
    last_at: datetime
    interval: timedelta
    patience: timedelta
    """After the last begin; as long as one interval in ten is that long, nobody is late."""
    intervals: int

    @property
    def next_at(self) -> datetime:
        return self.last_at + self.interval

    @property
    def late_at(self) -> datetime:
        return self.last_at + self.patience


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """What runs of the kind of one run are usually like: finished ones from before it."""

    processed: Usual
    seconds: Usual
    errors: Usual
    moving: int
    """How many of them moved anything."""
    runs: int


def learn_habits(run: RecentRun, runs: Iterable[RecentRun]) -> Habits | None:
    """From the earlier finished runs of the same kind; None when they are too few to say."""
    alike = [
        each
        for each in runs
        if each.kind == run.kind and each.progress is Progress.FINISHED and each.begun_at < run.begun_at
    ]
    if len(alike) < ENOUGH_RUNS:
        return None
    return Habits(
        processed=usual_of([each.processed for each in alike]),
        seconds=usual_of([each.duration.total_seconds() for each in alike if each.duration is not None]),
        errors=usual_of([each.errors for each in alike]),
        moving=sum(each.moved > 0 for each in alike),
        runs=len(alike),
    )


def learn_rhythms(runs: Sequence[RecentRun]) -> tuple[Rhythm, ...]:
    """The rhythm of each trigger that keeps one, the next to come first. Runs are given newest first."""
    begins: dict[str | None, list[datetime]] = {}
    for run in runs:
        begins.setdefault(run.trigger, []).append(run.begun_at)
    rhythms = (_rhythm_of(trigger, moments) for trigger, moments in begins.items())
    return tuple(sorted((each for each in rhythms if each is not None), key=lambda rhythm: rhythm.next_at))


def usual_of(values: Sequence[float]) -> Usual:
    middle = median(values)
    distance = median([abs(value - middle) for value in values])
    return Usual(middle=middle, spread=DEVIATIONS_PER_DISTANCE * distance, values=len(values))


def _rhythm_of(trigger: str | None, moments: Sequence[datetime]) -> Rhythm | None:
    """Intervals that differ too much are no rhythm: somebody presses a button, or a change calls."""
    seconds = [(later - earlier).total_seconds() for later, earlier in pairwise(moments)]
    if len(seconds) < ENOUGH_RUNS:
        return None
    usual = usual_of(seconds)
    if usual.middle < SHORTEST_INTERVAL.total_seconds() or usual.spread > REGULAR * usual.middle:
        return None
    long_one = sorted(seconds)[-1 - len(seconds) // 10]  # weekends, when nothing runs, are a fifth of the nights
    tolerance = max(3 * usual.spread, 0.1 * usual.middle, LEAST_TOLERANCE.total_seconds())
    return Rhythm(
        trigger=trigger,
        last_at=moments[0],
        interval=timedelta(seconds=usual.middle),
        patience=timedelta(seconds=max(usual.middle, long_one) + tolerance),
        intervals=len(seconds),
    )
