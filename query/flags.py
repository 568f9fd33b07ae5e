"""Why an integration needs attention: its last runs held against what is usual for it. Pure; the clock comes in.

A flag says which figure is unusual, what it is and what it usually is, so that people can judge for themselves.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from ingest.action import Progress, Status
from query.habits import Habits, Rhythm, Usual, learn_habits, learn_rhythms
from query.recent_runs import RecentRun

QUIET_FOR = timedelta(hours=1)
"""A run that says RUNNING and was not heard of for longer than this most likely died without a word."""

FAR = 4.0
"""Robust standard deviations from the middle that are unusual."""

FEWEST_TO_MISS = 10
"""Records usually seen, below which fewer of them say nothing."""

LONGER_BY = 30.0
"""Seconds by which a run must be late to be called long."""

MORE_ERRORS_BY = 5

GIVEN_UP_AFTER = 10
"""Intervals without a run of a trigger, while other triggers go on, after which it is expected no more."""

USUALLY = 0.9
"""The part of earlier runs that must have moved something for a run that did not to be odd."""


class Flag(StrEnum):
    """What needs attention, most urgent first."""

    STUCK = "stuck"
    FAILED = "failed"
    OVERDUE = "overdue"
    QUIET = "quiet"
    FEWER = "fewer"
    ERRORS = "errors"
    LONGER = "longer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One flag and why. Figures are counts or seconds; ``runs`` is how many earlier runs ``usual`` is from."""

    flag: Flag
    run: RecentRun
    measured: float = 0
    usual: float = 0
    runs: int = 0
    trigger: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """All that the runs of one integration and configuration say, whatever the time is."""

    runs: tuple[RecentRun, ...]
    """Newest first; never none."""
    rhythms: tuple[Rhythm, ...]
    habits: Habits | None
    """Of runs like the last one, where that is not over."""
    timeless: tuple[Finding, ...]
    """Of the last outcome: what is over does not change with the clock."""

    @property
    def last(self) -> RecentRun:
        return self.runs[0]

    def rhythms_at(self, now: datetime) -> Iterator[Rhythm]:
        """Those still kept, the next to come first: a trigger long missed, while others run, was given up."""
        for rhythm in self.rhythms:
            has_others = rhythm.last_at < self.last.begun_at
            if not (has_others and now > rhythm.last_at + GIVEN_UP_AFTER * rhythm.interval):
                yield rhythm

    def next_expected_at(self, now: datetime) -> datetime | None:
        return next((rhythm.next_at for rhythm in self.rhythms_at(now)), None)


def learn(runs: Sequence[RecentRun]) -> Learned:
    """Runs of one integration and configuration, newest first."""
    last, settled = runs[0], next((run for run in runs if run.progress.is_over), None)
    return Learned(
        runs=tuple(runs),
        rhythms=learn_rhythms(runs),
        habits=None if last is settled else learn_habits(last, runs),
        timeless=(*_of_failures(last, settled), *_of_settled(settled, runs)),
    )


def examine(learned: Learned, now: datetime) -> tuple[Finding, ...]:
    """Everything that needs attention, most urgent first; nothing when all is as usual."""
    findings = [*learned.timeless, *_of_unfinished(learned, now), *_of_rhythms(learned, now)]
    return tuple(sorted(findings, key=lambda finding: _URGENCY[finding.flag])) if findings else ()


_URGENCY = {flag: place for place, flag in enumerate(Flag)}


def _of_failures(last: RecentRun, settled: RecentRun | None) -> Iterator[Finding]:
    """One at most: that of the run under way, or else of the last one that is over."""
    for run in filter(None, (last, settled)):
        if run.status is Status.ERROR or run.progress is Progress.ABORTED:
            yield Finding(flag=Flag.FAILED, run=run, measured=run.errors)
            return


def _of_unfinished(learned: Learned, now: datetime) -> Iterator[Finding]:
    run = learned.last
    if run.progress.is_over:
        return
    silence = now - run.last_sign_at
    if silence > QUIET_FOR:
        if not _never_says_its_end(learned.runs[1:], now):
            yield Finding(flag=Flag.STUCK, run=run, measured=silence.total_seconds())
    elif learned.habits is not None:
        yield from _longer(run, (now - run.begun_at).total_seconds(), learned.habits.seconds)


def _never_says_its_end(earlier: Sequence[RecentRun], now: datetime) -> bool:
    """Whether runs that just stop are the habit of this sender."""
    unseen = sum(not run.progress.is_over and now - run.last_sign_at > QUIET_FOR for run in earlier)
    return len(earlier) >= 3 and 2 * unseen > len(earlier)


def _of_rhythms(learned: Learned, now: datetime) -> Iterator[Finding]:
    for rhythm in learned.rhythms_at(now):
        if now > rhythm.late_at:
            yield Finding(
                flag=Flag.OVERDUE,
                run=learned.last,
                measured=(now - rhythm.next_at).total_seconds(),
                usual=rhythm.interval.total_seconds(),
                runs=rhythm.intervals,
                trigger=rhythm.trigger,
            )


def _of_settled(run: RecentRun | None, runs: Sequence[RecentRun]) -> Iterator[Finding]:
    """Of the last run that is over, against earlier ones."""
    habits = None if run is None else learn_habits(run, runs)
    if run is None or habits is None:
        return
    usual = habits.processed
    few = usual.middle - max(FAR * usual.spread, usual.middle / 2)
    if usual.middle >= FEWEST_TO_MISS and run.processed < few:
        yield _compared(Flag.FEWER, run, run.processed, usual)
    elif not run.moved and run.status is not Status.ERROR and habits.moving >= USUALLY * habits.runs:
        yield Finding(flag=Flag.QUIET, run=run, usual=habits.moving, runs=habits.runs)
    if run.errors > habits.errors.middle + max(FAR * habits.errors.spread, habits.errors.middle / 2, MORE_ERRORS_BY):
        yield _compared(Flag.ERRORS, run, run.errors, habits.errors)
    if run.duration is not None:
        yield from _longer(run, run.duration.total_seconds(), habits.seconds)


def _longer(run: RecentRun, seconds: float, usual: Usual) -> Iterator[Finding]:
    if seconds > usual.middle + max(FAR * usual.spread, usual.middle, LONGER_BY):
        yield _compared(Flag.LONGER, run, seconds, usual)


def _compared(flag: Flag, run: RecentRun, measured: float, usual: Usual) -> Finding:
    return Finding(flag=flag, run=run, measured=measured, usual=usual.middle, runs=usual.values)
