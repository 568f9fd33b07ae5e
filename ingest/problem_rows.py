"""Problems as rows of the index: of ``batch_problems`` and of ``problem_totals``."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from ingest.action import STATUSES
from ingest.index_tables import batch_problems
from ingest.problem_summary import ProblemExample, ProblemSummary
from ingest.record_count import RecordCount

Key = tuple[str, str, str]
"""Integration, configuration (empty for none) and problem id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProblemTotal:
    """A problem of an integration and configuration: in how many runs it was, and all of them added up."""

    integration: str
    configuration: str
    runs: int
    summary: ProblemSummary

    @property
    def key(self) -> Key:
        return self.integration, self.configuration, self.summary.problem_id


def list_batch_problems(connection: sa.Connection, batch_id: str) -> list[ProblemSummary]:
    """What a batch says of the problems of its runs."""
    chosen = sa.select(batch_problems).where(batch_problems.c.batch_id == batch_id)
    ordered = chosen.order_by(batch_problems.c.run_id, batch_problems.c.problem_id)
    return summaries_of(connection.execute(ordered))


def summaries_of(rows: Iterable[sa.Row[Any]]) -> list[ProblemSummary]:
    """Rows with the columns of ``batch_problems``; what a row holds depends on its column."""
    return [_summary_of(row, run_id=row.run_id) for row in rows]


def totals_of(rows: Iterable[sa.Row[Any]]) -> list[ProblemTotal]:
    """Rows with the columns of ``problem_totals``."""
    return [
        ProblemTotal(
            integration=row.integration,
            configuration=row.configuration,
            runs=row.runs,
            summary=_summary_of(row, run_id=""),
        )
        for row in rows
    ]


def batch_row_of(batch_id: str, summary: ProblemSummary) -> dict[str, Any]:
    names = {"run_id": summary.run_id, "problem_id": summary.problem_id, "batch_id": batch_id}
    return names | _figures_of(summary)


def total_row_of(total: ProblemTotal) -> dict[str, Any]:
    names = {"integration": total.integration, "configuration": total.configuration}
    return names | {"problem_id": total.summary.problem_id, "runs": total.runs} | _figures_of(total.summary)


def _summary_of(row: sa.Row[Any], *, run_id: str) -> ProblemSummary:
    return ProblemSummary(
        run_id=run_id,
        problem_id=row.problem_id,
        count=row._mapping["count"],  # as an attribute it is the method of a tuple
        status=STATUSES[row.status_rank],
        first_us=row.first_us,
        last_us=row.last_us,
        records=RecordCount(least=row.records_least, most=row.records_most, sketch=row.records_sketch),
        example=ProblemExample(
            happened_us=row.example_us,
            batch_id=row.example_batch_id,
            row=row.example_row,
            operation=row.operation,
            code=row.code,
            message=row.message,
        ),
    )


def _figures_of(summary: ProblemSummary) -> dict[str, Any]:
    return {
        "count": summary.count,
        "status_rank": summary.status.rank,
        "first_us": summary.first_us,
        "last_us": summary.last_us,
        "records_least": summary.records.least,
        "records_most": summary.records.most,
        "records_sketch": summary.records.sketch,
        "example_us": summary.example.happened_us,
        "example_batch_id": summary.example.batch_id,
        "example_row": summary.example.row,
        "operation": summary.example.operation,
        "code": _storable(summary.example.code),
        "message": _storable(summary.example.message),
    }


def _storable(text: str | None) -> str | None:
    """PostgreSQL keeps no NUL in a text."""
    return None if text is None else text.replace("\0", "")
