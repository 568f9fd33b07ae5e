"""SQL of a user, run in a process of its own that can be killed and that can read nothing but the lake's actions.

A query may be wrong in every way there is: never end, take all memory, have a result larger than the machine. The
process has limits of its own; this side has the last word on time and on the size of what it accepts. Each query has
a new one, so no query can leave anything behind for the next.
"""

import io
import json
import os
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import IO, Any

import pyarrow as pa

from ingest.errors import (
    InvalidInput,
    LakeUnavailable,
    QueryError,
    QueryRefused,
    QueryTooLarge,
    SynclogError,
)
from query.index_tables import BATCH_TABLE_SCHEMA, RUN_TABLE_SCHEMA, list_batches, list_runs
from query.lake_view import LakeView
from query.sandbox_process import Process
from query.statements import load

Parameters = Sequence[object] | Mapping[str, object]

_MEGABYTE = 1024 * 1024
_LONGEST_SQL = 200_000
_LONGEST_VERDICT = 64 * 1024

_VERDICTS: dict[str, type[SynclogError]] = {
    "refused": QueryRefused,
    "too-large": QueryTooLarge,
    "unavailable": LakeUnavailable,
}

_ACTIONS = "select * from read_parquet([{files}], union_by_name = true, hive_partitioning = false)"

_OF_A_FILE = re.compile("parquet|protocol|decompress|magic bytes|buffer|encod|unicode|cannot open", re.IGNORECASE)
"""What DuckDB says of a damaged file has a word of these; so may what it says of a statement."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SqlLimits:
    """How much a query may take. ``rows`` cuts the result, the others end the query."""

    seconds: float = 30
    rows: int = 10_000
    memory_mb: int = 1024
    result_mb: int = 64
    threads: int = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class SqlResult:
    """What a query gave; ``truncated`` when there was more than the limit of rows."""

    table: pa.Table
    truncated: bool
    seconds: float


def run_sql(
    view: LakeView,
    sql: str,
    *,
    parameters: Parameters | None = None,
    limits: SqlLimits = SqlLimits(),
    statement_id: str | None = None,
) -> SqlResult:
    """The result of one select over the views actions, runs, problems and batches.

    ``statement_id`` is the name it can be cancelled by while it runs. Raises QueryRefused with DuckDB's words,
    QueryTimedOut, QueryCancelled, QueryTooLarge, BatchDamaged.
    """
    begun = time.monotonic()
    files = _files_of(view, sql)
    request = _request(view, sql, parameters, limits, files)
    watch = view.running.watch
    try:
        with (
            view.sandboxes.one() as child,
            watch(sql, child.kill, seconds=limits.seconds, statement_id=statement_id),
        ):
            answer, verdict = _talk(child, request, limits.result_mb * _MEGABYTE)
    except (QueryRefused, LakeUnavailable) as error:
        if files and _OF_A_FILE.search(error.message):
            raise view.trouble.behind(error, files) from error
        raise
    with pa.ipc.open_stream(answer) as stream:
        table = stream.read_all()
    return SqlResult(table=table, truncated=verdict["truncated"], seconds=time.monotonic() - begun)


def _files_of(view: LakeView, sql: str) -> list[str]:
    """What the text does not name it cannot read: then the view is there, but nothing is fetched for it."""
    named = sql.lower()
    return view.files_between() if "actions" in named or "problems" in named else []


def _request(view: LakeView, sql: str, parameters: Parameters | None, limits: SqlLimits, files: Sequence[str]) -> bytes:
    """A line of JSON, then the tables it announces, each an Arrow stream."""
    if len(sql) > _LONGEST_SQL:
        raise QueryRefused(f"a query may have {_LONGEST_SQL:,} characters, this one has {len(sql):,}")
    named = sql.lower()
    tables = {
        "runs": _stream_of(list_runs(view) if "runs" in named else RUN_TABLE_SCHEMA.empty_table()),
        "batches": _stream_of(list_batches(view) if "batches" in named else BATCH_TABLE_SCHEMA.empty_table()),
    }
    # From its own folder: wildcards in the name of a folder above would be taken for such.
    readable = [str(view.empty_batch), *(os.path.relpath(file, view.lake.root) for file in files)]
    head = {
        "sql": sql,
        "parameters": parameters,
        "limits": asdict(limits),
        "files": readable,
        "views": {
            "actions": _ACTIONS.format(files=", ".join(map(_quoted, readable))),
            "problems": load("sandbox.problems"),
        },
        "tables": {name: len(stream) for name, stream in tables.items()},
    }
    try:
        line = json.dumps(head, default=_spelled)
        return b"".join([line.encode(), b"\n", *tables.values()])
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidInput(f"the parameters cannot be written as JSON: {error}", field="parameters") from error


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _talk(child: Process, request: bytes, most: int) -> tuple[bytes, dict[str, Any]]:
    """The child's answer, an Arrow stream, and its verdict, plain JSON values."""
    _send(child.stdin, request)
    answer = io.BytesIO()
    while piece := child.stdout.read(_MEGABYTE):
        answer.write(piece)
        if answer.tell() > most:
            raise QueryTooLarge(
                f"the result is larger than {most // _MEGABYTE} MB", hint="choose fewer columns or rows"
            )
    verdict = child.stderr.read(_LONGEST_VERDICT)
    return answer.getvalue(), _read_verdict(verdict, child)


def _send(pipe: IO[bytes], request: bytes) -> None:
    try:
        with pipe:
            pipe.write(request)
    except BrokenPipeError:
        pass  # it died early; its verdict or its exit code says why


def _read_verdict(text: bytes, child: Process) -> dict[str, Any]:
    """The child's last words. Raises what it says went wrong, or, when it died without a word, what that means."""
    try:
        verdict = json.loads(text.splitlines()[-1])
    except (IndexError, ValueError):
        verdict = None
    if isinstance(verdict, dict) and "error" in verdict:
        raise _VERDICTS[verdict["error"]](verdict["message"])
    if isinstance(verdict, dict):
        return verdict
    if child.wait() == 1:  # Python gave up by itself: a mistake of ours, not of the query
        raise QueryError(f"the process for SQL failed: {text.decode(errors='replace')[-500:]}")
    raise QueryTooLarge("the query brought its process down, most likely for want of memory")


def _stream_of(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    written: bytes = sink.getvalue().to_pybytes()
    return written


def _spelled(value: object) -> str:
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    raise TypeError(f"a {type(value).__name__} is not JSON")
