"""The failures of a run, each kind once: non-OK actions whose messages differ only in ids, numbers and names.

Figures come from the index, which has them from the footers of the batches; only examples are read from the lake.
:func:`count_open_problems` tells for every integration and configuration how many are open: for overviews.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pyarrow as pa
import sqlalchemy as sa

from ingest.action import STATUSES, Operation, Status
from ingest.batch_problems import PROBLEMS_OF_A_RUN
from ingest.index_tables import batch_problems
from ingest.problem import template_of, templates_of
from ingest.problem_rows import summaries_of
from ingest.problem_summary import ProblemExample, ProblemSummary, merged_problems
from ingest.timestamps import from_microseconds
from query.actions import Action, list_actions
from query.lake_view import LakeView
from query.open_problems import find_open_problems
from query.problem_states import ProblemState
from query.run_batches import files_of_run
from query.runs import list_runs

EXAMPLES = 3

_FAILED = tuple(status for status in STATUSES if status != Status.OK)


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One kind of failure. ``status`` is its worst; ``records`` counts the different records it happened to.

    That is the best guess where ``records_are_exact`` is false.
    """

    problem_id: str
    template: str
    status: Status
    count: int
    records: int
    first_at: datetime
    last_at: datetime
    examples: tuple[Action, ...]
    operations: tuple[Operation, ...]
    codes: tuple[str, ...]
    records_are_exact: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ProblemCount:
    """A problem in short: what happened, how bad, how often, to how many different records and when.

    ``records`` is the best guess where ``records_are_exact`` is false.
    """

    problem_id: str
    template: str
    status: Status
    count: int
    records: int
    records_are_exact: bool
    first_at: datetime
    last_at: datetime
    example: ProblemExample


def list_run_problems(view: LakeView, run_id: str, *, limit: int = 50) -> list[Problem]:
    """The problems of a run, worst first, then most frequent.

    Where rows are missing, removed by retention or damaged, the index says what was counted of them; operations, codes
    and examples are of those that are left.
    """
    files = files_of_run(view, run_id, statuses=_FAILED)
    counted = list_problem_counts(view, run_id, limit=limit) if _misses_rows(view, run_id) else []
    wanted = {"run_id": run_id, "examples": EXAMPLES, "limit": max(limit, PROBLEMS_OF_A_RUN) if counted else limit}
    rows = {row["problem_id"]: row for row in view.fetch("problems.list_run_problems", files, wanted)}
    if counted:
        told = {each.problem_id for each in counted}
        untold = [problem_id for problem_id in rows if problem_id not in told]
        chosen = told.union(untold[: limit - len(counted)])
        rows = {problem_id: row for problem_id, row in rows.items() if problem_id in chosen}
    ids = [(example["batch_id"], example["row"]) for row in rows.values() for example in row["examples"]]
    examples = list_actions(view, run_id, files, ids)
    left = {
        problem_id: _problem_of(row, [examples[example["batch_id"], example["row"]] for example in row["examples"]])
        for problem_id, row in rows.items()
    }
    return [*(_with_missing(each, left.pop(each.problem_id, None)) for each in counted), *left.values()]


def _misses_rows(view: LakeView, run_id: str) -> bool:
    found = list_runs(view, [run_id]).get(run_id)
    return found is not None and bool(found.gone or found.unreadable)


def _problem_of(row: Mapping[str, Any], examples: Sequence[Action]) -> Problem:
    first = examples[0]
    return Problem(
        problem_id=row["problem_id"],
        template=template_of(_said(first.message, first.code, first.operation, first.status)),
        status=STATUSES[row["status_rank"]],
        count=row["count"],
        records=row["records"],
        first_at=from_microseconds(row["first_us"]),
        last_at=from_microseconds(row["last_us"]),
        examples=tuple(examples),
        operations=tuple(Operation(word) for word in row["operations"]),
        codes=tuple(row["codes"]),
    )


