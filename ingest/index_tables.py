"""The tables of the index. All of them but leases, upkeep, what was found damaged and the checksums can be derived
anew from the footers in the lake.

``runs`` holds the running totals of ``batch_runs`` and the folded ``run_events`` of every run. Times are microseconds
since 1970 UTC: any year, any database.
"""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from ingest.counts import COUNT_COLUMNS

metadata = sa.MetaData()

VERSION = 7
"""Of the tables below. An index of another version is thrown away and derived anew."""

versions = sa.Table("versions", metadata, sa.Column("version", sa.Integer, primary_key=True))


def _count_columns() -> list[sa.Column[int]]:
    return [sa.Column(name, sa.BigInteger, nullable=False, default=0, server_default="0") for name in COUNT_COLUMNS]


def _problem_columns() -> list[sa.Column[Any]]:  # numbers, texts and bytes
    return [
        sa.Column("count", sa.BigInteger, nullable=False),
        sa.Column("status_rank", sa.Integer, nullable=False),
        sa.Column("first_us", sa.BigInteger, nullable=False),
        sa.Column("last_us", sa.BigInteger, nullable=False),
        sa.Column("records_least", sa.BigInteger, nullable=False),
        sa.Column("records_most", sa.BigInteger, nullable=False),
        sa.Column("records_sketch", sa.LargeBinary, nullable=False),
        sa.Column("example_us", sa.BigInteger, nullable=False),
        sa.Column("example_batch_id", sa.String(36), nullable=False),
        sa.Column("example_row", sa.BigInteger, nullable=False),
        sa.Column("operation", sa.String(8), nullable=False),
        sa.Column("code", sa.Text),
        sa.Column("message", sa.Text),
    ]


batches = sa.Table(
    "batches",
    metadata,
    sa.Column("batch_id", sa.String(36), primary_key=True),
    sa.Column("kind", sa.String(8), nullable=False),
    sa.Column("rows", sa.BigInteger, nullable=False),
    sa.Column("bytes", sa.BigInteger, nullable=False),
    sa.Column("first_us", sa.BigInteger),
    sa.Column("last_us", sa.BigInteger),
    sa.Column("runs", sa.BigInteger, nullable=False),
    sa.Column("answers", sa.BigInteger, nullable=False),
    sa.Column("problems", sa.BigInteger, nullable=False),
    sa.Column("is_merged", sa.Boolean, nullable=False),
    sa.Column("crc", sa.BigInteger),
    sa.Index("batches_by_time", "kind", "last_us"),
)

replaced = sa.Table(
    "replaced",
    metadata,
    sa.Column("batch_id", sa.String(36), primary_key=True),
    sa.Column("kind", sa.String(8), nullable=False),
    sa.Column("by", sa.String(36), nullable=False),
    sa.Column("at_us", sa.BigInteger, nullable=False),
    sa.Index("replaced_by_time", "at_us"),
)

damaged = sa.Table(
    "damaged",
    metadata,
    sa.Column("batch_id", sa.String(36), primary_key=True),
    sa.Column("kind", sa.String(8), nullable=False),
    sa.Column("since_us", sa.BigInteger, nullable=False),
    sa.Column("problem", sa.Text, nullable=False),
)


def is_readable(batch_id: sa.ColumnElement[str]) -> sa.ColumnElement[bool]:
    """True of a batch that nobody found damaged."""
    return batch_id.not_in(sa.select(damaged.c.batch_id))


leases = sa.Table(
    "leases",
    metadata,
    sa.Column("name", sa.String(32), primary_key=True),
    sa.Column("holder", sa.Text, nullable=False),
    sa.Column("until_us", sa.BigInteger, nullable=False),
)

upkeep = sa.Table(
    "upkeep",
    metadata,
    sa.Column("duty", sa.String(16), primary_key=True),
    sa.Column("done_us", sa.BigInteger),
    sa.Column("note", sa.Text),
    sa.Column("failures", sa.BigInteger, nullable=False),
    sa.Column("failed_us", sa.BigInteger),
    sa.Column("reason", sa.Text),
)
"""Stays as it is when an index of another version is thrown away: it can be given no column without altering it."""

