"""The grammar of a search within a run: what its fields say as expressions that DuckDB tests a run's actions with.

``says($likes, $unlikes)`` is a macro over the columns of an action: of each field one expression that must be found,
and one that must not. Words are looked for as text anywhere, as one looks for text in a page.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from ingest.action import Operation, Status
from ingest.token_index import lower
from query.actions import ActionFilter
from query.macros import LIKE_COLUMNS
from query.search import Search
from query.search_conditions import Condition
from query.search_fields import name_of, require_no_misspelling, with_clauses
from query.search_grammar import Clause, read_clauses
from query.search_terms import SEARCHED_COLUMNS


def saying(action_filter: ActionFilter, text: str | None, *, now: datetime) -> ActionFilter:
    """The same filter, for what somebody typed as well. Raises InvalidInput for a field that makes no sense."""
    if not text:
        return action_filter
    clauses = read_clauses(text)
    for clause in clauses:
        require_no_misspelling(clause)
    search = with_clauses(Search(since=action_filter.since, until=action_filter.until), clauses, now=now)
    statuses, operations, others = action_filter.statuses, action_filter.operations, []
    for condition in search.conditions:
        if condition.columns == ("status",) and condition.exact and not statuses:
            statuses = tuple(map(Status, condition.exact))
        elif condition.columns == ("operation",) and condition.exact and not operations:
            operations = tuple(map(Operation, condition.exact))
        else:
            others.append(condition)
    texts = tuple(_texts(text, clauses))
    unwanted = [_told(clause) for clause in clauses if name_of(clause) is None and clause.is_negated]
    return replace(
        action_filter,
        statuses=statuses,
        operations=operations,
        q=texts[0] if texts else None,
        texts=texts[1:],
        likes=_patterns(others, is_negated=False),
        unlikes=_patterns(others, is_negated=True, texts=unwanted),
        since=search.since,
        until=search.until,
    )


def _texts(text: str, clauses: Sequence[Clause]) -> Iterable[str]:
    """Texts that are wanted: those in quotes, and words that stand side by side as they stand."""
    begun: Clause | None = None
    end = 0
    for clause in clauses:
        is_word = name_of(clause) is None and not clause.is_negated and not clause.is_quoted
        if begun is not None and not is_word:
            yield text[begun.place : end].removesuffix("*")
            begun = None
        if is_word:
            begun, end = begun or clause, clause.place + len(clause.typed)
        elif name_of(clause) is None and not clause.is_negated:
            yield clause.values[0].text
    if begun is not None:
        yield text[begun.place : end].removesuffix("*")


def _told(clause: Clause) -> str:
    """The text of a clause that is about no field."""
    return clause.values[0].text if clause.name is None else clause.typed.removeprefix("-")


def _patterns(
    conditions: Iterable[Condition], *, is_negated: bool, texts: Sequence[str] = ()
) -> tuple[str | None, ...] | None:
    """One expression a field, in the order of the macro; None when nothing is said."""
    patterns: dict[tuple[str, ...], list[str]] = {}
    for condition in conditions:
        if condition.is_negated == is_negated:
            patterns.setdefault(condition.columns, []).extend(condition.patterns)
    if texts:
        patterns[SEARCHED_COLUMNS] = [re.escape(lower(text)) for text in texts]
    if not patterns:
        return None
    alternatives = [patterns.get(columns) for columns in LIKE_COLUMNS]
    return tuple(None if some is None else "|".join(f"(?:{each})" for each in some) for some in alternatives)
