"""Which problems are open, and where those of one run stand.

Only the runs back to the last thorough one but one are looked at: whether a problem occurred before them, the totals
tell, or one look for those few that are in none of them.
"""

import itertools
from collections.abc import Collection, Sequence

import sqlalchemy as sa

from ingest.database import some_at_a_time
from ingest.index_tables import batch_problems, problem_totals, runs
from ingest.problem_rows import Key
from ingest.timestamps import to_microseconds
from query.lake_view import LakeView
from query.problem_states import ProblemState, Sighting, derive_state
from query.run_sequence import (
    RunRow,
    SeenRun,
    back_to_thorough,
    latest_runs,
    of_configuration,
    problems_of_runs,
    seen_runs,
    sightings_of,
)
from query.runs import Run

KINDS_AT_ONCE = 100

_BEFORE = Sighting(is_thorough=False, has_it=True)


def find_open_problems(view: LakeView) -> dict[Key, ProblemState]:
    """The state of every open problem as of the latest runs of its integration and configuration."""
    recent = _list_recent_runs(view)
    ids = sorted({problem_id for some in recent.values() for run in some for problem_id in run.problem_ids})
    all_runs = _count_runs(view, ids)
    found: dict[Key, ProblemState] = {}
    for (integration, configuration), some in recent.items():
        for problem_id in sorted({problem_id for run in some for problem_id in run.problem_ids}):
            key = integration, configuration, problem_id
            sightings = sightings_of(some, problem_id)
            was_before = all_runs.get(key, 0) > sum(each.has_it for each in sightings)
            state = derive_state([_BEFORE, *sightings] if was_before else sightings)
            if state is not None and state.is_open:
                found[key] = state
    return found


def find_run_problem_states(
    view: LakeView, run: Run, problem_ids: Collection[str] | None = None
) -> dict[str, ProblemState]:
    """Where the problems of a run stood when it had ended, all or some; and those that it resolved."""
    some = _list_runs_until(view, run)
    here = some[-1].problem_ids if problem_ids is None else some[-1].problem_ids & set(problem_ids)
    earlier = {problem_id for each in some[:-1] for problem_id in each.problem_ids}
    before = _find_before(view, run, sorted(here - earlier), to_microseconds(some[0].begun_at))
    states = {
        problem_id: derive_state([*([_BEFORE] if problem_id in before else []), *sightings_of(some, problem_id)])
        for problem_id in here
    }
    states |= {
        problem_id: ProblemState.RESOLVED
        for problem_id in earlier - some[-1].problem_ids
        if _is_resolved_by_last(some, problem_id)
    }
    return {problem_id: state for problem_id, state in states.items() if state is not None}


def _is_resolved_by_last(some: Sequence[SeenRun], problem_id: str) -> bool:
    sightings = sightings_of(some, problem_id)
    before = derive_state(sightings[:-1])
    return derive_state(sightings) is ProblemState.RESOLVED and before is not None and before.is_open


def _list_recent_runs(view: LakeView) -> dict[tuple[str, str], list[SeenRun]]:
    """Of each integration and configuration the runs from its last thorough one but one on, oldest first."""
    troubled = sa.select(problem_totals.c.integration, problem_totals.c.configuration).distinct()
    with_problems = {(row.integration, row.configuration) for row in view.select(troubled)}
    all_kinds = view.select(sa.select(runs.c.integration, runs.c.configuration).distinct())
    kinds = [kind for kind in all_kinds if (kind.integration, kind.configuration or "") in with_problems]
    rows: list[RunRow] = []
    for start in range(0, len(kinds), KINDS_AT_ONCE):
        some = kinds[start : start + KINDS_AT_ONCE]
        latest = [latest_runs(of_configuration(kind.integration, kind.configuration)).subquery() for kind in some]
        rows += view.select(sa.union_all(*map(sa.select, latest)))
    rows.sort(key=lambda row: (row.integration, row.configuration or "", row.sort_us, row.run_id), reverse=True)
    kept = {
        kind: back_to_thorough(list(group))
        for kind, group in itertools.groupby(rows, key=lambda row: (row.integration, row.configuration or ""))
    }
    problems = problems_of_runs(view, [row.run_id for group in kept.values() for row in group])
    return {kind: seen_runs(group, problems) for kind, group in kept.items()}


def _list_runs_until(view: LakeView, run: Run) -> list[SeenRun]:
    """A run and those before it back to the last thorough one but one, oldest first."""
    place = sa.tuple_(runs.c.sort_us, runs.c.run_id)
    here = sa.tuple_(sa.literal(to_microseconds(run.begun_at), sa.BigInteger), sa.literal(run.run_id, sa.Text))
    kind = of_configuration(run.integration, run.configuration)
    kept = back_to_thorough(view.select(latest_runs((*kind, place <= here))))
    return seen_runs(kept, problems_of_runs(view, [row.run_id for row in kept]))


def _find_before(view: LakeView, run: Run, problem_ids: Sequence[str], before_us: int) -> set[str]:
    """Those of the problems that were in a run of the same kind before a moment."""
    chosen = sa.select(batch_problems.c.problem_id).join(runs, runs.c.run_id == batch_problems.c.run_id)
    kind = of_configuration(run.integration, run.configuration)
    earlier = chosen.where(*kind, runs.c.sort_us < before_us).distinct()
    return {
        row.problem_id
        for some in some_at_a_time(problem_ids)
        for row in view.select(earlier.where(batch_problems.c.problem_id.in_(some)))
    }


def _count_runs(view: LakeView, problem_ids: Sequence[str]) -> dict[Key, int]:
    """In how many runs these problems ever were."""
    names = (problem_totals.c.integration, problem_totals.c.configuration, problem_totals.c.problem_id)
    return {
        (row.integration, row.configuration, row.problem_id): row.runs
        for some in some_at_a_time(problem_ids)
        for row in view.select(sa.select(*names, problem_totals.c.runs).where(names[2].in_(some)))
    }
