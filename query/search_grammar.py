"""What people type to search: words, "phrases" and ``field:value``, each not wanted with a ``-`` in front.

::

    clause  = ["-"] [field ":"] value {"," value}       commas only where there is a field
    value   = text ["*"] | '"' text '"' ["*"]           in quotes a quote is doubled; * is whatever follows

Any text reads as some clauses, and clauses are spelled as a text that reads as them, so that a link can change one
clause of what somebody typed. What fields there are is not known here.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from query.search_conditions import Wanted

_FIELD = re.compile(r"([A-Za-z_]{2,}):(?!//|\\)(?=\S)")
_BARE = re.compile(r"\S*")
_BARE_IN_LIST = re.compile(r"[^\s,]*")
_QUOTED = re.compile(r'"((?:[^"]|"")*)"?(\*?)')
_MISREAD_IN_LIST = re.compile(r",|^//|^\\")
"""A comma ends a value. What stands before the colon of an address or a path is no field."""
_SPECIAL = re.compile(r'[\s"]|\*$|^-')


@dataclass(frozen=True, slots=True, kw_only=True)
class Clause:
    """One of ``values`` in a field, or in any text where ``name`` is None. ``typed`` is what stood at ``place``."""

    values: tuple[Wanted, ...]
    name: str | None = None
    is_negated: bool = False
    is_quoted: bool = field(default=False, compare=False)
    typed: str = field(default="", compare=False)
    place: int = field(default=0, compare=False)

    def __str__(self) -> str:
        name = "" if self.name is None else f"{self.name}:"
        values = ",".join(_spell(value, is_in_list=self.name is not None) for value in self.values)
        return ("-" if self.is_negated else "") + name + values


def read_clauses(text: str) -> tuple[Clause, ...]:
    """The clauses of what was typed."""
    return tuple(_Reader(text).clauses())


def spell_clauses(clauses: Iterable[Clause]) -> str:
    """The text that reads as these clauses."""
    return " ".join(map(str, clauses))


def narrowed(clauses: Sequence[Clause], name: str, value: str) -> str:
    """The text of the same search with one value of a field alone."""
    others = [clause for clause in clauses if clause.name != name or clause.is_negated]
    return spell_clauses([*others, Clause(name=name, values=(Wanted(text=value),))])


class _Reader:
    """Reads a text from left to right."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def clauses(self) -> Iterator[Clause]:
        while self._skip_spaces():
            if (clause := self._clause()) is not None:
                yield clause

    def _clause(self) -> Clause | None:
        start = self._at
        is_negated = self._text[start] == "-" and not self._text[start + 1 : start + 2].isspace()
        is_negated = is_negated and start + 1 < len(self._text)
        self._at += is_negated
        is_quoted = self._text.startswith('"', self._at)
        found = _FIELD.match(self._text, self._at)
        values = self._listed(found.end()) if found else []
        if found is None or not values:
            found, values = None, [self._value(_BARE)]
        if not _says_something(values[0]):
            return None
        return Clause(
            name=None if found is None else found[1].lower(),
            values=tuple(values),
            is_negated=is_negated,
            is_quoted=is_quoted,
            typed=self._text[start : self._at],
            place=start,
        )

    def _listed(self, start: int) -> list[Wanted]:
        """Values with commas between them; where there are none, nothing is read."""
        before, self._at = self._at, start
        values = [self._value(_BARE_IN_LIST)]
        while self._text[self._at : self._at + 1] == ",":
            self._at += 1
            values.append(self._value(_BARE_IN_LIST))
        known = [value for value in values if _says_something(value)]
        if not known:
            self._at = before
        return known

    def _value(self, bare: re.Pattern[str]) -> Wanted:
        if quoted := _QUOTED.match(self._text, self._at):
            self._at = quoted.end()
            return Wanted(text=quoted[1].replace('""', '"').strip(), is_begun=bool(quoted[2]))
        found = bare.match(self._text, self._at)
        assert found is not None
        self._at = found.end()
        return Wanted(text=found[0].removesuffix("*"), is_begun=found[0].endswith("*"))

    def _skip_spaces(self) -> bool:
        while self._text[self._at : self._at + 1].isspace():
            self._at += 1
        return self._at < len(self._text)


def _says_something(value: Wanted) -> bool:
    return bool(value.text) or value.is_begun


def _spell(value: Wanted, *, is_in_list: bool) -> str:
    """In quotes, where it would not read as itself without."""
    text = value.text
    is_misread = _MISREAD_IN_LIST.search(text) if is_in_list else _FIELD.match(text)
    if _SPECIAL.search(text) or is_misread:
        text = '"' + text.replace('"', '""') + '"'
    return text + ("*" if value.is_begun else "")
