"""Two runs side by side: which records fail now and did not then, vanished, appeared, or are written every time.

Set work over the batches of just these two runs, one statement a question. A record is the (type, id) of an action's
source, else of its target. Where neither has an id, the name stands for it: then two records of one name are one, and
a record that was renamed vanished and appeared. Of several actions on a record in one run the worst status counts.
"""

from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import pyarrow as pa
import sqlalchemy as sa

from ingest.action import Operation, Status
from ingest.errors import InvalidInput
from ingest.index_tables import runs
from ingest.timestamps import to_microseconds
from query.lake_view import LakeView
from query.paging import Page, page_of, read_cursor
from query.problems import ProblemCount, list_problem_counts
from query.run_batches import files_of_run
from query.runs import Run, get_run
from query.statements import load

PROBLEMS_COMPARED = 1000
STREAMED_ROWS = 20_000


class Difference(StrEnum):
    """How a record of one run differs from itself in another. One record may do so in several ways."""

    FAILING_NOW = "failing-now"
    FAILING_THEN = "failing-then"
    FAILING_BOTH = "failing-both"
    VANISHED = "vanished"
    APPEARED = "appeared"
    OPERATION_CHANGED = "operation-changed"
    UPDATED_AGAIN = "updated-again"


class ProblemState(StrEnum):
    """What became of a problem from one run to another."""

    NEW = "new"
    PERSISTING = "persisting"
    GONE = "gone"


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordCounts:
    """Records in either run, and how many differ in which way.

    ``named_only`` are known by name alone; ``unnamed_a`` and ``unnamed_b`` are actions that name no record.
    """

    in_a: int
    in_b: int
    in_both: int
    named_only: int
    unnamed_a: int
    unnamed_b: int
    by_difference: Mapping[Difference, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordInRun:
    """What one run did with a record: its worst status, all operations, and the first of its worst actions."""

    status: Status
    operations: tuple[Operation, ...]
    code: str | None
    message: str | None
    action_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedRecord:
    """A record in the earlier run, in the later, or in both; one without an id is known by its name."""

    record_type: str | None
    record_id: str | None
    name: str | None
    differences: tuple[Difference, ...]
    a: RecordInRun | None
    b: RecordInRun | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedProblem:
    """A problem in either run; None where it did not occur."""

    problem_id: str
    a: ProblemCount | None
    b: ProblemCount | None

    @property
    def state(self) -> ProblemState:
        if self.a is None:
            return ProblemState.NEW
        return ProblemState.GONE if self.b is None else ProblemState.PERSISTING

    @property
    def latest(self) -> ProblemCount:
        """As the later run has it, if it does."""
        latest = self.b or self.a
        assert latest is not None
        return latest


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedProblems:
    """New ones first, then those that persist, then those that are gone; of each the worst first.

    ``is_whole`` is false where a run has more kinds of failure than are compared.
    """

    problems: tuple[ComparedProblem, ...]
    is_whole: bool

    def count(self, state: ProblemState) -> int:
        return sum(problem.state is state for problem in self.problems)


def count_records(view: LakeView, a: str, b: str) -> RecordCounts:
    """How many records of two runs differ in which way; at once when asked again. Raises RunNotFound."""
    [row] = view.fetch_remembered("compare.count_records", _files_of(view, a, b), {"a": a, "b": b})
    counts = dict(row)
    by_difference = {each: counts.pop(each.value.replace("-", "_")) for each in Difference}
    return RecordCounts(by_difference=by_difference, **counts)


def find_records(
    view: LakeView, a: str, b: str, difference: Difference, *, limit: int = 50, cursor: str | None = None
) -> Page[ComparedRecord]:
    """A page of the records that differ in one way, by type and id. Raises RunNotFound, InvalidInput."""
    wanted = {"a": a, "b": b, "difference": difference.value, "limit": limit + 1, **_read_place(cursor)}
    rows = view.fetch("compare.list_records", _files_of(view, a, b), wanted)
    return page_of([_record_from(row) for row in rows], limit, _place_of)


def stream_records(view: LakeView, a: str, b: str, difference: Difference | None) -> pa.RecordBatchReader:
    """All records that differ in one way, or in any: the columns of the statement. Raises RunNotFound."""
    files = _files_of(view, a, b)
    wanted = {"a": a, "b": b, "difference": difference and difference.value, "limit": None, **_read_place(None)}
    cursor = view.cursor()
    parameters = view.bind(files, wanted)
    with view.trouble.reading(files):
        reader = cursor.sql(load("compare.list_records"), params=parameters).to_arrow_reader(STREAMED_ROWS)

    def batches() -> Iterator[pa.RecordBatch]:
        with closing(cursor), view.trouble.reading(files):
            yield from reader

    return pa.RecordBatchReader.from_batches(reader.schema, batches())


def compare_problems(view: LakeView, a: Run, b: Run) -> ComparedProblems:
    """The problems of two runs, each once."""
    earlier, later = (_problems_of(view, run) for run in (a, b))
    compared = [
        ComparedProblem(problem_id=problem_id, a=earlier.get(problem_id), b=later.get(problem_id))
        for problem_id in {**later, **earlier}
    ]
    states = tuple(ProblemState)
    return ComparedProblems(
        problems=tuple(sorted(compared, key=lambda each: (states.index(each.state), *_weight(each.latest)))),
        is_whole=max(len(earlier), len(later)) < PROBLEMS_COMPARED,
    )


def find_last_ok(view: LakeView, run: Run) -> str | None:
    """The last run before this one, of the same integration and configuration, in which everything was OK."""
    place = sa.tuple_(runs.c.sort_us, runs.c.run_id)
    here = sa.tuple_(sa.literal(to_microseconds(run.begun_at), sa.BigInteger), sa.literal(run.run_id, sa.Text))
    found = view.select(
        sa.select(runs.c.run_id)
        .where(runs.c.integration == run.integration)
        .where(runs.c.configuration.is_not_distinct_from(run.configuration))
        .where(runs.c.status_rank == Status.OK.rank, place < here)
        .order_by(runs.c.sort_us.desc(), runs.c.run_id.desc())
        .limit(1)
    )
    return found[0].run_id if found else None


def _problems_of(view: LakeView, run: Run) -> dict[str, ProblemCount]:
    if run.counts.processed == run.counts.oks:
        return {}
    problems = list_problem_counts(view, run.run_id, limit=PROBLEMS_COMPARED)
    return {problem.problem_id: problem for problem in problems}


def _weight(problem: ProblemCount) -> tuple[int, int, str]:
    return -problem.status.rank, -problem.count, problem.problem_id


def _files_of(view: LakeView, a: str, b: str) -> list[str]:
    """The batches with actions of either run; a run that nobody knows is not the same as one without any."""
    if a == b:
        raise InvalidInput("a run cannot be compared with itself", field="b", hint="name two runs")
    files = [files_of_run(view, run_id) for run_id in (a, b)]
    for run_id, found in zip((a, b), files, strict=True):
        if not found:
            get_run(view, run_id)
    return sorted({file for found in files for file in found})


def _record_from(row: Mapping[str, Any]) -> ComparedRecord:
    return ComparedRecord(
        record_type=row["record_type"],
        record_id=row["record_id"],
        name=row["record_name"],
        differences=tuple(map(Difference, row["differences"].split())),
        a=_in_run(row, "a"),
        b=_in_run(row, "b"),
    )


def _in_run(row: Mapping[str, Any], run: str) -> RecordInRun | None:
    if row[f"status_{run}"] is None:
        return None
    return RecordInRun(
        status=Status(row[f"status_{run}"]),
        operations=tuple(map(Operation, row[f"operations_{run}"].split())),
        code=row[f"code_{run}"],
        message=row[f"message_{run}"],
        action_id=row[f"action_{run}"],
    )


def _place_of(record: ComparedRecord) -> tuple[str | None, str | None, int]:
    has_id = record.record_id is not None
    return record.record_type, record.record_id if has_id else record.name, int(has_id)


def _read_place(cursor: str | None) -> dict[str, object]:
    if cursor is None:
        return {"after_type": None, "after_record": None, "after_id": None}
    record_type, record, has_id = read_cursor(cursor, (str, type(None)), str, int)
    return {"after_type": record_type, "after_record": record, "after_id": bool(has_id)}