def _with_missing(counted: ProblemCount, left: Problem | None) -> Problem:
    """A problem as it was counted, with what is left of it."""
    example = counted.example
    return Problem(
        problem_id=counted.problem_id,
        template=counted.template,
        status=counted.status,
        count=counted.count,
        records=counted.records,
        first_at=counted.first_at,
        last_at=counted.last_at,
        examples=left.examples if left else (),
        operations=left.operations if left else (Operation(example.operation),),
        codes=left.codes if left else (example.code,) if example.code else (),
        records_are_exact=counted.records_are_exact,
    )


def list_problem_counts(view: LakeView, run_id: str, *, limit: int = 50) -> list[ProblemCount]:
    """The same problems in the same order from the index alone, without batches.

    A batch names its worst and most frequent thousand; so in a run of very many problems some are left out.
    """
    count, rank = sa.func.sum(batch_problems.c.count), sa.func.max(batch_problems.c.status_rank)
    worst = (
        sa.select(batch_problems.c.problem_id)
        .where(batch_problems.c.run_id == run_id)
        .group_by(batch_problems.c.problem_id)
        .order_by(rank.desc(), count.desc(), batch_problems.c.problem_id)
        .limit(limit)
        .subquery()
    )
    chosen = sa.select(batch_problems).join(worst, worst.c.problem_id == batch_problems.c.problem_id)
    found = merged_problems(summaries_of(view.select(chosen.where(batch_problems.c.run_id == run_id))))
    found.sort(key=lambda each: (-each.status.rank, -each.count, each.problem_id))
    return [_count_of(each, template) for each, template in zip(found, list_templates(found), strict=True)]


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenProblems:
    """How many problems of an integration and configuration are open, as of its latest runs."""

    new: int = 0
    regressed: int = 0
    persisting: int = 0

    @property
    def count(self) -> int:
        return self.new + self.regressed + self.persisting


def count_open_problems(
    view: LakeView, *, leave_out: Collection[tuple[str, str]] = ()
) -> dict[tuple[str, str | None], OpenProblems]:
    """By integration and configuration, of those that have any; ``leave_out`` are integrations and problem ids."""
    return count_states(find_open_problems(view), leave_out=leave_out)


def count_states(
    states: Mapping[tuple[str, str, str], ProblemState], *, leave_out: Collection[tuple[str, str]] = ()
) -> dict[tuple[str, str | None], OpenProblems]:
    """The same of what ``find_open_problems`` found."""
    counts: Counter[tuple[str, str, ProblemState]] = Counter()
    for (integration, configuration, problem_id), state in states.items():
        if (integration, problem_id) not in leave_out:
            counts[integration, configuration, state] += 1
    return {
        (integration, configuration or None): OpenProblems(
            new=counts[integration, configuration, ProblemState.NEW],
            regressed=counts[integration, configuration, ProblemState.REGRESSED],
            persisting=counts[integration, configuration, ProblemState.PERSISTING],
        )
        for integration, configuration, _ in counts
    }


def list_templates(summaries: Sequence[ProblemSummary]) -> list[str]:
    """What each of these problems says, masked like the text its id was made from."""
    texts = [_said(each.example.message, each.example.code, each.example.operation, each.status) for each in summaries]
    templates: list[str] = templates_of(pa.array(texts, pa.string())).to_pylist()
    return templates


def _count_of(summary: ProblemSummary, template: str) -> ProblemCount:
    return ProblemCount(
        problem_id=summary.problem_id,
        template=template,
        status=summary.status,
        count=summary.count,
        records=summary.records.count,
        records_are_exact=summary.records.is_exact,
        first_at=from_microseconds(summary.first_us),
        last_at=from_microseconds(summary.last_us),
        example=summary.example,
    )


def _said(message: str | None, code: str | None, operation: str, status: str) -> str:
    return message or code or f"{operation} {status}"
