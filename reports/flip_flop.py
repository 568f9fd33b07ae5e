"""Values and records that go to and fro: two writers that overwrite each other, or one whose work never stays.

Told from what was written without an error, oldest first, to the record that was written: the target of an action,
else its source. A field flips between two values when three changes in a row are between just these two; a change
nobody recorded shows in what the next one found. Writers that do not say what they changed are known by taking turns.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from ingest.action import Operation, Status
from query.actions import Action
from reports.changes import Change, changes_of
from reports.wording import format_datetime, plural, shorten

FEWEST_CHANGES = 3
FEWEST_TURNS = 4
EXISTENCE = "existence"
"""Stands for a field where a record is created and deleted."""

_THERE, _GONE = "created", "deleted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Writer:
    """An integration and configuration."""

    integration: str | None
    configuration: str | None

    def __str__(self) -> str:
        name = self.integration or "an unknown integration"
        return f"{name} {self.configuration}" if self.configuration else name


@dataclass(frozen=True, slots=True, kw_only=True)
class FlipFlop:
    """What goes to and fro. ``field`` is None where writers only take turns; then ``values`` is empty.

    ``writers`` are in the order of ``values``: who wrote which; one writer alone may have written both.
    """

    field: str | None
    values: tuple[str | None, ...]
    writers: tuple[tuple[Writer, ...], ...]
    changes: int
    first_at: datetime
    last_at: datetime
    run_ids: tuple[str, ...]
    """Newest first."""

    @property
    def sentence(self) -> str:
        return f"{self._what}: {plural(self.changes, 'time')} from {format_datetime(self.first_at)} on."

    @property
    def _what(self) -> str:
        if self.field is None:
            return f"{_named(self.writers[0])} and {_named(self.writers[1])} write this record in turn"
        if self.field == EXISTENCE:
            return self._existence
        name, (first, second) = shorten(self.field, 80), map(_quoted, self.values)
        if not self.writers[0]:
            return f"{_named(self.writers[1])} finds {name} at {first} and sets it to {second} again and again"
        if self.writers[0] == self.writers[1]:
            return f"{_named(self.writers[0])} sets {name} to {first} and back to {second}"
        return f"{_named(self.writers[0])} sets {name} to {first}, {_named(self.writers[1])} sets it to {second}"

    @property
    def _existence(self) -> str:
        by_value = dict(zip(self.values, self.writers, strict=True))
        created, deleted = by_value[_THERE], by_value[_GONE]
        if not deleted:
            return f"{_named(created)} creates this record again and again"
        if not created:
            return f"{_named(deleted)} deletes this record again and again"
        if created == deleted:
            return f"{_named(created)} creates and deletes this record in turn"
        return f"{_named(created)} creates this record, {_named(deleted)} deletes it"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Written:
    """One change of one field, and who made it when."""

    action: Action
    change: Change

    @property
    def values(self) -> frozenset[str | None]:
        return frozenset((self.change.before, self.change.after))


def find_flip_flops(actions: Iterable[Action]) -> tuple[FlipFlop, ...]:
    """What goes to and fro in the actions on a record, the latest first."""
    written = [each for each in actions if each.status is not Status.ERROR and each.operation is not Operation.NONE]
    written.sort(key=lambda each: (each.happened_at, each.batch_id, each.row))
    found = [flip for some in _by_record(written) for flip in _of_one_record(some)]
    return tuple(sorted(found, key=lambda flip: flip.last_at, reverse=True))


def _by_record(actions: Sequence[Action]) -> Iterator[list[Action]]:
    records: dict[tuple[str | None, str | None], list[Action]] = {}
    for action in actions:
        source, target = (action.source_type, action.source_id), (action.target_type, action.target_id)
        records.setdefault(target if action.target_id else source, []).append(action)
    yield from records.values()


def _of_one_record(actions: Sequence[Action]) -> list[FlipFlop]:
    fields: dict[str, list[_Written]] = {}
    named: dict[Writer, set[str]] = {}
    for action in actions:
        for change in _changes_in(action):
            fields.setdefault(change.field, []).append(_Written(action=action, change=change))
            named.setdefault(writer_of(action), set()).add(change.field)
    flips = [flip for some in fields.values() if (flip := _of_field(some)) is not None]
    return flips or [turn for turn in [_of_turns(actions, named)] if turn is not None]


def _changes_in(action: Action) -> Iterator[Change]:
    if action.operation is Operation.UPDATE:
        yield from changes_of(action.details)
    else:
        is_created = action.operation is Operation.CREATE
        before, after = (_GONE, _THERE) if is_created else (_THERE, _GONE)
        yield Change(field=EXISTENCE, before=before, after=after)


def _of_field(written: Sequence[_Written]) -> FlipFlop | None:
    """The latest stretch of changes between the same two values that is long enough."""
    stretches = [list(some) for _, some in groupby(written, key=lambda each: each.values)]
    long = [some for some in stretches if len(some) >= FEWEST_CHANGES]
    if not long:
        return None
    stretch = long[-1]
    first = stretch[0].change
    values = (first.before, first.after)
    return FlipFlop(
        field=first.field,
        values=values,
        writers=tuple(_writers(each.action for each in stretch if each.change.after == value) for value in values),
        changes=len(stretch),
        first_at=stretch[0].action.happened_at,
        last_at=stretch[-1].action.happened_at,
        run_ids=_runs(each.action for each in stretch),
    )


def _of_turns(actions: Sequence[Action], named: dict[Writer, set[str]]) -> FlipFlop | None:
    """Two writers in turn, unless each says which fields it writes and none of them is the other's."""
    turns = [list(some) for _, some in groupby(actions, key=writer_of)]
    latest = turns[-1:]
    for turn in reversed(turns[:-1]):
        if len(latest) > 1 and writer_of(turn[0]) != writer_of(latest[-2][0]):
            break
        latest.append(turn)
    if len(latest) < FEWEST_TURNS:
        return None
    first, second = writer_of(latest[-1][0]), writer_of(latest[-2][0])
    if named.get(first) and named.get(second) and not named[first] & named[second]:
        return None
    concerned = [action for turn in reversed(latest) for action in turn]
    return FlipFlop(
        field=None,
        values=(),
        writers=((first,), (second,)),
        changes=len(latest),
        first_at=concerned[0].happened_at,
        last_at=concerned[-1].happened_at,
        run_ids=_runs(concerned),
    )


def writer_of(action: Action) -> Writer:
    return Writer(integration=action.integration, configuration=action.configuration)


def _writers(actions: Iterable[Action]) -> tuple[Writer, ...]:
    return tuple(dict.fromkeys(map(writer_of, actions)))


def _runs(actions: Iterable[Action]) -> tuple[str, ...]:
    return tuple(reversed(dict.fromkeys(action.run_id for action in actions)))


def _named(writers: Sequence[Writer]) -> str:
    return " or ".join(shorten(str(writer), 80) for writer in writers)


def _quoted(value: str | None) -> str:
    return "nothing" if value is None else f"“{shorten(value, 60)}”"
