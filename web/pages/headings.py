"""Column headings that sort: where a click leads, and what a screen reader says of the present order."""

from collections.abc import Iterable
from dataclasses import dataclass

from web.pages.addresses import Arguments, address


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    """One heading; ``order`` is a value of aria-sort."""

    label: str
    address: str
    order: str


def headings_of(
    columns: Iterable[tuple[str, str, bool]], *, sort: str, path: str, arguments: Arguments
) -> tuple[Heading, ...]:
    """Headings of (label, what it sorts by, largest first); sorting anew goes back to the first page."""
    return tuple(
        Heading(
            label=label,
            address=address(path, arguments, {"sort": _next_sort(name, sort, descends), "cursor": None}),
            order=_order(name, sort),
        )
        for label, name, descends in columns
    )


def _next_sort(name: str, sort: str, descends: bool) -> str:
    if sort == name:
        return f"-{name}"
    if sort == f"-{name}":
        return name
    return f"-{name}" if descends else name


def _order(name: str, sort: str) -> str:
    return {name: "ascending", f"-{name}": "descending"}.get(sort, "none")
