"""Where in a statement DuckDB found a mistake, and which name was most likely meant.

DuckDB shows the line and marks the place below it with carets; long lines it shows in part. Of a name it does not know
it often says only the name, so that is looked up in the statement.
"""

import re
from dataclasses import dataclass
from difflib import get_close_matches

from query.sql_views import SQL_VIEWS

_MARKED = re.compile(r"^(LINE (\d+): )(.*)\n( *)(\^+)", re.MULTILINE)
_UNKNOWN = re.compile(r'(?:Referenced column|have a column named|syntax error at or near|Referenced table) "([^"]+)"')
_NO_SUCH = re.compile(r"(?:Table|Function|Type) with name \"?([\w.]+)\"? does not exist")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """A place in a statement, counted from 1, and the hint, where there is one."""

    line: int
    column: int
    length: int
    hint: str | None = None


def find_mistake(message: str, sql: str) -> Mistake | None:
    """What the words of DuckDB point at; None where they point at nothing."""
    name = next((found[1] for pattern in (_UNKNOWN, _NO_SUCH) if (found := pattern.search(message))), None)
    hint = _hint_for(name, sql) if name and "syntax error" not in message else None
    lines = sql.split("\n")
    if (marked := _MARKED.search(message)) and (place := _place_of(marked, lines)):
        return Mistake(line=place[0], column=place[1], length=len(marked[5]), hint=hint)
    if name and (found := re.search(rf"(?<![\w.']){re.escape(name)}(?!\w)|(?<=\.){re.escape(name)}(?!\w)", sql, re.I)):
        before = sql[: found.start()]
        column = found.start() - (before.rfind("\n") + 1) + 1
        return Mistake(line=before.count("\n") + 1, column=column, length=len(name), hint=hint)
    return None


def _place_of(marked: re.Match[str], lines: list[str]) -> tuple[int, int] | None:
    number, shown, caret = int(marked[2]), marked[3], len(marked[4]) - len(marked[1])
    if not 1 <= number <= len(lines):
        return None
    cut = 3 if shown.startswith("...") else 0
    start = lines[number - 1].find(shown[cut:].removesuffix("...")) if cut or shown.endswith("...") else 0
    return (number, max(start, 0) + caret - cut + 1)


def _hint_for(name: str, sql: str) -> str | None:
    named = sql.lower()
    views = [view for view in SQL_VIEWS if re.search(rf"\b{view.name}\b", named)]
    near = get_close_matches(name.lower(), [column for view in views for column in view.columns], n=3, cutoff=0.6)
    if near:
        return f"did you mean {' or '.join(dict.fromkeys(near))}?"
    if not views:
        return f"there are the views {', '.join(view.name for view in SQL_VIEWS)}"
    return f"columns of {views[0].name}: {', '.join(views[0].columns)}"
