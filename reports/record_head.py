"""What the history of a record comes to: how often, since when, how each integration stands with it, its partners.

Told from the actions on it, the latest first. A record fails with an integration while the worst action of that
integration's last run on it is an ERROR; it has failed since the first of the unbroken row of such runs.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby, takewhile
from typing import NamedTuple

from ingest.action import STATUSES, Operation, Status
from query.actions import Action
from reports.flip_flop import FlipFlop, Writer, find_flip_flops, writer_of
from reports.wording import format_datetime, plural, shorten


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """What one run did with the record, its actions the latest first."""

    run_id: str
    writer: Writer
    actions: tuple[Action, ...]

    @property
    def status(self) -> Status:
        return max((action.status for action in self.actions), key=STATUSES.index)

    @property
    def last_at(self) -> datetime:
        return self.actions[0].happened_at

    @property
    def operations(self) -> tuple[Operation, ...]:
        return tuple(dict.fromkeys(action.operation for action in reversed(self.actions)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How one integration and configuration stands with it; ``failing_since`` is None where it does not fail."""

    writer: Writer
    runs: int
    actions: int
    status: Status
    last_at: datetime
    last_good: Action | None
    failing_since: datetime | None
    failing_runs: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Partner:
    """The other record of some of its actions."""

    record_type: str | None
    record_id: str
    name: str | None
    actions: int
    is_source: bool
    """Whether that one is the source, and this one the target."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordHead:
    """The figures of a record. ``is_whole`` is false where there are older actions than these were told from."""

    record_type: str | None
    record_id: str
    names: tuple[str, ...]
    types: tuple[str, ...]
    actions: int
    visits: tuple[Visit, ...]
    standings: tuple[Standing, ...]
    partners: tuple[Partner, ...]
    flip_flops: tuple[FlipFlop, ...]
    first_at: datetime | None
    last_at: datetime | None
    last_good: Action | None
    is_whole: bool

    @property
    def name(self) -> str | None:
        """The latest."""
        return self.names[0] if self.names else None

    @property
    def failing(self) -> tuple[Standing, ...]:
        return tuple(standing for standing in self.standings if standing.failing_since is not None)

    @property
    def failing_since(self) -> datetime | None:
        return min((each.failing_since for each in self.failing if each.failing_since is not None), default=None)

    @property
    def last_error(self) -> Action | None:
        """Why it fails: the latest ERROR of an integration that fails with it."""
        failing = {standing.writer for standing in self.failing}
        actions = (action for visit in self.visits if visit.writer in failing for action in visit.actions)
        return next((action for action in actions if action.status is Status.ERROR), None)

    @property
    def status(self) -> Status | None:
        """The worst of how the integrations stand with it."""
        return max((standing.status for standing in self.standings), key=STATUSES.index, default=None)

    @property
    def outcome(self) -> str:
        """How it is now, in a sentence."""
        if not self.visits:
            return "No action that is kept names this record."
        if not self.failing:
            if self.status is not Status.OK:
                return "It does not fail."
            return f"The last run{' of each integration' if len(self.standings) > 1 else ''} left it OK."
        return " ".join(_failing_sentence(standing, is_whole=self.is_whole) for standing in self.failing)


def build_record_head(
    record_type: str | None, record_id: str, actions: Sequence[Action], *, is_whole: bool
) -> RecordHead:
    """The figures told from these actions on a record, the latest first."""
    visits = _visits_of(actions)
    sides = [pair for action in actions for pair in _sides_of(action, record_type, record_id)]
    return RecordHead(
        record_type=record_type,
        record_id=record_id,
        names=_distinct(own.name for own, _, _ in sides),
        types=_distinct(own.record_type for own, _, _ in sides),
        actions=len(actions),
        visits=visits,
        standings=_standings_of(visits),
        partners=_partners_of(sides),
        flip_flops=find_flip_flops(actions),
        first_at=actions[-1].happened_at if actions else None,
        last_at=actions[0].happened_at if actions else None,
        last_good=_last_good(actions),
        is_whole=is_whole,
    )


def group_by_run(actions: Iterable[Action]) -> tuple[Visit, ...]:
    """Neighbouring actions of one run together, in their order."""
    grouped = [tuple(some) for _, some in groupby(actions, key=lambda action: action.run_id)]
    return tuple(_visit(some) for some in grouped)


def _visits_of(actions: Iterable[Action]) -> tuple[Visit, ...]:
    """All actions of one run together, the run with the latest action first."""
    by_run: dict[str, list[Action]] = {}
    for action in actions:
        by_run.setdefault(action.run_id, []).append(action)
    return tuple(_visit(some) for some in by_run.values())


def _visit(actions: Sequence[Action]) -> Visit:
    return Visit(run_id=actions[0].run_id, writer=writer_of(actions[0]), actions=tuple(actions))


def _standings_of(visits: Iterable[Visit]) -> tuple[Standing, ...]:
    by_writer: dict[Writer, list[Visit]] = {}
    for visit in visits:
        by_writer.setdefault(visit.writer, []).append(visit)
    return tuple(_standing(writer, some) for writer, some in by_writer.items())


def _standing(writer: Writer, visits: Sequence[Visit]) -> Standing:
    failing = list(takewhile(lambda visit: visit.status is Status.ERROR, visits))
    errors = [action for visit in failing[-1:] for action in visit.actions if action.status is Status.ERROR]
    actions = [action for visit in visits for action in visit.actions]
    return Standing(
        writer=writer,
        runs=len(visits),
        actions=len(actions),
        status=visits[0].status,
        last_at=visits[0].last_at,
        last_good=_last_good(actions),
        failing_since=errors[-1].happened_at if errors else None,
        failing_runs=len(failing),
    )


def _last_good(actions: Iterable[Action]) -> Action | None:
    return next((action for action in actions if action.status is Status.OK), None)


class _Side(NamedTuple):
    record_type: str | None
    record_id: str | None
    name: str | None


def _sides_of(action: Action, record_type: str | None, record_id: str) -> Iterator[tuple[_Side, _Side, bool]]:
    """Where the record stands in an action: its own side, the other one, and whether the other is the source."""
    source = _Side(action.source_type, action.source_id, action.source_name)
    target = _Side(action.target_type, action.target_id, action.target_name)
    for own, other, is_source in ((source, target, False), (target, source, True)):
        if own.record_id == record_id and record_type in (None, own.record_type):
            yield own, other, is_source


def _partners_of(sides: Iterable[tuple[_Side, _Side, bool]]) -> tuple[Partner, ...]:
    """The most frequent first; a name is the latest. Both sides may have one id, and then differ in type."""
    counts: Counter[tuple[str | None, str, bool]] = Counter()
    names: dict[tuple[str | None, str, bool], str] = {}
    for own, other, is_source in sides:
        if other.record_id is not None and other[:2] != own[:2]:
            key = (other.record_type, other.record_id, is_source)
            counts[key] += 1
            if other.name:
                names.setdefault(key, other.name)
    return tuple(
        Partner(record_type=key[0], record_id=key[1], name=names.get(key), actions=count, is_source=key[2])
        for key, count in counts.most_common()
    )


def _distinct(texts: Iterable[str | None]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text for text in texts if text))


def _failing_sentence(standing: Standing, *, is_whole: bool) -> str:
    runs = plural(standing.failing_runs, "run")
    at_least = "" if is_whole or standing.last_good else "at least "
    since = f"{at_least}{format_datetime(standing.failing_since)}"
    sentence = f"Fails with {shorten(str(standing.writer), 80)} since {since}, in {runs}"
    if standing.last_good is None:
        return f"{sentence}; it was never OK there." if is_whole else f"{sentence}."
    return f"{sentence}; last good {format_datetime(standing.last_good.happened_at)}."
