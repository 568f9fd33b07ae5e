"""The problems of one run as an administrator looks at them: what is new first, what people have set aside last."""

from collections.abc import Sequence
from dataclasses import dataclass

from ingest.problem_notes import ProblemNote
from query.causes import Cause
from query.lake_view import LakeView
from query.open_problems import find_run_problem_states
from query.problem_list import STATE_ORDER, Known
from query.problem_states import ProblemState
from query.problems import ProblemCount, list_problem_counts
from query.runs import Run

MOST_LOOKED_AT = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class RunProblem:
    """A problem of a run, with all that is known of it; ``state`` is where it stood when the run had ended."""

    problem: ProblemCount
    state: ProblemState
    cause: Cause
    note: ProblemNote | None
    is_set_aside: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RunProblems:
    """Those that want to be looked at, those that are muted or expected, and what there is beside them.

    ``untold`` counts failures of problems that are not listed; ``resolved`` are the ids of those that the run is the
    first thorough one without.
    """

    listed: Sequence[RunProblem] = ()
    set_aside: Sequence[RunProblem] = ()
    untold: int = 0
    resolved: Sequence[str] = ()

    @property
    def all(self) -> list[RunProblem]:
        return [*self.listed, *self.set_aside]

    @property
    def new(self) -> int:
        """How many of the listed ones are new or have come back."""
        return sum(each.state in (ProblemState.NEW, ProblemState.REGRESSED) for each in self.listed)


def list_known_problems(view: LakeView, run: Run, known: Known, *, limit: int = MOST_LOOKED_AT) -> RunProblems:
    """The problems of a run from the index alone: new ones first, then the worst, then the most frequent."""
    counts = list_problem_counts(view, run.run_id, limit=limit)
    states = find_run_problem_states(view, run, [each.problem_id for each in counts])
    problems = [_known_problem(run, each, states.get(each.problem_id, ProblemState.NEW), known) for each in counts]
    problems.sort(key=lambda each: STATE_ORDER[each.state])  # a stable sort: the rest is as it was
    failures = run.counts.processed - run.counts.oks
    return RunProblems(
        listed=[each for each in problems if not each.is_set_aside],
        set_aside=[each for each in problems if each.is_set_aside],
        untold=max(failures - sum(each.count for each in counts), 0),
        resolved=[problem_id for problem_id, state in states.items() if state is ProblemState.RESOLVED],
    )


def _known_problem(run: Run, problem: ProblemCount, state: ProblemState, known: Known) -> RunProblem:
    note = known.notes.get((run.integration, problem.problem_id))
    return RunProblem(
        problem=problem,
        state=state,
        cause=known.causes.find(problem.example.code, problem.example.message),
        note=note,
        is_set_aside=note is not None and note.is_set_aside(known.now),
    )
