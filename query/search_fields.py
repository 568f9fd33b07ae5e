"""The fields of a search: what they are called, what they look at, and a search made of what somebody typed."""

import difflib
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from ingest.action import Operation, Status, parse_operation, parse_status
from ingest.errors import InvalidInput
from ingest.timestamps import from_microseconds, parse_timestamp
from query.search import Search
from query.search_conditions import RECORD_COLUMNS, Comparison, Condition, Wanted
from query.search_grammar import Clause, read_clauses
from query.search_terms import SEARCHED_COLUMNS


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A field by its name, the columns it looks at, what it means, and an example."""

    name: str
    columns: tuple[str, ...]
    comparison: Comparison = Comparison.WHOLE
    has_tokens: bool = False
    meaning: str
    example: str


FIELDS = (
    Field(name="status", columns=("status",), meaning="OK, INFO, WARNING or ERROR", example="status:error,warning"),
    Field(
        name="operation", columns=("operation",), meaning="CREATE, UPDATE, DELETE or NONE", example="-operation:none"
    ),
    Field(
        name="message",
        columns=("message",),
        comparison=Comparison.WORDS,
        has_tokens=True,
        meaning="words of the message",
        example='message:"permission denied"',
    ),
    Field(name="code", columns=("code",), has_tokens=True, meaning="the sender's code", example="code:403"),
    Field(
        name="name",
        columns=("source_name", "target_name"),
        comparison=Comparison.WORDS,
        has_tokens=True,
        meaning="words of the name of source or target",
        example="name:payroll",
    ),
    Field(
        name="record",
        columns=RECORD_COLUMNS,
        comparison=Comparison.RECORD,
        has_tokens=True,
        meaning="the whole id or name of source or target, or its type/id",
        example="record:INC-4711",
    ),
    Field(
        name="type",
        columns=("source_type", "target_type"),
        meaning="the type of source or target",
        example="type:leanix.Application",
    ),
    Field(
        name="integration",
        columns=("integration",),
        meaning="the kind of synchronization",
        example="integration:rclone",
    ),
    Field(
        name="configuration",
        columns=("configuration",),
        meaning="which one, where there are several",
        example="configuration:prod",
    ),
    Field(name="trigger", columns=("trigger",), meaning="why the run ran", example="trigger:FULL_SYNC_*"),
    Field(
        name="run",
        columns=("run_id",),
        comparison=Comparison.EXACT,
        meaning="the id of the run, exactly",
        example="run:nightly-7",
    ),
    Field(
        name="problem",
        columns=("problem_id",),
        meaning="the id of a problem",
        example="-problem:*",
    ),
)
TIMES = (
    ("since", "not before this time, or so long ago: 30m, 24h, 7d, 2w", "since:2026-11-01"),
    ("until", "before this time", "until:2026-11-22T10:15"),
)
_BY_NAME = {field.name: field for field in FIELDS}
_OTHER_NAMES = {
    "action": "operation",
    "msg": "message",
    "run_id": "run",
    "problem_id": "problem",
    "config": "configuration",
    "id": "record",
}
_TIME_NAMES = tuple(name for name, _, _ in TIMES)
FIELD_NAMES = (*_BY_NAME, *_TIME_NAMES)

_EVERYTHING = Search()
_SPAN = re.compile(r"(\d{1,5})([mhdw])")
_SPAN_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


class Match(StrEnum):
    """How a text is looked for."""

    WORDS = "words"  # the grammar: words, phrases and fields
    SUBSTRING = "substring"
    REGEX = "regex"


def looking_for(search: Search, text: str, match: Match, *, now: datetime) -> Search:
    """The same search, for a text as well. Raises InvalidInput when the text says nothing, or makes no sense."""
    if match is Match.SUBSTRING:
        return replace(search, substring=text)
    if match is Match.REGEX:
        return replace(search, regex=text)
    if not read_clauses(text):
        raise InvalidInput("there is no word to look for", field="q", hint="type a word, an id or a name")
    return search_for(text, now=now, within=search)


def search_for(text: str, *, now: datetime, within: Search = _EVERYTHING) -> Search:
    """What somebody typed as a search. Raises InvalidInput, naming the place."""
    clauses = read_clauses(text)
    for clause in clauses:
        _require_known(clause)
    search = with_clauses(within, clauses, now=now)
    words = [clause for clause in clauses if clause.name is None]
    plain = [clause.values[0].text for clause in words if not clause.is_negated and not clause.values[0].is_begun]
    others = [
        Condition(
            columns=SEARCHED_COLUMNS,
            values=clause.values,
            comparison=Comparison.WORDS,
            is_negated=clause.is_negated,
            has_tokens=True,
        )
        for clause in words
        if clause.is_negated or clause.values[0].is_begun
    ]
    return replace(search, terms=tuple(dict.fromkeys(plain)), conditions=(*search.conditions, *others))


def with_clauses(search: Search, clauses: Iterable[Clause], *, now: datetime) -> Search:
    """The same search with what these clauses say of fields; others are left alone."""
    by_field: dict[tuple[str, bool], list[Clause]] = {}
    for clause in clauses:
        if (name := name_of(clause)) is not None:
            by_field.setdefault((name, clause.is_negated), []).append(clause)
    since, until = search.since, search.until
    conditions = list(search.conditions)
    for (name, is_negated), some in by_field.items():
        if name in _TIME_NAMES:
            moments = [_moment(clause, name, now) for clause in some]
            since = max(filter(None, (since, *moments))) if name == "since" else since
            until = min(filter(None, (until, *moments))) if name == "until" else until
        else:
            conditions.append(_condition(_BY_NAME[name], some, is_negated=is_negated))
    return replace(search, since=since, until=until, conditions=tuple(conditions))


def require_no_misspelling(clause: Clause) -> None:
    """Raises InvalidInput for a name that is nearly a field's; any other with a colon behind may be text."""
    if clause.name is not None and name_of(clause) is None and nearest_field(clause.name) is not None:
        _require_known(clause)


