"""The failures of a run, each kind once: non-OK actions whose messages differ only in ids, numbers and names."""

from dataclasses import dataclass
from datetime import datetime

from ingest.action import STATUSES, Operation, Status
from ingest.problem import template_of
from ingest.timestamps import from_microseconds
from query.actions import Action, list_actions
from query.lake_view import LakeView

EXAMPLES = 3

_FAILED = tuple(status for status in STATUSES if status != Status.OK)


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One kind of failure. ``status`` is its worst; ``records`` counts the different records it happened to."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class ProblemCount:
    """A problem in short: what happened, how bad, how often, to how many different records."""

    problem_id: str
    template: str
    status: Status
    count: int
    records: int


def list_run_problems(view: LakeView, run_id: str, *, limit: int = 50) -> list[Problem]:
    """The problems of a run, worst first, then most frequent."""
    files = view.files_of_run(run_id, statuses=_FAILED)
    wanted = {"run_id": run_id, "examples": EXAMPLES, "limit": limit}
    rows = view.fetch("problems.list_run_problems", files, wanted)
    ids = [(example["batch_id"], example["row"]) for row in rows for example in row["examples"]]
    examples = list_actions(view, run_id, files, ids)
    return [
        Problem(
            problem_id=row["problem_id"],
            template=_template_of(first.message, first.code, first.operation, first.status),
            status=STATUSES[row["status_rank"]],
            count=row["count"],
            records=row["records"],
            first_at=from_microseconds(row["first_us"]),
            last_at=from_microseconds(row["last_us"]),
            examples=found,
            operations=tuple(Operation(word) for word in row["operations"]),
            codes=tuple(row["codes"]),
        )
        for row in rows
        for found in [tuple(examples[example["batch_id"], example["row"]] for example in row["examples"])]
        for first in found[:1]
    ]


def list_problem_counts(view: LakeView, run_id: str, *, limit: int = 50) -> list[ProblemCount]:
    """The same problems in the same order, without examples: read in one go, and at once when asked again."""
    files = view.files_of_run(run_id, statuses=_FAILED)
    rows = view.fetch_remembered("problems.list_problem_counts", files, {"run_id": run_id, "limit": limit})
    return [
        ProblemCount(
            problem_id=row["problem_id"],
            template=_template_of(**row["example"]),
            status=STATUSES[row["status_rank"]],
            count=row["count"],
            records=row["records"],
        )
        for row in rows
    ]


def _template_of(message: str | None, code: str | None, operation: str, status: str) -> str:
    """Masked like the text the problem id was made from."""
    return template_of(message or code or f"{operation} {status}")
