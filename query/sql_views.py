"""The views that SQL by users reads: what each is, and what each of its columns says, for help beside the editor."""

from collections.abc import Mapping
from dataclasses import dataclass

from ingest.schema import ACTION_SCHEMA
from query.index_tables import BATCH_TABLE_SCHEMA, RUN_TABLE_SCHEMA

_MEANINGS = {
    "batch_id": "the file it lies in; ids sort by time of arrival",
    "row": "its place in the body it came with; with batch_id its identity",
    "run_id": "one execution of an integration",
    "integration": "a kind of sync between two systems",
    "configuration": "which one, where an integration has several",
    "trigger": "why the run ran, FULL_SYNC_JOB …",
    "happened_at": "when, in UTC",
    "operation": "CREATE, UPDATE, DELETE or NONE",
    "status": "OK, INFO, WARNING or ERROR; of a run or problem the worst",
    "source_type": "kind of the record it came from",
    "source_id": "id of the record it came from",
    "source_name": "name of the record it came from",
    "target_type": "kind of the record it was written to",
    "target_id": "id of the record it was written to",
    "target_name": "name of the record it was written to",
    "code": "a code of the sender, 403 …",
    "message": "what the sender said",
    "details": "whatever else it said, as JSON text: details ->> '$.field'",
    "duration_ms": "milliseconds it took",
    "problem_id": "the same for failures that differ only in names, ids and numbers",
    "scope": "FULL or PARTIAL",
    "progress": "PENDING, RUNNING, ABORTION_PENDING, ABORTED or FINISHED",
    "begun_at": "when it started, or its first action",
    "started_at": "when its sender said it started",
    "finished_at": "when its sender said it finished",
    "heard_at": "when anything of it arrived last",
    "processed": "how many actions",
    "creates": "how many CREATE",
    "updates": "how many UPDATE",
    "deletes": "how many DELETE",
    "unchanged": "how many NONE",
    "oks": "how many OK",
    "infos": "how many INFO",
    "warnings": "how many WARNING",
    "errors": "how many ERROR",
    "expected": "how many actions were announced",
    "gone": "how many retention has removed",
    "unreadable": "how many lie in damaged files",
    "count": "how many actions had it",
    "records": "how many different records had it",
    "runs": "how many runs had it",
    "first_at": "the first time",
    "last_at": "the last time",
    "kind": "actions, runs or rejects",
    "rows": "how many rows",
    "bytes": "how large the file is",
}

_PROBLEM_COLUMNS = (
    *("problem_id", "integration", "status", "count", "records", "runs"),
    *("first_at", "last_at", "message"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SqlView:
    """One of the views, and the meaning of each column in order."""

    name: str
    meaning: str
    columns: Mapping[str, str]


def _view(name: str, meaning: str, columns: tuple[str, ...]) -> SqlView:
    return SqlView(name=name, meaning=meaning, columns={column: _MEANINGS[column] for column in columns})


SQL_VIEWS = (
    _view("actions", "one row for each thing done, or found right, for one record", tuple(ACTION_SCHEMA.names)),
    _view("runs", "one row for each execution of an integration, with its counts", tuple(RUN_TABLE_SCHEMA.names)),
    _view("problems", "one row for each kind of failure of an integration", _PROBLEM_COLUMNS),
    _view("batches", "one row for each file of the lake", tuple(BATCH_TABLE_SCHEMA.names)),
)