batch_runs = sa.Table(
    "batch_runs",
    metadata,
    sa.Column("run_id", sa.Text, primary_key=True),
    sa.Column("batch_id", sa.String(36), primary_key=True),
    sa.Column("integration", sa.Text),
    sa.Column("first_us", sa.BigInteger, nullable=False),
    sa.Column("last_us", sa.BigInteger, nullable=False),
    *_count_columns(),
    sa.Column("gone", sa.BigInteger, nullable=False, default=0, server_default="0"),
    sa.Column("outline", sa.Text),
    sa.Index("batch_runs_by_batch", "batch_id"),
)

batch_problems = sa.Table(
    "batch_problems",
    metadata,
    sa.Column("run_id", sa.Text, primary_key=True),
    sa.Column("problem_id", sa.String(16), primary_key=True),
    sa.Column("batch_id", sa.String(36), primary_key=True),
    *_problem_columns(),
    sa.Index("batch_problems_by_batch", "batch_id"),
    sa.Index("batch_problems_by_problem", "problem_id"),
)
"""What batches say of the problems of their runs. A run of many batches is added up when it is asked for: compaction
makes few of them."""

problem_totals = sa.Table(
    "problem_totals",
    metadata,
    sa.Column("integration", sa.Text, primary_key=True),
    sa.Column("configuration", sa.Text, primary_key=True),
    sa.Column("problem_id", sa.String(16), primary_key=True),
    sa.Column("runs", sa.BigInteger, nullable=False),
    *_problem_columns(),
    sa.Index("problem_totals_by_time", "last_us"),
    sa.Index("problem_totals_by_problem", "problem_id"),
)
"""The same over all runs of an integration and configuration (empty where a run has none)."""

runs = sa.Table(
    "runs",
    metadata,
    sa.Column("run_id", sa.Text, primary_key=True),
    sa.Column("integration", sa.Text, nullable=False),
    sa.Column("configuration", sa.Text),
    sa.Column("trigger", sa.Text),
    sa.Column("scope", sa.Text),
    sa.Column("progress", sa.String(16), nullable=False),
    sa.Column("status_rank", sa.Integer),
    sa.Column("announced_us", sa.BigInteger),
    sa.Column("started_us", sa.BigInteger),
    sa.Column("finished_us", sa.BigInteger),
    sa.Column("heard_us", sa.BigInteger, nullable=False),
    sa.Column("first_action_us", sa.BigInteger),
    sa.Column("last_action_us", sa.BigInteger),
    sa.Column("sort_us", sa.BigInteger, nullable=False),
    sa.Column("expected", sa.BigInteger),
    sa.Column("claimed", sa.Text),
    sa.Column("cancellable", sa.Boolean, nullable=False),
    sa.Column("attributes", sa.Text),
    sa.Column("message", sa.Text),
    sa.Column("last_event", sa.String(36)),
    *_count_columns(),
    sa.Column("gone", sa.BigInteger, nullable=False, default=0, server_default="0"),
    sa.Index("runs_by_time", "sort_us", "run_id", "status_rank"),
    sa.Index("runs_by_configuration", "integration", "configuration", "sort_us"),
)


def has_counted(operations: Sequence[str], statuses: Sequence[str]) -> sa.ColumnElement[bool]:
    """True of a run in a batch with an action of one of these operations and one of these statuses."""
    return sa.or_(
        *(batch_runs.c[f"{operation}_{status}".lower()] > 0 for operation in operations for status in statuses)
    )


run_events = sa.Table(
    "run_events",
    metadata,
    sa.Column("batch_id", sa.String(36), primary_key=True),
    sa.Column("row", sa.BigInteger, primary_key=True),
    sa.Column("run_id", sa.Text, nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("happened_us", sa.BigInteger, nullable=False),
    sa.Column("status", sa.String(8)),
    sa.Column("message", sa.Text),
    sa.Column("body", sa.Text, nullable=False),
    sa.Index("run_events_by_run", "run_id", "batch_id", "row"),
)

idempotency = sa.Table(
    "idempotency",
    metadata,
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("digest", sa.String(64), nullable=False),
    sa.Column("batch_id", sa.String(36), nullable=False),
    sa.Column("answer", sa.Text, nullable=False),
    sa.Index("idempotency_by_batch", "batch_id"),
)
