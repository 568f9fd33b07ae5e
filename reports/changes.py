"""What an action changed in its record, field by field, read from its details.

Senders say it in a few shapes: ``before`` and ``after`` as objects or as one value of a ``field``; ``changes`` (or
``modifiedProperties``) as a list of fields, or as an object of fields, each with its two values. What says only the new
value is no change here: nobody knows what it was before.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

VALUE = "value"
"""What the field is called where a sender says only how it was before and after."""

_LISTS = ("changes", "changed_fields", "modifiedProperties", "diff")
_NAMES = ("field", "name", "displayName", "property", "attribute", "column", "path")
_PAIRS = (
    ("before", "after"),
    ("old", "new"),
    ("from", "to"),
    ("old_value", "new_value"),
    ("oldValue", "newValue"),
    ("previous", "current"),
)
_DEEPEST = 6
"""Objects in objects become names with dots so far; what lies deeper is compared as a whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One field and its two values as text; what is no text is JSON, None is nothing."""

    field: str
    before: str | None
    after: str | None


def changes_of(details: str | None) -> tuple[Change, ...]:
    """What changed, in the order of the details, each field once; empty where they do not say so."""
    if details is None:
        return ()
    try:
        said = json.loads(details)
        changes = tuple(_changes_in(said)) if isinstance(said, dict) else ()
    except (ValueError, RecursionError):  # a value may be as deep as Python can read, and too deep to be written
        return ()
    return tuple({change.field: change for change in changes if change.before != change.after}.values())


def _changes_in(said: Mapping[str, object]) -> Iterator[Change]:
    for name in _LISTS:
        listed = said.get(name)
        if isinstance(listed, list):
            yield from _of_list(listed)
        elif isinstance(listed, dict):
            yield from _of_fields(listed)
    for before, after in _PAIRS[:2]:  # the other pairs are everyday words that may mean anything here
        if before in said and after in said:
            yield from _compare(_name_in(said) or "", said[before], said[after])


def _of_list(listed: list[object]) -> Iterator[Change]:
    for each in listed:
        if isinstance(each, dict) and (name := _name_in(each)) and (pair := _pair_in(each)) is not None:
            yield from _compare(name, *pair)


def _of_fields(fields: Mapping[str, object]) -> Iterator[Change]:
    if "before" in fields and "after" in fields:
        yield from _compare("", fields["before"], fields["after"])
        return
    for name, values in fields.items():
        if isinstance(values, dict) and (pair := _pair_in(values)) is not None:
            yield from _compare(name, *pair)
        elif isinstance(values, list) and len(values) == 2:
            yield from _compare(name, *values)


def _name_in(said: Mapping[str, object]) -> str | None:
    names = (said.get(name) for name in _NAMES)
    return next((name for name in names if isinstance(name, str) and name), None)


def _pair_in(said: Mapping[str, object]) -> tuple[object, object] | None:
    """The two values; one that is missing beside the other is nothing."""
    return next(((said.get(a), said.get(b)) for a, b in _PAIRS if a in said or b in said), None)


def _compare(name: str, before: object, after: object, depth: int = 0) -> Iterator[Change]:
    """One change, or, of objects, one a field that lies in either."""
    objects = [each for each in (before, after) if isinstance(each, dict) and each]
    if depth >= _DEEPEST or not objects or not all(each is None or isinstance(each, dict) for each in (before, after)):
        yield Change(field=name or VALUE, before=_text_of(before), after=_text_of(after))
        return
    old, new = (each if isinstance(each, dict) else {} for each in (before, after))
    for key in {**old, **new}:
        yield from _compare(f"{name}.{key}" if name else key, old.get(key), new.get(key), depth + 1)


def _text_of(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)
