"""Problems in words: their states, how many records they touched, what people keep of them."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from ingest.action import Status
from ingest.problem_notes import ProblemNote
from query.problem_states import ProblemState
from reports.wording import format_count, format_date, plural

STATE_WORDS = {
    ProblemState.NEW: "in no run before",
    ProblemState.REGRESSED: "was gone, has come back",
    ProblemState.PERSISTING: "was there before, and still is",
    ProblemState.RESOLVED: "a later complete run was without it",
}


def state_label(state: ProblemState) -> str:
    return state.value.capitalize()


def state_words(state: ProblemState) -> str:
    """What a state means, in a few words."""
    return STATE_WORDS[state]


def records_phrase(count: int, is_exact: bool) -> str:
    """How many records, "about" where that is a guess."""
    return plural(count, "record") if is_exact else f"about {plural(_rounded(count), 'record')}"


def records_figure(count: int, is_exact: bool) -> str:
    return format_count(count) if is_exact else f"~{format_count(_rounded(count))}"


def note_marks(note: ProblemNote | None, now: datetime) -> list[str]:
    """What people keep of a problem, each in a word or two."""
    if note is None:
        return []
    marks = ["expected"] if note.is_expected else []
    if note.muted_until is not None and note.is_muted(now):
        last_day = note.muted_until - timedelta(microseconds=1)
        marks.append(f"muted until {format_date(last_day)}")
    return marks


def ticket_address(ticket: str | None) -> str | None:
    """Where a ticket leads, when it is an address and nothing else."""
    said = (ticket or "").strip()
    return said if said.startswith(("http://", "https://")) and not any(c.isspace() for c in said) else None


def trend_words(trend: Sequence[tuple[int, Status | None]]) -> str:
    """What the small chart of a problem shows."""
    hit = sum(1 for count, _ in trend if count)
    last = f"{format_count(trend[-1][0])} times in the last" if trend and trend[-1][0] else "not in the last"
    return f"In {hit} of the latest {plural(len(trend), 'run')}, {last}."


def _rounded(count: int) -> int:
    """To two digits: a guess promises no more."""
    digits = max(len(str(count)) - 2, 0)
    return int(round(count, -digits))


PROBLEM_FILTERS: Mapping[str, Callable[..., Any]] = {  # filters take and give whatever they are about
    function.__name__: function
    for function in (state_label, state_words, records_phrase, records_figure, note_marks, ticket_address)
}
