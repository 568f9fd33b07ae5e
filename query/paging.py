"""Pages that go on where the last one ended, however many rows arrived in between.

A cursor holds the sort values of the last row of a page, so the next page is a condition, not an offset: the
thousandth page costs as much as the first. One row more than asked for tells whether there is a next page; nothing
is counted.
"""

import binascii
import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from ingest.errors import InvalidInput

T = TypeVar("T")

CursorValue = str | int | None

_LARGEST_INTEGER = 2**63 - 1  # what a database takes
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")  # JSON can say one, a database cannot take it


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[T]):
    """Some rows, and where the next page starts: None on the last one."""

    items: list[T]
    next_cursor: str | None


def page_of(rows: Sequence[T], limit: int, position_of: Callable[[T], Sequence[CursorValue]]) -> Page[T]:
    """The page that ``limit + 1`` rows asked for make up."""
    items = list(rows[:limit])
    more = len(rows) > limit and items
    return Page(items=items, next_cursor=write_cursor(position_of(items[-1])) if more else None)


def write_cursor(position: Sequence[CursorValue]) -> str:
    """A position as text that can stand in an address."""
    return urlsafe_b64encode(json.dumps(list(position), separators=(",", ":")).encode()).decode().rstrip("=")


def read_cursor(cursor: str, *kinds: type | tuple[type, ...]) -> list[CursorValue]:
    """The position a cursor stands for, each value of its kind. InvalidInput when it is not one of ours."""
    try:
        position = json.loads(urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4)))
    except (ValueError, binascii.Error, RecursionError) as error:
        raise _not_ours(cursor) from error
    if not isinstance(position, list) or len(position) != len(kinds):
        raise _not_ours(cursor)
    if not all(_is(value, kind) for value, kind in zip(position, kinds, strict=True)):
        raise _not_ours(cursor)
    return position


def _is(value: object, kind: type | tuple[type, ...]) -> bool:
    if isinstance(value, bool) or (isinstance(value, int) and abs(value) > _LARGEST_INTEGER):
        return False
    return isinstance(value, kind) and not (isinstance(value, str) and _LONE_SURROGATE.search(value))


def _not_ours(cursor: str) -> InvalidInput:
    shown = cursor if len(cursor) <= 40 else cursor[:40] + "…"
    return InvalidInput(
        f"{shown!r} is not a cursor of this list", field="cursor", hint="leave it out to start at the first page"
    )
