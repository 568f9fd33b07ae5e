"""Problems across runs: the list of them and one of them, from the index alone.

A problem here is one of an integration and configuration: the same message of two of them is two problems. Totals
come ready from the index; they are filtered and sorted here, because states and classes are no columns of it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from ingest.action import STATUSES, Status
from ingest.database import some_at_a_time
from ingest.index_tables import batch_problems, problem_totals, runs
from ingest.problem_notes import Noted, ProblemNote
from ingest.problem_rows import Key, ProblemTotal, totals_of
from ingest.problem_summary import ProblemExample
from ingest.timestamps import from_microseconds, to_microseconds
from query.causes import Cause, Causes
from query.lake_view import LakeView
from query.open_problems import find_open_problems
from query.paging import Page, read_cursor, write_cursor
from query.problem_states import ProblemState
from query.problems import list_templates

MOST_LISTED = 5_000
"""Problems that are looked through, those seen last: a log without end of kinds of failures must not slow the page."""
TREND_RUNS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedProblem:
    """A problem of an integration and configuration. ``records`` is a guess where ``records_are_exact`` is false."""

    integration: str
    configuration: str | None
    problem_id: str
    template: str
    status: Status
    state: ProblemState
    cause: Cause
    count: int
    records: int
    records_are_exact: bool
    runs: int
    first_at: datetime
    last_at: datetime
    example: ProblemExample
    note: ProblemNote | None

    def is_set_aside(self, now: datetime) -> bool:
        """Whether it is muted or expected."""
        return self.note is not None and self.note.is_set_aside(now)

    @property
    def key(self) -> Key:
        return self.integration, self.configuration or "", self.problem_id


@dataclass(frozen=True, slots=True, kw_only=True)
class ProblemFilter:
    """Which problems; what is None does not matter. Last seen at ``since`` or later, and first before ``until``."""

    problem_id: str | None = None
    integration: str | None = None
    configuration: str | None = None
    states: tuple[ProblemState, ...] = ()
    cause: str | None = None
    status: Status | None = None
    q: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    is_set_aside: bool | None = None
    """Muted or expected, or neither."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known of problems beside the lake: why they happen, and what people keep of them."""

    causes: Causes
    notes: Mapping[Noted, ProblemNote]
    now: datetime


STATE_ORDER = {state: place for place, state in enumerate(ProblemState)}


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundProblem:
    """One that a filter finds, before what it says is masked and it is told why: of thousands a page shows fifty."""

    total: ProblemTotal
    state: ProblemState
    note: ProblemNote | None
    is_set_aside: bool

    @property
    def key(self) -> Key:
        return self.total.key

    @property
    def said(self) -> str:
        example = self.total.summary.example
        return example.message or example.code or example.operation


_FIGURES: Mapping[str, Callable[[FoundProblem, Known], Any]] = {  # numbers, texts and times, each among its like
    "state": lambda each, _: -STATE_ORDER[each.state],
    "status": lambda each, _: each.total.summary.status.rank,
    "cause": lambda each, known: _cause_of(each.total, known).title,
    "integration": lambda each, _: (each.total.integration, each.total.configuration),
    "template": lambda each, _: each.said.casefold(),
    "count": lambda each, _: each.total.summary.count,
    "records": lambda each, _: each.total.summary.records.count,
    "runs": lambda each, _: each.total.runs,
    "first_at": lambda each, _: each.total.summary.first_us,
    "last_at": lambda each, _: each.total.summary.last_us,
}
PROBLEM_SORTS = tuple(_FIGURES)
DEFAULT_SORT = "-state"
"""What deserves a look first, what people have set aside last."""


def look_for(view: LakeView, problem_filter: ProblemFilter, known: Known, *, sort: str) -> list[FoundProblem]:
    """All that a filter finds. ``sort`` is one of PROBLEM_SORTS, with ``-`` in front for the greatest first."""
    totals = _find_totals(view, problem_filter)
    states = find_open_problems(view) if totals else {}
    found = []
    for total in totals:
        note = known.notes.get((total.integration, total.summary.problem_id))
        problem = FoundProblem(
            total=total,
            state=states.get(total.key, ProblemState.RESOLVED),
            note=note,
            is_set_aside=note is not None and note.is_set_aside(known.now),
        )
        if _is_wanted(problem, problem_filter, known):
            found.append(problem)
    found.sort(key=lambda each: (-each.total.summary.status.rank, -each.total.summary.count, each.key))
    figure = _FIGURES[sort.removeprefix("-")]
    found.sort(key=lambda each: figure(each, known), reverse=sort.startswith("-"))
    if sort == DEFAULT_SORT:
        found.sort(key=lambda each: each.is_set_aside)
    return found


def page_of_problems(
    found: Sequence[FoundProblem], known: Known, *, limit: int, cursor: str | None
) -> Page[ListedProblem]:
    """A page of what was found, going on where the last one ended."""
    begin = 0
    if cursor is not None:
        last = tuple(read_cursor(cursor, str, str, str))
        begin = next((place for place, each in enumerate(found, 1) if each.key == last), len(found))
    items = list_found(found[begin : begin + limit], known)
    more = begin + limit < len(found)
    return Page(items=items, next_cursor=write_cursor(items[-1].key) if more else None)


