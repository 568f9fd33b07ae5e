"""What Logging Details says of a run as a whole: outcome, counters, actions over time, messages, problems."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from markupsafe import Markup

from ingest.action import Operation, Status
from query.compare import find_last_ok
from query.forecast import Forecast, get_forecast
from query.lake_view import LakeView
from query.problem_list import Known
from query.run_problems import RunProblem, RunProblems, list_known_problems
from query.runs import Neighbours, Run, RunMessage, find_neighbours, list_run_messages
from query.timeline import Timeline, get_run_timeline
from reports.charts import stacked_bars
from reports.expectations import forecast_words, missing_words, other_claims
from reports.wording import end_is_unseen
from web.pages.addresses import Arguments, address, path_of_problem, path_of_run

PROBLEMS_SHOWN = 6
MOST_PROBLEMS = 50
MESSAGES_SHOWN = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Counter:
    """One figure of a run, and the address that shows just those actions."""

    label: str
    count: int
    address: str
    status: Status | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSummary:
    """Everything above the table of actions."""

    run: Run
    neighbours: Neighbours
    messages: Sequence[RunMessage]
    problems: RunProblems
    timeline: Timeline
    last_ok: str | None
    forecast: Forecast | None
    now: datetime

    @property
    def wide_chart(self) -> Markup:
        return stacked_bars(self.timeline, width=1120, height=168)

    @property
    def narrow_chart(self) -> Markup:
        """The same for a telephone: a wide one made small could not be read."""
        return stacked_bars(self.timeline, width=340, height=180, name="actions-over-time-narrow")

    @property
    def path(self) -> str:
        return path_of_run(self.run.run_id)

    @property
    def previous_path(self) -> str | None:
        return path_of_run(self.neighbours.previous) if self.neighbours.previous else None

    @property
    def next_path(self) -> str | None:
        return path_of_run(self.neighbours.next) if self.neighbours.next else None

    @property
    def is_live(self) -> bool:
        """Whether the run may still change; one that fell silent hardly will."""
        return not self.run.end_seen and not end_is_unseen(self.run, self.now)

    @property
    def operation_counters(self) -> tuple[Counter, ...]:
        counts = self.run.counts
        return (
            self._counter("Processed", counts.processed, {}),
            self._counter("Creates", counts.creates, {"operation": Operation.CREATE}),
            self._counter("Updates", counts.updates, {"operation": Operation.UPDATE}),
            self._counter("Deletes", counts.deletes, {"operation": Operation.DELETE}),
            self._counter("Unchanged", counts.unchanged, {"operation": Operation.NONE}),
        )

    @property
    def status_counters(self) -> tuple[Counter, ...]:
        counts = self.run.counts
        return (
            self._counter("OK", counts.oks, {"status": Status.OK}, Status.OK),
            self._counter("Infos", counts.infos, {"status": Status.INFO}, Status.INFO),
            self._counter("Warnings", counts.warnings, {"status": Status.WARNING}, Status.WARNING),
            self._counter("Errors", counts.errors, {"status": Status.ERROR}, Status.ERROR),
        )

    @property
    def forecast_words(self) -> str:
        return forecast_words(self.forecast) if self.forecast else ""

    @property
    def missing(self) -> str:
        return missing_words(self.run)

    @property
    def other_claims(self) -> str:
        return other_claims(self.run)

    @property
    def compare_previous_address(self) -> str | None:
        return self._compared_with(self.neighbours.previous)

    @property
    def compare_last_ok_address(self) -> str | None:
        """Where the run before was OK, the two would be the same."""
        return self._compared_with(self.last_ok) if self.last_ok != self.neighbours.previous else None

    @property
    def problems_shown(self) -> Sequence[RunProblem]:
        return self.problems.listed[:PROBLEMS_SHOWN]

    @property
    def more_problems(self) -> Sequence[RunProblem]:
        return self.problems.listed[PROBLEMS_SHOWN:MOST_PROBLEMS]

    def problem_address(self, problem_id: str) -> str:
        """Its actions in this run."""
        return address(self.path, Arguments(), {"problem_id": problem_id}) + "#actions"

    def problem_path(self, problem_id: str) -> str:
        """The problem over all runs."""
        return path_of_problem(problem_id, self.run.integration, self.run.configuration)

    @property
    def all_problems_address(self) -> str:
        names = {"integration": self.run.integration, "configuration": self.run.configuration}
        return address("/problems", Arguments(), names)

    def _compared_with(self, earlier: str | None) -> str | None:
        return address("/compare", Arguments(), {"a": earlier, "b": self.run.run_id}) if earlier else None

    def _counter(self, label: str, count: int, wanted: Mapping[str, str], status: Status | None = None) -> Counter:
        return Counter(
            label=label, count=count, address=address(self.path, Arguments(), wanted) + "#actions", status=status
        )


def build_run_summary(view: LakeView, run: Run, *, known: Known) -> RunSummary:
    """The summary of a run. Of batches it reads those that hold the run, for the timeline."""
    now = known.now
    return RunSummary(
        run=run,
        neighbours=find_neighbours(view, run),
        messages=list_run_messages(view, run.run_id)[-MESSAGES_SHOWN:],
        problems=list_known_problems(view, run, known),
        timeline=get_run_timeline(view, run),
        last_ok=find_last_ok(view, run),
        forecast=None if end_is_unseen(run, now) else get_forecast(view, run, now=now),
        now=now,
    )
