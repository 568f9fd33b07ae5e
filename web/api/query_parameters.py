"""Reading query parameters: text in, our types out, with the parameter's name in every refusal."""

from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from typing import TypeVar

from flask import request

from ingest.action import Operation, Progress, Status, parse_operation, parse_progress, parse_status
from ingest.errors import InvalidInput
from ingest.timestamps import from_microseconds, parse_timestamp
from web.api.routes import INSTANT, WHOLE, Parameter

LARGEST_PAGE = 1000
Word = TypeVar("Word", bound=StrEnum)

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


def text_of(name: str) -> str | None:
    """The parameter, None when it is missing or empty."""
    return request.args.get(name) or None


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
