"""The filters in force as chips: what each says, and the address without it."""

from collections.abc import Mapping
from dataclasses import dataclass

from web.pages.addresses import Arguments, address


@dataclass(frozen=True, slots=True, kw_only=True)
class Chip:
    """One filter; ``text`` is what the address says, which may be anything."""

    label: str
    text: str
    address: str


def chips_of(path: str, arguments: Arguments, labels: Mapping[str, str], *, fragment: str = "") -> list[Chip]:
    """A chip for each value of the arguments that have a label, in the order of the labels."""
    pairs = [(name, text) for name, text in arguments.items(multi=True) if name != "cursor"]
    return [
        Chip(
            label=label,
            text=text,
            address=address(path, Arguments([pair for pair in pairs if pair != (name, text)])) + fragment,
        )
        for name, label in labels.items()
        for text in dict.fromkeys(arguments.getlist(name))
    ]
