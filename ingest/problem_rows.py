"""Problems as rows of ``batch_problems`` in the index."""

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa

from ingest.action import STATUSES
from ingest.footer import BatchFooter
from ingest.index_tables import batch_problems
from ingest.problem_summary import ProblemExample, ProblemSummary
from ingest.record_count import RecordCount


def insert_problems(connection: sa.Connection, footer: BatchFooter) -> None:
    if footer.problems:
        connection.execute(sa.insert(batch_problems), [_row_of(footer.batch_id, each) for each in footer.problems])


def list_batch_problems(connection: sa.Connection, batch_id: str) -> list[ProblemSummary]:
    """What a batch says of the problems of its runs."""
    chosen = sa.select(batch_problems).where(batch_problems.c.batch_id == batch_id)
    ordered = chosen.order_by(batch_problems.c.run_id, batch_problems.c.problem_id)
    return summaries_of(connection.execute(ordered))


def summaries_of(rows: Iterable[sa.Row[Any]]) -> list[ProblemSummary]:
    """Whole rows as summaries; what a row holds depends on its column."""
    return [
        ProblemSummary(
            run_id=row.run_id,
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
        for row in rows
    ]


def _row_of(batch_id: str, summary: ProblemSummary) -> dict[str, Any]:
    return {
        "run_id": summary.run_id,
        "problem_id": summary.problem_id,
        "batch_id": batch_id,
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
