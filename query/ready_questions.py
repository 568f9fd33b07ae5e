"""Questions that people ask of any lake, ready to be run: the files of ``questions/``, and how their answer is drawn.

The first comment of a file begins with the question; ``-- chart: bars of COLUMN over COLUMN by COLUMN`` names a chart.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

_CHART = re.compile(r"^-- chart: (bars|stacked bars|line) of (\w+) over (\w+)(?: by (\w+))?$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartChoice:
    """How a result is drawn: one column over another, split by a third."""

    kind: str
    amount: str | None = None
    over: str | None = None
    by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadyQuestion:
    """A question and the statement that answers it."""

    name: str
    question: str
    sql: str
    chart: ChartChoice | None


def find_question(name: str) -> ReadyQuestion | None:
    return next((each for each in list_questions() if each.name == name), None)


@cache
def list_questions() -> Sequence[ReadyQuestion]:
    """All of them, by question."""
    folder = files("query").joinpath("questions")
    texts = {each.name.removesuffix(".sql"): each.read_text(encoding="utf-8") for each in folder.iterdir()}
    questions = [_read(name, text) for name, text in texts.items()]
    return tuple(sorted(questions, key=lambda each: each.question))


def _read(name: str, text: str) -> ReadyQuestion:
    question, _, _ = text.removeprefix("-- ").partition("?")
    sql = "".join(line for line in text.splitlines(keepends=True) if not line.startswith("-- chart:"))
    found = _CHART.search(text)
    chart = ChartChoice(kind=found[1], amount=found[2], over=found[3], by=found[4]) if found else None
    return ReadyQuestion(name=name, question=f"{question}?", sql=sql.strip(), chart=chart)
