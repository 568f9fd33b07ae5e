"""Reading query parameters: text in, our types out, with the parameter's name in every refusal."""

import re
from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from typing import TypeVar

from flask import request

from ingest.action import Operation, Progress, Status, parse_operation, parse_progress, parse_status
from ingest.errors import InvalidInput
from ingest.text_faults import require_texts
from ingest.timestamps import from_microseconds, parse_timestamp
from query.runs import COUNTERS, FigureRange
from web.api.routes import INSTANT, WHOLE, Parameter

LARGEST_PAGE = 1000
Word = TypeVar("Word", bound=StrEnum)

_SPAN_PART = re.compile(r"(\d{1,9}) ?(ms|s|m|h|d)")
_UNIT_US = {"ms": 1000, "s": 1_000_000, "m": 60_000_000, "h": 3_600_000_000, "d": 86_400_000_000}

TRUE_WORDS = frozenset(("true", "1", "yes", "on", ""))
FALSE_WORDS = frozenset(("false", "0", "no", "off"))

SINCE = Parameter(name="since", meaning="not before this time (RFC 3339 or epoch)", schema=INSTANT)
UNTIL = Parameter(name="until", meaning="before this time (RFC 3339 or epoch)", schema=INSTANT)
LIMIT = Parameter(
    name="limit",
    meaning="items on a page",
    schema={**WHOLE, "minimum": 1, "maximum": LARGEST_PAGE, "default": 50},
)
CURSOR = Parameter(name="cursor", meaning="`next_cursor` of the page before")


RANGES = (
    *(
        Parameter(name=f"{counter}_{bound}", meaning=f"at {word} so many {counter}", schema=WHOLE)
        for counter in COUNTERS
        for bound, word in (("min", "least"), ("max", "most"))
    ),
    Parameter(
        name="longer_than", meaning="lasted so long or longer: 90 or 90s, 10m, 1h30m, 2d; only runs that are over"
    ),
    Parameter(name="shorter_than", meaning="lasted so long or shorter; only runs that are over"),
)


def text_of(name: str) -> str | None:
    """The parameter, None when it is missing or empty. Raises InvalidInput for one that no database can look for."""
    text = request.args.get(name) or None
    require_texts({name: text})
    return text


def truth_of(name: str) -> bool:
    """A flag: missing is false, present without a value is true."""
    text = request.args.get(name)
    if text is None or text.lower() in FALSE_WORDS:
        return False
    if text.lower() in TRUE_WORDS:
        return True
    raise InvalidInput(f"{name} is true or false, not {text!r}", field=name)


def limit_of(name: str = "limit", *, default: int = 50) -> int:
    text = text_of(name)
    if text is None:
        return default
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= LARGEST_PAGE:
        raise InvalidInput(f"{name} is a whole number from 1 to {LARGEST_PAGE}, not {text!r}", field=name)
    return int(text)


def instant_of(name: str) -> datetime | None:
    text = text_of(name)
    return None if text is None else read_instant(text, name)


def read_instant(text: str, name: str) -> datetime:
    # A "+" of a zone that was not percent-encoded arrives as a space.
    spelled = f"{text[:-6]}+{text[-5:]}" if len(text) > 20 and text[-6] == " " and text[-3] == ":" else text
    try:
        return from_microseconds(parse_timestamp(spelled))
    except ValueError as error:
        raise InvalidInput(f"{name}: {error}", field=name) from error


def progress_of(name: str = "progress") -> Progress | None:
    text = text_of(name)
    return None if text is None else read_word(text, parse_progress, name)


def status_of(name: str = "status") -> Status | None:
    text = text_of(name)
    return None if text is None else read_word(text, parse_status, name)


def statuses_of(name: str = "status") -> tuple[Status, ...]:
    return tuple(read_word(text, parse_status, name) for text in _listed(name))


def operations_of(name: str = "operation") -> tuple[Operation, ...]:
    return tuple(read_word(text, parse_operation, name) for text in _listed(name))


def ranges_of() -> tuple[FigureRange, ...]:
    """``errors_min=5``, ``processed_max=100``, ``longer_than=10m``, ``shorter_than=90``: counts and durations."""
    counted = [
        FigureRange(figure=name, least=count_of(f"{name}_min"), most=count_of(f"{name}_max")) for name in COUNTERS
    ]
    lasting = FigureRange(figure="duration", least=span_of("longer_than"), most=span_of("shorter_than"))
    return tuple(each for each in (*counted, lasting) if (each.least, each.most) != (None, None))


def count_of(name: str) -> int | None:
    text = text_of(name)
    if text is None:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise InvalidInput(f"{name} is a whole number from 0, not {text[:40]!r}", field=name)
    return int(text)


def span_of(name: str) -> int | None:
    """A length of time in microseconds: 90 are seconds, 10m minutes, 1h30m an hour and a half, 2d days."""
    text = text_of(name)
    if text is None:
        return None
    if text.isascii() and text.isdigit():
        text += "s"
    parts = _SPAN_PART.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text.replace(" ", ""):
        raise InvalidInput(
            f"{name} is seconds or a length of time like 90s, 10m, 1h30m, 2d, not {text[:40]!r}", field=name
        )
    return sum(int(number) * _UNIT_US[unit] for number, unit in parts)


def sort_of(allowed: tuple[str, ...], *, default: str) -> str:
    """A column name, with - in front for descending."""
    text = text_of("sort") or default
    if text.removeprefix("-") not in allowed:
        raise InvalidInput(
            f"cannot sort by {text!r}", field="sort", hint=f"sort by one of {', '.join(allowed)}, - in front reverses"
        )
    return text


def read_word(text: str, parse: Callable[[str], tuple[Word, bool]], name: str) -> Word:
    try:
        return parse(text)[0]
    except ValueError as error:
        raise InvalidInput(f"{name}: {error}", field=name) from error


def _listed(name: str) -> list[str]:
    """Repeated parameters and comma-separated ones alike."""
    return [word for text in request.args.getlist(name) for word in text.split(",") if word.strip()]
