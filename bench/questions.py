"""What is asked of a log of actions, the same of synclog and of whatever else holds the same actions.

An answer is told by a number, the rows of a page or the count asked for: systems that do not tell the same number were
not asked the same thing. Imports little: a rival's process begins with this module.
"""

from dataclasses import dataclass
from enum import StrEnum

PAGE_ROWS = 50
SEARCHED = ("message", "code", "source_name", "target_name", "source_id", "target_id")
"""Where a search looks."""


class Kind(StrEnum):
    """The kinds of question; the value is how the page names them."""

    RUNS = "run list, with sums for each run"
    ERRORS = "one run's errors, first page"
    RECORD = "one record id"
    NAME = "one name, by its words"
    FRAGMENT = "part of an id, anywhere in the text"
    PHRASE = "count of messages with a phrase, by SQL"
    STATUSES = "group by run and status, by SQL"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """``text`` is what is looked for: an id, a name, a piece of text, a run; empty where nothing is."""

    kind: Kind
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One answer: milliseconds it took where it was made, and its number."""

    milliseconds: float
    number: int
