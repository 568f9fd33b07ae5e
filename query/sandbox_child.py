"""The process that runs one query of a user, then ends. A request in, an Arrow stream out; see ``sandbox``.

What holds a query: its syntax tree (one select, no statement hidden in it, only harmless table functions); DuckDB's
settings (no file but the batches, no extension, no change of settings); the operating system (see ``confinement``).
Each was found to be needed: in DuckDB 2.0 ``with x as (copy … to …) select …`` counts as a select, and may write
to files it may read.
"""

import json
import re
import sys
from typing import Any

import duckdb
import pyarrow as pa

from query.confinement import limit_resources, read_only_these

_MEGABYTE = 1024 * 1024
_OWN_MEMORY_MB = 1024
"""Address space of Python, Arrow and DuckDB before there is any data, with room for threads."""

_LONGEST_MESSAGE = 4000
_LINE = re.compile(r"^LINE (\d+):", re.MULTILINE)

_NODES = {"SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE"}
_TABLE_FUNCTIONS = {"range", "generate_series", "unnest", "repeat", "json_each", "json_tree", "duckdb_functions"}

_SETTINGS = (
    "TimeZone = 'UTC'",
    "temp_directory = ''",
    "autoinstall_known_extensions = false",
    "autoload_known_extensions = false",
    "allow_community_extensions = false",
    "python_enable_replacements = false",
    "enable_progress_bar = false",  # it would be drawn into the answer
    "parquet_metadata_cache = true",  # a statement is planned several times, and each looks at every file
)

Request = dict[str, Any]  # JSON values, see sandbox._request


class _Refused(Exception):
    pass


def prepare() -> duckdb.DuckDBPyConnection:
    """What every request needs and none changes: done before there is one, in the process that is then forked."""
    # It reads about the machine when it starts, which it cannot later; threads start later, so that they are confined.
    connection = duckdb.connect(":memory:", config={"threads": 1, "async_threads": 0})
    for setting in _SETTINGS:
        connection.execute(f"set {setting}")
    _warm(connection)
    return connection


def _warm(connection: duckdb.DuckDBPyConnection) -> None:
    """Go once all the way a request goes: what is loaded at the first use is then loaded in every fork."""
    connection.from_arrow(pa.table({"a": pa.array([1])})).create("warm")
    tree = _checked(connection, "select a from warm")
    list(connection.sql(tree).limit(1).to_arrow_reader(1))
    connection.execute("drop table warm")


def answer(connection: duckdb.DuckDBPyConnection) -> None:
    """Answer the request on standard input; the verdict goes to standard error, as one line of JSON."""
    if not (head := sys.stdin.buffer.readline()):
        return  # nobody wants it any more
    request = json.loads(head)
    tables = {name: _read_table(length) for name, length in request["tables"].items()}
    try:
        _confine(request)
        _set_up(connection, request, tables)
    except (duckdb.Error, OSError) as error:
        verdict: dict[str, object] = {"error": "unavailable", "message": str(error)[:_LONGEST_MESSAGE]}
    else:
        verdict = _run(connection, request)
    sys.stdout.flush()
    print(json.dumps(verdict), file=sys.stderr, flush=True)


def _run(connection: duckdb.DuckDBPyConnection, request: Request) -> dict[str, object]:
    try:
        return _answer(connection, request)
    except _Refused as error:
        return {"error": "refused", "message": str(error)}
    except (duckdb.Error, pa.ArrowException, MemoryError, OSError, RecursionError, TypeError, ValueError) as error:
        return _verdict_of(error)


def _verdict_of(error: Exception) -> dict[str, object]:
    """What went wrong, in DuckDB's words; Arrow passes them on in errors of its own."""
    message = str(error)
    if isinstance(error, MemoryError) or "Out of Memory" in message:
        return {"error": "too-large", "message": "the query needs more memory than it may have"}
    return {"error": "refused", "message": message[:_LONGEST_MESSAGE]}


