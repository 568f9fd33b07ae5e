"""What is known of one problem of one run: in a batch, in several, or in all."""

import base64
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ingest.action import Status
from ingest.record_count import RecordCount


@dataclass(frozen=True, slots=True, kw_only=True)
class ProblemExample:
    """The first action of a problem among those of its worst status; its message is cut to what templates are made of.

    ``batch_id`` and ``row`` name the action for ever, also when retention has taken it away.
    """

    happened_us: int
    batch_id: str
    row: int
    operation: str
    code: str | None = None
    message: str | None = None

    @property
    def place(self) -> tuple[int, str, int]:
        return self.happened_us, self.batch_id, self.row


@dataclass(frozen=True, slots=True, kw_only=True)
class ProblemSummary:
    """The actions of one run that have one problem. ``status`` is the worst; times are microseconds since 1970 UTC."""

    run_id: str
    problem_id: str
    count: int
    status: Status
    first_us: int
    last_us: int
    records: RecordCount
    example: ProblemExample

    def __add__(self, other: "ProblemSummary") -> "ProblemSummary":
        worst = min(self, other, key=lambda each: (-each.status.rank, each.example.place))
        return ProblemSummary(
            run_id=self.run_id,
            problem_id=self.problem_id,
            count=self.count + other.count,
            status=worst.status,
            first_us=min(self.first_us, other.first_us),
            last_us=max(self.last_us, other.last_us),
            records=self.records + other.records,
            example=worst.example,
        )


def merged_problems(summaries: Iterable[ProblemSummary]) -> list[ProblemSummary]:
    """One for each run and problem, in their order."""
    merged: dict[tuple[str, str], ProblemSummary] = {}
    for summary in summaries:
        key = summary.run_id, summary.problem_id
        known = merged.get(key)
        merged[key] = summary if known is None else known + summary
    return [merged[key] for key in sorted(merged)]


def problem_as_json(summary: ProblemSummary) -> dict[str, object]:
    """As it stands in a footer. What is null or follows from the rest is left out."""
    example, records = summary.example, summary.records
    body = {
        "run_id": summary.run_id,
        "problem_id": summary.problem_id,
        "count": summary.count,
        "status": summary.status.value,
        "first_us": summary.first_us,
        "last_us": summary.last_us,
        "records": records.least,
        "records_most": records.most if records.most != records.least else None,
        "records_sketch": base64.b64encode(records.sketch).decode() or None,
        "batch_id": example.batch_id,
        "row": example.row,
        "happened_us": example.happened_us,
        "operation": example.operation,
        "code": example.code,
        "message": example.message,
    }
    return {name: value for name, value in body.items() if value is not None}


def problem_from_json(body: dict[str, Any]) -> ProblemSummary:
    """Members that a newer synclog has added are passed over."""
    return ProblemSummary(
        run_id=body["run_id"],
        problem_id=body["problem_id"],
        count=body["count"],
        status=Status(body["status"]),
        first_us=body["first_us"],
        last_us=body["last_us"],
        records=RecordCount(
            least=body["records"],
            most=body.get("records_most", body["records"]),
            sketch=base64.b64decode(body.get("records_sketch", "")),
        ),
        example=ProblemExample(
            happened_us=body["happened_us"],
            batch_id=body["batch_id"],
            row=body["row"],
            operation=body["operation"],
            code=body.get("code"),
            message=body.get("message"),
        ),
    )
