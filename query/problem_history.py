"""One problem of one integration and configuration, run by run."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import sqlalchemy as sa

from ingest.action import Status
from ingest.database import some_at_a_time
from ingest.index_tables import batch_problems, runs
from ingest.problem_rows import summaries_of
from ingest.problem_summary import ProblemExample, ProblemSummary, merged_problems
from query.lake_view import LakeView
from query.problem_list import ListedProblem
from query.problem_states import ProblemState, Sighting, derive_state
from query.run_sequence import latest_runs, of_configuration, seen_runs, sightings_of

RUNS_SHOWN = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Occurrence:
    """A run, and how the problem stood then; ``status`` and ``example`` are None where it did not occur.

    ``state`` is None before its first occurrence among the runs that are looked at.
    """

    run_id: str
    begun_at: datetime
    is_thorough: bool
    state: ProblemState | None
    count: int = 0
    records: int = 0
    records_are_exact: bool = True
    status: Status | None = None
    example: ProblemExample | None = None


def list_occurrences(view: LakeView, problem: ListedProblem, *, most: int = RUNS_SHOWN) -> list[Occurrence]:
    """The latest runs, oldest first, with the problem or without."""
    problem_id = problem.problem_id
    rows = view.select(latest_runs(of_configuration(problem.integration, problem.configuration), most))
    found = {each.run_id: each for each in _summaries(view, problem_id, [row.run_id for row in rows])}
    some = seen_runs(rows, {run_id: frozenset({problem_id}) for run_id in found})
    sightings = sightings_of(some, problem_id)
    before = [Sighting(is_thorough=False, has_it=True)] if problem.runs > len(found) else []
    occurrences = []
    for place, run in enumerate(some, 1):
        state = derive_state([*before, *sightings[:place]])
        bare = Occurrence(run_id=run.run_id, begun_at=run.begun_at, is_thorough=run.is_thorough, state=state)
        summary = found.get(run.run_id)
        occurrences.append(bare if summary is None else _with_figures(bare, summary))
    return occurrences


def _with_figures(bare: Occurrence, summary: ProblemSummary) -> Occurrence:
    return replace(
        bare,
        count=summary.count,
        records=summary.records.count,
        records_are_exact=summary.records.is_exact,
        status=summary.status,
        example=summary.example,
    )


def find_first_run(view: LakeView, problem: ListedProblem) -> str | None:
    """The run in which it occurred first."""
    kind = of_configuration(problem.integration, problem.configuration)
    chosen = sa.select(runs.c.run_id).join(batch_problems, batch_problems.c.run_id == runs.c.run_id)
    ours = chosen.where(batch_problems.c.problem_id == problem.problem_id, *kind)
    found = view.select(ours.order_by(runs.c.sort_us, runs.c.run_id).limit(1))
    return found[0].run_id if found else None


def _summaries(view: LakeView, problem_id: str, run_ids: Sequence[str]) -> list[ProblemSummary]:
    chosen = sa.select(batch_problems).where(batch_problems.c.problem_id == problem_id)
    return merged_problems(
        summary
        for some in some_at_a_time(run_ids)
        for summary in summaries_of(view.select(chosen.where(batch_problems.c.run_id.in_(some))))
    )
