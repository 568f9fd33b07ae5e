"""Which problems are open, and where those of one run stand.

Only the runs back to the last thorough one but one are looked at: whether a problem occurred before them, the totals
tell, or one look for those few that are in none of them.
"""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from ingest.database import some_at_a_time
from ingest.index_tables import batch_problems, problem_totals, runs
from ingest.problem_rows import Key
from ingest.timestamps import to_microseconds
from query.lake_view import LakeView
from query.problem_states import ProblemState, Sighting, derive_state, is_thorough
from query.runs import Run

MOST_RUNS = 50
"""Runs of a configuration that are looked at, where thorough ones are rare."""

_BEFORE = Sighting(is_thorough=False, has_it=True)

KINDS_AT_ONCE = 100

_RunRow = sa.Row[Any]  # the columns below


@dataclass(frozen=True, slots=True, kw_only=True)
class _SeenRun:
    run_id: str
    is_thorough: bool
    problem_ids: frozenset[str]


def find_open_problems(view: LakeView) -> dict[Key, ProblemState]:
    """The state of every open problem as of the latest runs of its integration and configuration."""
    recent = _list_recent_runs(view)
    ids = sorted({problem_id for some in recent.values() for run in some for problem_id in run.problem_ids})
    all_runs = _count_runs(view, ids)
    found: dict[Key, ProblemState] = {}
    for (integration, configuration), some in recent.items():
        for problem_id in sorted({problem_id for run in some for problem_id in run.problem_ids}):
            key = integration, configuration, problem_id
            sightings = _sightings(some, problem_id)
            was_before = all_runs.get(key, 0) > sum(each.has_it for each in sightings)
            state = derive_state([_BEFORE, *sightings] if was_before else sightings)
            if state is not None and state.is_open:
                found[key] = state
    return found


def find_run_problem_states(view: LakeView, run: Run) -> dict[str, ProblemState]:
    """Where the problems of a run stood when it had ended; also of those that it resolved."""
    some, first_us = _list_runs_until(view, run)
    ids = {problem_id for each in some for problem_id in each.problem_ids}
    once = [problem_id for problem_id in ids if sum(problem_id in each.problem_ids for each in some) == 1]
    before = _find_before(view, run, once, first_us)
    states = {
        problem_id: derive_state([*([_BEFORE] if problem_id in before else []), *_sightings(some, problem_id)])
        for problem_id in ids
    }
    here = some[-1]
    return {
        problem_id: state
        for problem_id, state in states.items()
        if state is not None and (problem_id in here.problem_ids or _is_resolved_by_last(some, problem_id, state))
    }


def _is_resolved_by_last(some: Sequence[_SeenRun], problem_id: str, state: ProblemState) -> bool:
    earlier = derive_state(_sightings(some[:-1], problem_id))
    return state is ProblemState.RESOLVED and earlier is not None and earlier.is_open


def _sightings(some: Iterable[_SeenRun], problem_id: str) -> list[Sighting]:
    return [Sighting(is_thorough=run.is_thorough, has_it=problem_id in run.problem_ids) for run in some]


def _list_recent_runs(view: LakeView) -> dict[tuple[str, str], list[_SeenRun]]:
    """Of each integration and configuration the runs from its last thorough one but one on, oldest first."""
    kinds = view.select(sa.select(runs.c.integration, runs.c.configuration).distinct())
    rows: list[_RunRow] = []
    for start in range(0, len(kinds), KINDS_AT_ONCE):
        latest = [_latest(_of_kind(kind)).subquery() for kind in kinds[start : start + KINDS_AT_ONCE]]
        rows += view.select(sa.union_all(*map(sa.select, latest)))
    rows.sort(key=lambda row: (row.integration, row.configuration or "", row.sort_us, row.run_id), reverse=True)
    kept = {
        kind: _back_to_thorough(list(some))
        for kind, some in itertools.groupby(rows, key=lambda row: (row.integration, row.configuration or ""))
    }
    problems = _problems_of(view, [row.run_id for some in kept.values() for row, _ in some])
    return {kind: _seen(some, problems) for kind, some in kept.items()}


