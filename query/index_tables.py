"""The runs and batches of the index as Arrow tables, with columns for people who write SQL."""

from typing import Any

import pyarrow as pa
import sqlalchemy as sa

from ingest.action import STATUSES, Operation, Status
from ingest.index_tables import batches, is_readable, runs
from query.lake_view import LakeView
from query.run_order import BEGUN_US, ENDED_US, UNREADABLE, counted

_TEXT = pa.string()
_INSTANT = pa.timestamp("us", tz="UTC")
_NUMBER = pa.int64()

_RUNS: dict[str, tuple[pa.DataType, sa.ColumnElement[Any]]] = {
    "run_id": (_TEXT, runs.c.run_id),
    "integration": (_TEXT, runs.c.integration),
    "configuration": (_TEXT, runs.c.configuration),
    "trigger": (_TEXT, runs.c.trigger),
    "scope": (_TEXT, runs.c.scope),
    "progress": (_TEXT, runs.c.progress),
    "status": (_TEXT, sa.case({status.rank: status.value for status in STATUSES}, value=runs.c.status_rank)),
    "begun_at": (_INSTANT, BEGUN_US),
    "started_at": (_INSTANT, runs.c.started_us),
    "finished_at": (_INSTANT, runs.c.finished_us),
    "duration_ms": (pa.int64(), (ENDED_US - BEGUN_US) / 1000),
    "heard_at": (_INSTANT, runs.c.heard_us),
    "processed": (_NUMBER, counted()),
    "creates": (_NUMBER, counted(Operation.CREATE)),
    "updates": (_NUMBER, counted(Operation.UPDATE)),
    "deletes": (_NUMBER, counted(Operation.DELETE)),
    "unchanged": (_NUMBER, counted(Operation.NONE)),
    "oks": (_NUMBER, counted(status=Status.OK)),
    "infos": (_NUMBER, counted(status=Status.INFO)),
    "warnings": (_NUMBER, counted(status=Status.WARNING)),
    "errors": (_NUMBER, counted(status=Status.ERROR)),
    "expected": (_NUMBER, runs.c.expected),
    "gone": (_NUMBER, runs.c.gone),
    "unreadable": (_NUMBER, UNREADABLE),
}

_BATCHES: dict[str, tuple[pa.DataType, sa.ColumnElement[Any]]] = {
    "batch_id": (_TEXT, batches.c.batch_id),
    "kind": (_TEXT, batches.c.kind),
    "rows": (_NUMBER, batches.c.rows),
    "bytes": (_NUMBER, batches.c.bytes),
    "first_at": (_INSTANT, batches.c.first_us),
    "last_at": (_INSTANT, batches.c.last_us),
}

RUN_TABLE_SCHEMA = pa.schema([(name, kind) for name, (kind, _) in _RUNS.items()])
BATCH_TABLE_SCHEMA = pa.schema([(name, kind) for name, (kind, _) in _BATCHES.items()])


def list_runs(view: LakeView) -> pa.Table:
    """Every run."""
    return _table(view, _RUNS, RUN_TABLE_SCHEMA, sa.true())


def list_batches(view: LakeView) -> pa.Table:
    """Every live batch but damaged ones."""
    return _table(view, _BATCHES, BATCH_TABLE_SCHEMA, is_readable(batches.c.batch_id))


def _table(
    view: LakeView,
    columns: dict[str, tuple[pa.DataType, sa.ColumnElement[Any]]],
    schema: pa.Schema,
    condition: sa.ColumnElement[bool],
) -> pa.Table:
    chosen = sa.select(*(expression.label(name) for name, (_, expression) in columns.items()))
    rows = view.select(chosen.where(condition))
    values = list(zip(*rows, strict=True)) or [()] * len(columns)
    return pa.table([pa.array(column, kind) for column, kind in zip(values, schema.types, strict=True)], schema=schema)