def _read_table(length: int) -> pa.Table:
    with pa.ipc.open_stream(sys.stdin.buffer.read(length)) as stream:
        return stream.read_all()


def _confine(request: Request) -> None:
    limits = request["limits"]
    limit_resources(
        memory_bytes=(limits["memory_mb"] + _OWN_MEMORY_MB) * _MEGABYTE,
        cpu_seconds=int(limits["seconds"] * limits["threads"]) + 10,
    )
    read_only_these(request["files"])


def _answer(connection: duckdb.DuckDBPyConnection, request: Request) -> dict[str, object]:
    statement = _checked(connection, request["sql"])
    rows = request["limits"]["rows"]
    # As a subquery of a limit: DuckDB stops early, and takes a statement that writes for an error.
    relation = connection.sql(statement, params=request["parameters"]).limit(rows + 1)
    try:
        return {"truncated": _write(relation.to_arrow_reader(2048), rows)}
    except (duckdb.Error, OSError) as error:
        raise type(error)(_LINE.sub(_less_the_subquery, str(error))) from error


def _less_the_subquery(line: re.Match[str]) -> str:
    return f"LINE {int(line[1]) - 2}:"


def _set_up(connection: duckdb.DuckDBPyConnection, request: Request, tables: dict[str, pa.Table]) -> None:
    limits = request["limits"]
    files = request["files"]
    connection.execute("set memory_limit = $limit", {"limit": f"{limits['memory_mb']}MB"})
    for name, table in tables.items():
        connection.from_arrow(table).create(name)
    for name, select in request["views"].items():
        # As text: a view made of a relation is planned twice, and its files are looked at each time.
        connection.execute(f"create view {name} as {select}")
    # Not before: what is this small takes longer when a thread has to be woken for it.
    connection.execute("set threads = $threads", {"threads": limits["threads"]})
    connection.execute("set allowed_paths = $files", {"files": files})
    connection.execute("set enable_external_access = false")
    connection.execute("set lock_configuration = true")


def _checked(connection: duckdb.DuckDBPyConnection, sql: str) -> duckdb.Statement:
    """The one statement of the text, when it can only read."""
    statements = connection.extract_statements(sql)
    if len(statements) != 1:
        raise _Refused(f"one statement is run at a time, there are {len(statements)}")
    if statements[0].type != duckdb.StatementType.SELECT:
        raise _Refused(f"only select is allowed, this is {statements[0].type.name}")
    [[text]] = connection.sql("select json_serialize_sql($sql)", params={"sql": sql}).fetchall()
    tree = json.loads(text)
    if tree["error"]:
        raise _Refused(tree["error_message"])
    _check(tree)
    return statements[0]


def _check(tree: object) -> None:
    """Refuse statements that write, wherever they hide, and table functions that reach out of the database."""
    waiting = [tree]
    while waiting:
        part = waiting.pop()
        if isinstance(part, list):
            waiting.extend(part)
        elif isinstance(part, dict):
            waiting.extend(part.values())
            kind = part.get("type")
            if isinstance(kind, str) and kind.endswith("_NODE") and kind not in _NODES:
                raise _Refused(f"only select is allowed, there is a {kind.split('_')[0]} in it")
            if kind == "TABLE_FUNCTION":
                _check_table_function(part["function"]["function_name"])


def _check_table_function(name: str) -> None:
    if name.lower() not in _TABLE_FUNCTIONS:
        raise _Refused(f"the table function {name} is not allowed; these are: {', '.join(sorted(_TABLE_FUNCTIONS))}")


def _write(reader: pa.RecordBatchReader, rows: int) -> bool:
    """Write at most so many rows; True when there were more."""
    with pa.ipc.new_stream(sys.stdout.buffer, reader.schema) as stream:
        for batch in reader:
            stream.write_batch(batch.slice(0, rows))
            rows -= batch.num_rows
            if rows < 0:
                return True
    return False