def _list_runs_until(view: LakeView, run: Run) -> tuple[list[_SeenRun], int]:
    """A run and those before it back to the last thorough one but one, oldest first, and when the first began."""
    place = sa.tuple_(runs.c.sort_us, runs.c.run_id)
    here = sa.tuple_(sa.literal(to_microseconds(run.begun_at), sa.BigInteger), sa.literal(run.run_id, sa.Text))
    kept = _back_to_thorough(view.select(_latest((*_of_kind(run), place <= here))))
    problems = _problems_of(view, [row.run_id for row, _ in kept])
    return _seen(kept, problems), kept[-1][0].sort_us


def _latest(conditions: Iterable[sa.ColumnElement[bool]]) -> sa.Select[Any]:
    """Some runs, newest first, with what of them does not depend on the others."""
    columns = (
        *(runs.c.run_id, runs.c.integration, runs.c.configuration, runs.c.sort_us),
        is_thorough(sa.false()).label("alone"),
        is_thorough(sa.true()).label("followed"),
    )
    return sa.select(*columns).where(*conditions).order_by(runs.c.sort_us.desc(), runs.c.run_id.desc()).limit(MOST_RUNS)


def _back_to_thorough(newest_first: Sequence[_RunRow]) -> list[tuple[_RunRow, bool]]:
    """The first of these rows, up to the second thorough run, and whether each was thorough."""
    kept: list[tuple[_RunRow, bool]] = []
    for row in newest_first:
        kept.append((row, bool(row.followed if kept else row.alone)))
        if sum(thorough for _, thorough in kept) == 2:
            break
    return kept


def _seen(kept: Sequence[tuple[_RunRow, bool]], problems: Mapping[str, frozenset[str]]) -> list[_SeenRun]:
    return [
        _SeenRun(run_id=row.run_id, is_thorough=thorough, problem_ids=problems.get(row.run_id, frozenset()))
        for row, thorough in reversed(kept)
    ]


def _of_kind(run: Run | _RunRow) -> tuple[sa.ColumnElement[bool], ...]:
    return runs.c.integration == run.integration, runs.c.configuration.is_not_distinct_from(run.configuration)


def _find_before(view: LakeView, run: Run, problem_ids: Sequence[str], before_us: int) -> set[str]:
    """Those of the problems that were in a run of the same kind before a moment."""
    chosen = sa.select(batch_problems.c.problem_id).join(runs, runs.c.run_id == batch_problems.c.run_id)
    earlier = chosen.where(*_of_kind(run), runs.c.sort_us < before_us).distinct()
    return {
        row.problem_id
        for some in some_at_a_time(problem_ids)
        for row in view.select(earlier.where(batch_problems.c.problem_id.in_(some)))
    }


def _problems_of(view: LakeView, run_ids: Sequence[str]) -> Mapping[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    columns = sa.select(batch_problems.c.run_id, batch_problems.c.problem_id)
    for some in some_at_a_time(run_ids):
        for row in view.select(columns.where(batch_problems.c.run_id.in_(some))):
            found.setdefault(row.run_id, set()).add(row.problem_id)
    return {run_id: frozenset(ids) for run_id, ids in found.items()}


def _count_runs(view: LakeView, problem_ids: Sequence[str]) -> dict[Key, int]:
    """In how many runs these problems ever were."""
    names = (problem_totals.c.integration, problem_totals.c.configuration, problem_totals.c.problem_id)
    return {
        (row.integration, row.configuration, row.problem_id): row.runs
        for some in some_at_a_time(problem_ids)
        for row in view.select(sa.select(*names, problem_totals.c.runs).where(names[2].in_(some)))
    }
