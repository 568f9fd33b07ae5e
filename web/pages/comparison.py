"""Two runs side by side as a page shows them: figures, problems, records, and where every link leads."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from query.compare import (
    ComparedProblem,
    ComparedProblems,
    ComparedRecord,
    Difference,
    ProblemState,
    RecordCounts,
    compare_problems,
    count_records,
    find_records,
)
from query.lake_view import LakeView
from query.runs import Run, get_run
from reports.comparison import (
    DIFFERENCE_LABELS,
    DIFFERENCE_MEANINGS,
    STATE_LABELS,
    Figure,
    cautions,
    compare_counts,
    records_phrase,
    signed_count,
    signed_duration,
)
from web.api.compare import difference_of, two_runs
from web.api.query_parameters import limit_of
from web.pages.addresses import Arguments, address, path_of_problem, path_of_record, path_of_run, said

ACTIONS_AT_ONCE = 5_000
"""Of two runs with more actions than this the records come after the rest of the page."""
PROBLEMS_SHOWN = 30
MESSAGE_SHOWN = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordTable:
    """How many records differ in which way, and a page of those that differ in one."""

    a: Run
    b: Run
    counts: RecordCounts
    difference: Difference
    records: Sequence[ComparedRecord]
    arguments: Arguments
    next_cursor: str | None

    @property
    def labels(self) -> Mapping[Difference, str]:
        return DIFFERENCE_LABELS

    @property
    def meaning(self) -> str:
        return DIFFERENCE_MEANINGS[self.difference]

    @property
    def phrase(self) -> str:
        return records_phrase(self.counts)

    @property
    def message_shown(self) -> int:
        return MESSAGE_SHOWN

    @property
    def next_address(self) -> str | None:
        return self._page("/compare") + "#records" if self.next_cursor else None

    @property
    def more_address(self) -> str | None:
        """The rows that go on where these end, for the table that is already there."""
        return self._page("/compare/records") if self.next_cursor else None

    @property
    def first_address(self) -> str | None:
        return self.list_address(self.difference) if "cursor" in self.arguments else None

    def list_address(self, difference: Difference) -> str:
        kept = said(self.arguments, without=["cursor"])
        return address("/compare", kept, {"list": difference}) + "#records"

    def data_address(self, kind: str) -> str:
        """The same records as data, all of them."""
        return address(f"/compare.{kind}", said(self.arguments, without=["cursor"]), {"list": self.difference})

    def record_address(self, record: ComparedRecord) -> str:
        """Its history in all runs; of one that has only a name, what a search for that finds."""
        if record.record_id is None:
            return address("/search", Arguments(), {"q": f'"{record.name}"'})
        return path_of_record(record.record_type, record.record_id)

    def _page(self, path: str) -> str:
        return address(path, self.arguments, {"list": self.difference, "cursor": self.next_cursor})


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The whole page. ``table`` is None where the records come later."""

    a: Run
    b: Run
    problems: ComparedProblems
    table: RecordTable | None
    arguments: Arguments
    now: datetime

    @property
    def cautions(self) -> tuple[str, ...]:
        return cautions(self.a, self.b)

    @property
    def figures(self) -> tuple[Figure, ...]:
        return compare_counts(self.a.counts, self.b.counts)

    @property
    def duration_difference(self) -> str:
        return signed_duration(self.a.duration, self.b.duration)

    @property
    def shown_problems(self) -> Sequence[ComparedProblem]:
        return self.problems.problems[:PROBLEMS_SHOWN]

    @property
    def problem_counts(self) -> Mapping[str, int]:
        return {label: self.problems.count(state) for state, label in STATE_LABELS.items()}

    @property
    def state_labels(self) -> Mapping[ProblemState, str]:
        return STATE_LABELS

    @property
    def swapped_address(self) -> str:
        return address("/compare", Arguments(), {"a": self.b.run_id, "b": self.a.run_id})

    @property
    def json_address(self) -> str:
        return self._address("/compare.json")

    @property
    def records_address(self) -> str:
        """This page with the records in it."""
        return address("/compare", self.arguments, {"list": Difference.FAILING_NOW}) + "#records"

    @property
    def later_address(self) -> str:
        """The records, as a part of the page."""
        return self._address("/compare/records")

    def signed(self, number: int) -> str:
        return signed_count(number)

    def problem_address(self, problem: ComparedProblem) -> str:
        """The actions of the later run, if it has the problem, that failed this way."""
        run = self.a if problem.b is None else self.b
        return address(path_of_run(run.run_id), Arguments(), {"problem_id": problem.problem_id}) + "#actions"

    def problem_path(self, problem: ComparedProblem) -> str:
        """The problem in all runs of the later one's kind, if it has it."""
        run = self.a if problem.b is None else self.b
        return path_of_problem(problem.problem_id, run.integration, run.configuration)

    def _address(self, path: str) -> str:
        return address(path, Arguments(), {"a": self.a.run_id, "b": self.b.run_id})


def build_comparison(view: LakeView, arguments: Arguments, *, now: datetime) -> Comparison:
    """The page these arguments ask for. Raises RunNotFound, InvalidInput."""
    a, b = (get_run(view, run_id) for run_id in two_runs())
    is_small = a.counts.processed + b.counts.processed <= ACTIONS_AT_ONCE
    problems = view.begin(lambda: compare_problems(view, a, b))
    table = build_record_table(view, a, b, arguments) if is_small or "list" in arguments else None
    return Comparison(a=a, b=b, problems=problems.result(), table=table, arguments=arguments, now=now)


def build_record_table(view: LakeView, a: Run, b: Run, arguments: Arguments) -> RecordTable:
    """The records; where no list is named, of the first that has any."""
    counting = view.begin(lambda: count_records(view, a.run_id, b.run_id))
    difference = difference_of("list") or _first_with_records(counting.result())
    found = find_records(view, a.run_id, b.run_id, difference, limit=limit_of(), cursor=arguments.get("cursor"))
    return RecordTable(
        a=a,
        b=b,
        counts=counting.result(),
        difference=difference,
        records=found.items,
        arguments=arguments,
        next_cursor=found.next_cursor,
    )


def _first_with_records(counts: RecordCounts) -> Difference:
    return next((each for each in Difference if counts.by_difference[each]), Difference.FAILING_NOW)
