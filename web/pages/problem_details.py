"""Everything the page of one problem shows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from markupsafe import Markup

from ingest.action import Status
from query.actions import Action, ActionFilter, find_actions
from query.lake_view import LakeView
from query.problem_history import Occurrence, find_first_run, list_occurrences
from query.problem_list import ListedProblem
from reports.charts import LINKED_STATUSES, LinkedBar, linked_bars
from reports.wording import format_count, format_datetime, plural
from web.api.problems import find_problem
from web.pages.addresses import Arguments, address, path_of_problem, path_of_record, path_of_run
from web.workspace import Workspace

EXAMPLES = 3
RUNS_LISTED = 12
RECORDS_READ = 500
RECORDS_SHOWN = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class TouchedRecord:
    """A record that had the problem."""

    type: str | None
    id: str | None
    name: str | None

    @property
    def path(self) -> str | None:
        """Its history; one without an id has none."""
        return None if self.id is None else path_of_record(self.type, self.id)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProblemDetails:
    """One problem of one integration and configuration; ``others`` are the same message elsewhere."""

    problem: ListedProblem
    others: Sequence[ListedProblem]
    occurrences: Sequence[Occurrence]
    first_run_id: str | None
    now: datetime

    @property
    def hits(self) -> list[Occurrence]:
        """The runs that had it, newest first."""
        return [each for each in reversed(self.occurrences) if each.count]

    @property
    def listed_runs(self) -> list[Occurrence]:
        return self.hits[:RUNS_LISTED]

    @property
    def examples(self) -> list[Occurrence]:
        """Of the latest runs, each saying something else."""
        told: dict[str | None, Occurrence] = {}
        for run in self.hits:
            if run.example is not None:
                told.setdefault(run.example.message or run.example.code, run)
        return list(told.values())[:EXAMPLES]

    @property
    def chart(self) -> Markup:
        return linked_bars([self._bar_of(each) for each in self.occurrences], words=self.chart_words)

    @property
    def chart_words(self) -> str:
        highest = max((each.count for each in self.occurrences), default=0)
        hits, runs = len(self.hits), plural(len(self.occurrences), "run")
        return f"In {hits} of the latest {runs}, at most {plural(highest, 'action')} in one; each bar leads to its run"

    @property
    def path(self) -> str:
        return self.path_of(self.problem)

    @property
    def records_address(self) -> str:
        names = {"integration": self.problem.integration, "configuration": self.problem.configuration}
        return address(f"/problems/{self.problem.problem_id}/records", Arguments(), names)

    @property
    def actions_address(self) -> str:
        """All its actions, in the search."""
        return address("/search", Arguments(), {"q": f"problem:{self.problem.problem_id}"})

    @property
    def runs_address(self) -> str:
        names = {"integration": self.problem.integration, "configuration": self.problem.configuration}
        return address("/runs", Arguments(), names)

    @property
    def muted_day(self) -> str:
        """The last day of the silence, as a field of the form spells it."""
        note = self.problem.note
        if note is None or note.muted_until is None:
            return ""
        return (note.muted_until - timedelta(microseconds=1)).date().isoformat()

    @property
    def first_run_path(self) -> str | None:
        return None if self.first_run_id is None else self.run_path(self.first_run_id)

    def path_of(self, problem: ListedProblem) -> str:
        return path_of_problem(problem.problem_id, problem.integration, problem.configuration)

    def run_path(self, run_id: str) -> str:
        """A run, with just the actions of this problem."""
        return address(path_of_run(run_id), Arguments(), {"problem_id": self.problem.problem_id}) + "#actions"

    def example_path(self, run: Occurrence) -> str:
        assert run.example is not None
        return f"{path_of_run(run.run_id)}/actions/{run.example.batch_id}.{run.example.row}"

    def _bar_of(self, run: Occurrence) -> LinkedBar:
        status = run.status or Status.OK
        return LinkedBar(
            counts=[run.count if status is each else 0 for each in LINKED_STATUSES],
            address=self.run_path(run.run_id),
            words=f"{format_datetime(run.begun_at)}: {format_count(run.count)} {run.status}",
        )


def build_problem_details(
    workspace: Workspace, problem_id: str, arguments: Arguments, *, now: datetime
) -> ProblemDetails:
    """The problem where the arguments say, or where it deserves most to be looked at. Raises ProblemNotFound."""
    view = workspace.view
    found = find_problem(view, workspace.known(now), problem_id)
    chosen = next((each for each in found if _is_meant(each, arguments)), found[0])
    return ProblemDetails(
        problem=chosen,
        others=[each for each in found if each is not chosen],
        occurrences=list_occurrences(view, chosen),
        first_run_id=find_first_run(view, chosen),
        now=now,
    )


def list_touched_records(view: LakeView, page: ProblemDetails) -> list[TouchedRecord]:
    """The first records of the latest run that had the problem, each once."""
    if not page.hits:
        return []
    wanted = ActionFilter(problem_id=page.problem.problem_id)
    found = find_actions(view, wanted, run_id=page.hits[0].run_id, limit=RECORDS_READ)
    records = dict.fromkeys(record for action in found.items if (record := _record_of(action)) is not None)
    return list(records)[:RECORDS_SHOWN]


def _record_of(action: Action) -> TouchedRecord | None:
    """The source or, where the action names none, the target."""
    if action.source_id is not None or action.source_name is not None:
        return TouchedRecord(type=action.source_type, id=action.source_id, name=action.source_name)
    if action.target_id is not None or action.target_name is not None:
        return TouchedRecord(type=action.target_type, id=action.target_id, name=action.target_name)
    return None


def _is_meant(problem: ListedProblem, arguments: Arguments) -> bool:
    if problem.integration != arguments.get("integration", problem.integration):
        return False
    return "configuration" not in arguments or problem.configuration == arguments["configuration"]
