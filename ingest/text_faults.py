"""What no text may have: PostgreSQL keeps no NUL characters, and UTF-8 has no halves of surrogate pairs."""

import re
from collections.abc import Iterator, Mapping

from ingest.errors import InvalidInput

_HALF = re.compile("[\ud800-\udfff]")


def fault_of(text: str) -> str | None:
    """What is wrong with a text, as a predicate; None when nothing is."""
    if "\0" in text:
        return "has a NUL character"
    if not text.isascii() and _HALF.search(text):
        return "has half of a surrogate pair"
    return None


def cleaned(text: str) -> str:
    """The text with a question mark in place of each."""
    return text if fault_of(text) is None else _HALF.sub("?", text.replace("\0", "?"))


def require_texts(said: Mapping[str, object]) -> None:
    """Raises InvalidInput naming the field whose text, or a text inside whose JSON value, is at fault."""
    for name, value in said.items():
        fault = next((fault for text in _texts_in(value) if (fault := fault_of(text))), None)
        if fault:
            raise InvalidInput(f"{name} {fault}", field=name)


def _texts_in(value: object) -> Iterator[str]:
    left = [value]
    while left:
        each = left.pop()
        if isinstance(each, str):
            yield each
        elif isinstance(each, Mapping):
            left += [*each.keys(), *each.values()]
        elif isinstance(each, list):
            left += each
