"""SQL over everything: one read-only statement, run when its form is sent.

A link may carry a statement (``/sql?sql=…``); it only fills the field, so following a link never runs anything.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

import pyarrow as pa
from flask import Blueprint, Response, render_template, request

from ingest.errors import InvalidInput, QueryError
from query.sandbox import SqlLimits, SqlResult, run_sql
from reports.tables import TableFormat, write_table
from reports.wording import iso_datetime, shorten
from web.api.sql import limits_of
from web.pages.sql_examples import EXAMPLES, VIEWS, Example
from web.workspace import Workspace

ROWS_SHOWN = 500
CELL_SHOWN = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class SqlPage:
    """The statement, and what came of it."""

    sql: str
    limits: SqlLimits
    result: SqlResult | None = None
    error: str | None = None

    @property
    def rows(self) -> Sequence[tuple[object, ...]]:
        """Values by place, because two columns may have one name."""
        table: pa.Table | None = self.result and self.result.table
        return [] if table is None else list(zip(*(column.to_pylist() for column in table.columns), strict=True))

    @property
    def took(self) -> timedelta | None:
        return None if self.result is None else timedelta(seconds=self.result.seconds)

    def cell(self, value: object) -> str:
        """One value as text; numbers exactly as they are, because they may be ids."""
        return shorten(iso_datetime(value) if isinstance(value, datetime) else str(value), CELL_SHOWN)

    @property
    def examples(self) -> Sequence[Example]:
        return EXAMPLES

    @property
    def views(self) -> Mapping[str, tuple[str, ...]]:
        return VIEWS


def sql_pages(workspace: Workspace) -> Blueprint:
    pages = Blueprint("sql", __name__)
    pages.add_url_rule("/sql", "sql", partial(show_sql, workspace))
    pages.add_url_rule("/sql", "result", partial(show_sql_result, workspace), methods=["POST"])
    for table_format in TableFormat:
        view = partial(download_sql_result, workspace, table_format)
        pages.add_url_rule(f"/sql.{table_format}", table_format.value, view, methods=["POST"])
    return pages


def show_sql(workspace: Workspace) -> str:
    page = SqlPage(sql=request.args.get("sql", ""), limits=limits_of(workspace.settings))
    return render_template("sql.html", page=page)


def show_sql_result(workspace: Workspace) -> Response:
    sql, limits = request.form.get("sql", ""), limits_of(workspace.settings)
    try:
        result = run_sql(workspace.view, _required(sql), limits=limits_of(workspace.settings, rows=ROWS_SHOWN))
    except (InvalidInput, QueryError) as error:
        page = SqlPage(sql=sql, limits=limits, error=error.message)
        return Response(render_template("sql.html", page=page), 400)
    return Response(render_template("sql.html", page=SqlPage(sql=sql, limits=limits, result=result)))


def download_sql_result(workspace: Workspace, table_format: TableFormat) -> Response:
    sql = _required(request.form.get("sql", ""))
    result = run_sql(workspace.view, sql, limits=limits_of(workspace.settings))
    return Response(
        write_table(result.table.to_reader(), table_format),
        mimetype=table_format.media_type,
        headers={"Content-Disposition": f'attachment; filename="result.{table_format}"'},
    )


def _required(sql: str) -> str:
    if not sql.strip():
        raise InvalidInput("there is no SQL to run", field="sql", hint="type a statement, or click an example")
    return sql
