"""Every integration and configuration with what needs attention about it, most urgent first.

What was learned of their runs is kept, and learned anew only when the index has changed: for two thousand
configurations that takes a second or two, for seven ten milliseconds. A long look is used for a while even so, so that
lakes which never rest do not spend their time on it.
"""

import threading
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from ingest.index_tables import batches
from ingest.timestamps import to_microseconds
from query.flags import Finding, Flag, Learned, examine, learn
from query.lake_view import LakeView
from query.open_problems import find_open_problems
from query.paging import Page, page_of, read_cursor
from query.problem_states import ProblemState
from query.problems import OpenProblems, count_states
from query.recent_runs import Configured, RecentRun, list_last_successes, list_recent_runs

LONG_LOOK_SECONDS = 0.1
LOOKS_USED_FOR = 20
"""A long look is used for so many times its own length."""


class Group(StrEnum):
    """What an overview can be narrowed down to: one flag, or several of them, or none."""

    ATTENTION = "attention"
    HEALTHY = "healthy"
    UNUSUAL = "unusual"
    STUCK = Flag.STUCK.value
    FAILED = Flag.FAILED.value
    OVERDUE = Flag.OVERDUE.value
    QUIET = Flag.QUIET.value
    FEWER = Flag.FEWER.value
    ERRORS = Flag.ERRORS.value
    LONGER = Flag.LONGER.value


_UNUSUAL = frozenset((Flag.QUIET, Flag.FEWER, Flag.ERRORS, Flag.LONGER))


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """One integration and configuration: its latest runs, newest first, and what needs attention."""

    integration: str
    configuration: str | None
    runs: tuple[RecentRun, ...]
    findings: tuple[Finding, ...]
    last_success_at: datetime | None
    next_expected_at: datetime | None
    open_problems: OpenProblems

    @property
    def last(self) -> RecentRun:
        return self.runs[0]

    @property
    def place(self) -> tuple[int, int, str, str]:
        """Among all: the most urgent flag first, then the latest run."""
        urgency = _URGENCY[self.findings[0].flag] if self.findings else len(_URGENCY)
        return urgency, -to_microseconds(self.last.begun_at), self.integration, self.configuration or ""

    @property
    def groups(self) -> set[Group]:
        """What it can be found under in an overview."""
        if not self.findings:
            return {Group.HEALTHY}
        flags = [finding.flag for finding in self.findings]
        groups = {Group.ATTENTION, *(Group(flag.value) for flag in flags)}
        return groups | {Group.UNUSUAL} if _UNUSUAL.intersection(flags) else groups


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchFilter:
    """Which of them; what is None does not matter. ``q`` is text in integration or configuration."""

    group: Group | None = None
    q: str | None = None

    def chooses(self, watched: Watched) -> bool:
        if self.group is not None and self.group not in watched.groups:
            return False
        names = f"{watched.integration}\n{watched.configuration or ''}"
        return not self.q or self.q.casefold() in names.casefold()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    """What was learned at one time, and of which state of the index."""

    state: tuple[Any, ...]  # of several types, only ever compared
    learned: dict[Configured, Learned]
    last_successes: Mapping[Configured, datetime]
    problem_states: Mapping[tuple[str, str, str], ProblemState]
    used_until: float


class Watch:
    """The integrations of one lake. Safe for many threads."""

    def __init__(self, view: LakeView) -> None:
        self._view = view
        self._lock = threading.Lock()
        self._look: _Look | None = None

    def list_watched(self, now: datetime, *, leave_out: Collection[tuple[str, str]] = ()) -> list[Watched]:
        """All of them, most urgent first, then the one that ran last.

        ``leave_out`` are integrations and problem ids that do not count as open.
        """
        look = self._latest_look()
        problems = count_states(look.problem_states, leave_out=leave_out)
        watched = [
            Watched(
                integration=configured[0],
                configuration=configured[1],
                runs=learned.runs,
                findings=examine(learned, now),
                last_success_at=look.last_successes.get(configured),
                next_expected_at=learned.next_expected_at(now),
                open_problems=problems.get(configured, OpenProblems()),
            )
            for configured, learned in look.learned.items()
        ]
        return sorted(watched, key=lambda each: each.place)

    def _latest_look(self) -> _Look:
        """While one thread looks anew, others use what is known."""
        known = self._look
        if not self._lock.acquire(blocking=known is None):
            assert known is not None
            return known
        try:
            look = self._look = self._current_look()
            return look
        finally:
            self._lock.release()

    def _current_look(self) -> _Look:
        known, moment = self._look, time.monotonic()
        if known is not None and moment < known.used_until:
            return known
        state = self._state()
        return known if known is not None and known.state == state else self._learn(state, moment)

    def _state(self) -> tuple[Any, ...]:
        """Changes whenever a run does: whatever is said of one comes in a batch."""
        figures: list[sa.ColumnElement[Any]] = [sa.func.count(), sa.func.max(batches.c.batch_id)]
        sums = [sa.func.sum(batches.c.rows), sa.func.sum(batches.c.bytes)]
        return tuple(self._view.select(sa.select(*figures, *sums).select_from(batches))[0])

    def _learn(self, state: tuple[Any, ...], begun: float) -> _Look:
        recent = list_recent_runs(self._view)
        learned = {configured: learn(each) for configured, each in recent.items()}
        last_successes = self._last_successes(recent)
        problem_states = find_open_problems(self._view)
        now = time.monotonic()
        is_long = now - begun > LONG_LOOK_SECONDS
        return _Look(
            state=state,
            learned=learned,
            last_successes=last_successes,
            problem_states=problem_states,
            used_until=now + LOOKS_USED_FOR * (now - begun) if is_long else now,
        )

    def _last_successes(self, recent: Mapping[Configured, Sequence[RecentRun]]) -> Mapping[Configured, datetime]:
        """From the latest runs; only where one has none of these, all runs are asked."""
        known = {
            configured: next((run.begun_at for run in each if run.has_succeeded), None)
            for configured, each in recent.items()
        }
        longer_ago = list_last_successes(self._view) if None in known.values() else {}
        return {**longer_ago, **{configured: moment for configured, moment in known.items() if moment is not None}}


def find_watched(
    watched: Sequence[Watched], watch_filter: WatchFilter, *, limit: int = 50, cursor: str | None = None
) -> Page[Watched]:
    """A page of those the filter chooses, in the order they are given in."""
    found = [each for each in watched if watch_filter.chooses(each)]
    if cursor is not None:
        place = tuple(read_cursor(cursor, int, int, str, str))
        found = [each for each in found if each.place > place]
    return page_of(found[: limit + 1], limit, lambda each: each.place)


_URGENCY = {flag: place for place, flag in enumerate(Flag)}