def name_of(clause: Clause) -> str | None:
    """The field a clause is about; None for text, and for a name that is no field's."""
    name = _OTHER_NAMES.get(clause.name or "", clause.name)
    return name if name in FIELD_NAMES else None


def nearest_field(name: str) -> str | None:
    """The field somebody may have meant."""
    near = difflib.get_close_matches(name, [*FIELD_NAMES, *_OTHER_NAMES], n=1, cutoff=0.7)
    return _OTHER_NAMES.get(near[0], near[0]) if near else None


def moment_ago(text: str, *, now: datetime) -> datetime | None:
    """30m, 24h, 7d, 2w ago; None for a text that is no such span. Raises OverflowError before the year 1."""
    span = _SPAN.fullmatch(text)
    return None if span is None else now - int(span[1]) * _SPAN_UNITS[span[2]]


def _require_known(clause: Clause) -> None:
    if clause.name is None:
        name = clause.typed.lstrip("-").removesuffix(":").lower()
        if clause.typed.endswith(":") and name in (*FIELD_NAMES, *_OTHER_NAMES):
            raise _refused(clause, f"{name}: says no value", f"put one right after the colon, or {name}:* for any")
    elif name_of(clause) is None:
        near = nearest_field(clause.name)
        fields = f"{near}?" if near else f"fields are {', '.join(FIELD_NAMES)}"
        quoted = '"' + clause.typed.lstrip("-").replace('"', '""') + '"'
        raise _refused(clause, f"{clause.name} is no field", f"{fields} To look for it as text: {quoted}")


def _condition(field: Field, clauses: Sequence[Clause], *, is_negated: bool) -> Condition:
    comparison, values = field.comparison, tuple(value for clause in clauses for value in clause.values)
    if field.name in ("status", "operation"):
        comparison, values = Comparison.EXACT, _words(field.name, clauses)
    elif field.name == "problem" and not any(value.is_begun for value in values):
        comparison, values = Comparison.EXACT, tuple(Wanted(text=value.text.lower()) for value in values)
    elif comparison is Comparison.EXACT and any(value.is_begun for value in values):
        comparison = Comparison.WHOLE
    return Condition(
        columns=field.columns,
        values=tuple(dict.fromkeys(values)),
        comparison=comparison,
        is_negated=is_negated,
        has_tokens=field.has_tokens,
    )


def _words(name: str, clauses: Sequence[Clause]) -> tuple[Wanted, ...]:
    parse: Callable[[str], tuple[Status | Operation, bool]] = parse_status if name == "status" else parse_operation
    words = []
    for clause in clauses:
        for value in clause.values:
            try:
                words.append(Wanted(text=parse(value.text)[0].value))
            except ValueError as error:
                raise _refused(clause, str(error), None) from error
    return tuple(words)


def _moment(clause: Clause, name: str, now: datetime) -> datetime:
    if clause.is_negated or len(clause.values) > 1:
        raise _refused(clause, f"{name} has one time and no minus", f"{name}:2026-11-01")
    text = clause.values[0].text
    try:
        return moment_ago(text, now=now) or from_microseconds(parse_timestamp(text))
    except (ValueError, OverflowError) as error:
        raise _refused(clause, str(error), "a day, a time in UTC, or so long ago: 24h, 7d") from error


def _refused(clause: Clause, reason: str, hint: str | None) -> InvalidInput:
    return InvalidInput(f"at character {clause.place + 1}, {clause.typed!r:.60}: {reason}", field="q", hint=hint)
