"""Ad-hoc SQL over HTTP, in the format the Accept header asks for."""

import json
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal

import pyarrow as pa
from flask import Response, request

from ingest.errors import InvalidInput, UnsupportedContent
from query.sandbox import SqlLimits, SqlResult, run_sql
from reports.tables import TableFormat, write_table
from web.api.body import read_small_body
from web.api.routes import JSON, Answer, Body, Route, workspace
from web.api.schemas import JsonObject, instant, read_object
from web.settings import Settings

ARROW = "application/vnd.apache.arrow.stream"
PARQUET = "application/vnd.apache.parquet"
CSV = "text/csv"
NDJSON = "application/x-ndjson"
LARGEST_LIMIT = 1_000_000


def post_sql() -> Response:
    served = workspace()
    render = _renderer()
    statement = _read_statement(read_small_body(max_bytes=served.settings.max_body_bytes))
    result = run_sql(
        served.view,
        statement["sql"],
        parameters=statement.get("parameters"),
        limits=limits_of(served.settings, rows=statement.get("limit")),
        statement_id=statement.get("statement_id"),
    )
    response = render(result)
    response.headers["Synclog-Truncated"] = "true" if result.truncated else "false"
    return response


def limits_of(settings: Settings, *, rows: int | None = None) -> SqlLimits:
    return SqlLimits(seconds=settings.sql_seconds, rows=rows or settings.sql_rows, memory_mb=settings.sql_memory_mb)


def rows_of(table: pa.Table) -> list[JsonObject]:
    """Rows as JSON objects."""
    columns = [[as_json(value) for value in column.to_pylist()] for column in table.columns]
    return [dict(zip(table.column_names, row, strict=True)) for row in zip(*columns, strict=True)]


def as_arrow_stream(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    written: bytes = sink.getvalue().to_pybytes()
    return written


def as_json(value: object) -> object:
    """A value of a column as JSON can say it: times as RFC 3339, what JSON has no word for as text."""
    if isinstance(value, datetime):
        return instant(value) if value.tzinfo else value.isoformat()
    if isinstance(value, float) and not -1e308 < value < 1e308:
        return None if value != value else str(value)
    if isinstance(value, dict):
        return {str(key): as_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [as_json(item) for item in value]
    if value is None or isinstance(value, str | int | float | bool):
        return value
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, Decimal) and value == value.to_integral_value():
        return int(value)
    return value.isoformat() if isinstance(value, date) else str(value)


def _read_statement(body: bytes) -> JsonObject:
    statement = read_object(body)
    if not isinstance(statement.get("sql"), str) or not statement["sql"].strip():
        raise InvalidInput("the body has no statement", field="sql", hint='send {"sql": "select …"}')
    if not isinstance(statement.get("parameters"), list | dict | None):
        raise InvalidInput("parameters are a list or an object", field="parameters")
    if not isinstance(statement.get("statement_id"), str | None):
        raise InvalidInput("statement_id is text", field="statement_id")
    limit = statement.get("limit")
    if limit is not None and (isinstance(limit, bool) or not isinstance(limit, int) or not 1 <= limit <= LARGEST_LIMIT):
        raise InvalidInput(f"limit is a whole number from 1 to {LARGEST_LIMIT}", field="limit")
    return statement


def _renderer() -> Callable[[SqlResult], Response]:
    """How the Accept header wants the rows; JSON when it takes anything."""
    best = request.accept_mimetypes.best_match(tuple(RENDERERS))
    if best is None and request.accept_mimetypes:
        raise UnsupportedContent(
            "none of the accepted formats can be made", field="Accept", hint=f"accept one of {', '.join(RENDERERS)}"
        )
    return RENDERERS[best or JSON]


def _as_json(result: SqlResult) -> Response:
    table = result.table
    body = {
        "columns": [{"name": field.name, "type": str(field.type)} for field in table.schema],
        "rows": rows_of(table),
        "truncated": result.truncated,
        "seconds": round(result.seconds, 3),
    }
    return Response(json.dumps(body), content_type=JSON)


def _as_ndjson(result: SqlResult) -> Response:
    lines = "".join(json.dumps(row) + "\n" for row in rows_of(result.table))
    return Response(lines, content_type=NDJSON)


def _as_csv(result: SqlResult) -> Response:
    return Response(write_table(result.table.to_reader(), TableFormat.CSV), content_type=TableFormat.CSV.media_type)


def _as_parquet(result: SqlResult) -> Response:
    return Response(write_table(result.table.to_reader(), TableFormat.PARQUET), content_type=PARQUET)


def _as_arrow(result: SqlResult) -> Response:
    return Response(as_arrow_stream(result.table), content_type=ARROW)


RENDERERS: dict[str, Callable[[SqlResult], Response]] = {
    JSON: _as_json,
    CSV: _as_csv,
    NDJSON: _as_ndjson,
    ARROW: _as_arrow,
    PARQUET: _as_parquet,
}

ROUTES = (
    Route(
        method="POST",
        path="/sql",
        view=post_sql,
        summary="Ask with SQL",
        detail=(
            "One read-only statement over the views actions, runs, problems and batches, within limits of time, memory "
            "and rows. The Accept header chooses the format; Synclog-Truncated says whether there were more rows. "
            "400 is a statement that cannot be run, 422 one that ran into a limit."
        ),
        body=Body(
            schema="SqlStatement",
            example={"sql": "select status, count(*) as actions from actions group by status", "limit": 100},
        ),
        answers=(
            Answer(status=200, meaning="the rows", schema="SqlResult"),
            Answer(status=200, meaning="the rows", media=(CSV, NDJSON, ARROW, PARQUET)),
        ),
        errors=(415, 422),
    ),
)