def list_found(found: Sequence[FoundProblem], known: Known) -> list[ListedProblem]:
    """With all that there is to say of each."""
    templates = list_templates([each.total.summary for each in found])
    return [_listed(each, template, known) for each, template in zip(found, templates, strict=True)]


def list_problems(
    view: LakeView, problem_filter: ProblemFilter, known: Known, *, sort: str = DEFAULT_SORT
) -> list[ListedProblem]:
    """All that a filter finds."""
    return list_found(look_for(view, problem_filter, known, sort=sort), known)


def find_problems(
    view: LakeView,
    problem_filter: ProblemFilter,
    known: Known,
    *,
    sort: str = DEFAULT_SORT,
    limit: int = 50,
    cursor: str | None = None,
) -> Page[ListedProblem]:
    """A page of it."""
    return page_of_problems(look_for(view, problem_filter, known, sort=sort), known, limit=limit, cursor=cursor)


def list_trends(view: LakeView, problems: Sequence[ListedProblem]) -> dict[Key, list[tuple[int, Status | None]]]:
    """For each problem its count and worst status in each of the latest runs of its configuration, oldest first."""
    kinds = sorted({each.key[:2] for each in problems})
    latest = {kind: _latest_run_ids(view, *kind) for kind in kinds}
    found = _counts_of(
        view, [run_id for some in latest.values() for run_id in some], sorted({each.problem_id for each in problems})
    )
    nothing: tuple[int, Status | None] = (0, None)
    return {
        each.key: [found.get((run_id, each.problem_id), nothing) for run_id in latest[each.key[:2]]]
        for each in problems
    }


def _latest_run_ids(view: LakeView, integration: str, configuration: str) -> list[str]:
    named = runs.c.configuration == configuration if configuration else runs.c.configuration.is_(None)
    chosen = sa.select(runs.c.run_id).where(runs.c.integration == integration, named)
    newest = chosen.order_by(runs.c.sort_us.desc(), runs.c.run_id.desc()).limit(TREND_RUNS)
    return [row.run_id for row in reversed(view.select(newest))]


def _counts_of(
    view: LakeView, run_ids: Sequence[str], problem_ids: Sequence[str]
) -> dict[tuple[str, str], tuple[int, Status | None]]:
    columns = batch_problems.c.run_id, batch_problems.c.problem_id
    figures = (
        sa.func.sum(batch_problems.c.count).label("times"),
        sa.func.max(batch_problems.c.status_rank).label("rank"),
    )
    chosen = sa.select(*columns, *figures).where(columns[1].in_(problem_ids)).group_by(*columns)
    return {
        (row.run_id, row.problem_id): (int(row.times), STATUSES[row.rank])
        for some in some_at_a_time(run_ids)
        for row in view.select(chosen.where(columns[0].in_(some)))
    }


def _find_totals(view: LakeView, wanted: ProblemFilter) -> list[ProblemTotal]:
    conditions: list[sa.ColumnElement[bool]] = []
    for column, value in (
        (problem_totals.c.problem_id, wanted.problem_id),
        (problem_totals.c.integration, wanted.integration),
        (problem_totals.c.configuration, wanted.configuration),
        (problem_totals.c.status_rank, None if wanted.status is None else wanted.status.rank),
    ):
        if value is not None:
            conditions.append(column == value)
    if wanted.since is not None:
        conditions.append(problem_totals.c.last_us >= to_microseconds(wanted.since))
    if wanted.until is not None:
        conditions.append(problem_totals.c.first_us < to_microseconds(wanted.until))
    chosen = sa.select(problem_totals).where(*conditions)
    return totals_of(view.select(chosen.order_by(problem_totals.c.last_us.desc()).limit(MOST_LISTED)))


def _listed(found: FoundProblem, template: str, known: Known) -> ListedProblem:
    total, summary = found.total, found.total.summary
    return ListedProblem(
        integration=total.integration,
        configuration=total.configuration or None,
        problem_id=summary.problem_id,
        template=template,
        status=summary.status,
        state=found.state,
        cause=_cause_of(total, known),
        count=summary.count,
        records=summary.records.count,
        records_are_exact=summary.records.is_exact,
        runs=total.runs,
        first_at=from_microseconds(summary.first_us),
        last_at=from_microseconds(summary.last_us),
        example=summary.example,
        note=found.note,
    )


def _cause_of(total: ProblemTotal, known: Known) -> Cause:
    return known.causes.find(total.summary.example.code, total.summary.example.message)


def _is_wanted(problem: FoundProblem, wanted: ProblemFilter, known: Known) -> bool:
    if wanted.states and problem.state not in wanted.states:
        return False
    if wanted.cause is not None and _cause_of(problem.total, known).name != wanted.cause:
        return False
    if wanted.is_set_aside is not None and problem.is_set_aside is not wanted.is_set_aside:
        return False
    if wanted.q is None:
        return True
    note, summary = problem.note, problem.total.summary
    texts = (problem.said, summary.example.code, summary.problem_id, note and note.note, note and note.ticket)
    said = " ".join(text for text in texts if text).casefold()
    return all(word in said for word in wanted.q.casefold().split())
