"""SQL over everything: one read-only statement, run when its form is sent.

A link may carry a statement (``/sql?sql=…``, with ``$name=…`` for its parameters); it only fills the form, so following
a link never runs anything. A statement under way is known by an id, by which anybody can end it.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from functools import partial

import pyarrow as pa
from flask import Blueprint, Response, redirect, render_template, request
from werkzeug.wrappers import Response as BaseResponse

from ingest.errors import InvalidInput, NotFound, StatementNotFound, SynclogError
from query.ready_questions import find_question
from query.sandbox import SqlResult, run_sql
from query.saved_queries import SavedQueries
from query.sql_views import SQL_VIEWS
from query.sql_words import list_words
from reports.tables import TableFormat, write_table
from web.api.sql import as_arrow_stream, limits_of, rows_of
from web.error_pages import status_of
from web.pages.fragments import is_fragment_wanted, render
from web.pages.sql_form import Statement, read_statement
from web.pages.sql_page import ROWS_SHOWN, Answer, SqlPage
from web.workspace import Workspace

WORDS_KEPT = "private, max-age=3600"


def sql_pages(workspace: Workspace) -> Blueprint:
    pages = Blueprint("sql", __name__)
    pages.add_url_rule("/sql", "sql", partial(show_sql, workspace))
    pages.add_url_rule("/sql", "result", partial(show_sql_result, workspace), methods=["POST"])
    pages.add_url_rule("/sql.<suffix>", "download", partial(download_sql_result, workspace), methods=["POST"])
    pages.add_url_rule("/sql/parameters", "parameters", show_parameters, methods=["POST"])
    pages.add_url_rule("/sql/questions/<name>", "question", partial(show_question, workspace))
    pages.add_url_rule("/sql/words.json", "words", show_words)
    pages.add_url_rule("/sql/functions.json", "functions", show_functions)
    pages.add_url_rule("/sql/statements", "statements", partial(show_statements, workspace))
    pages.add_url_rule(
        "/sql/statements/<statement_id>/cancel", "cancel", partial(cancel_statement, workspace), methods=["POST"]
    )
    return pages


def show_sql(workspace: Workspace) -> str:
    return show_statement(workspace, read_statement(request.args))


def show_question(workspace: Workspace, name: str) -> str:
    question = find_question(name)
    if question is None:
        raise NotFound(f"there is no question {name!r}", hint="the page /sql lists them")
    return show_statement(workspace, read_statement(request.args, sql=question.sql, chart=question.chart))


def show_statement(workspace: Workspace, statement: Statement) -> str:
    workspace.view.sandboxes.prepare()
    return render_template("sql.html", page=page_of(workspace, statement))


def page_of(workspace: Workspace, statement: Statement, **facts: object) -> SqlPage:
    """The page of a statement, with what is beside it."""
    return SqlPage(
        statement=statement,
        limits=limits_of(workspace.settings),
        saved=SavedQueries(workspace.control).list(),
        running=workspace.view.running.list_running(),
        **facts,  # type: ignore[arg-type]  # fields of the page
    )


def show_sql_result(workspace: Workspace) -> Response:
    statement = read_statement(request.form)
    known = SavedQueries(workspace.control).find(request.form.get("query_id", ""))
    facts: dict[str, object] = {"query": known, "name": request.form.get("name", "")}
    status = 200
    try:
        rows = None if statement.chart else ROWS_SHOWN
        facts["answer"] = Answer(result=_run(workspace, statement, rows=rows), chart=statement.chart)
    except SynclogError as error:
        facts["error"] = error
        status = 200 if is_fragment_wanted() else status_of(error)
    response = render("sql.html", "_sql_answer.html", page=page_of(workspace, statement, **facts))
    response.status_code = status
    if known is None and statement.address:
        response.headers["HX-Replace-Url"] = statement.address
    return response


def download_sql_result(workspace: Workspace, suffix: str) -> Response:
    write = WRITERS.get(suffix)
    if write is None:
        raise NotFound(f"there are no results as .{suffix}", hint=f"there are .{', .'.join(WRITERS)}")
    response = write(_run(workspace, read_statement(request.form)).table)
    response.headers["Content-Disposition"] = f'attachment; filename="result.{suffix}"'
    return response


def show_parameters() -> str:
    """Just the fields of the parameters, while somebody types."""
    return render_template("_sql_parameters.html", statement=read_statement(request.form))


def show_words() -> Response:
    """What the editor completes."""
    words = list_words()
    views = [asdict(view) for view in SQL_VIEWS]
    return _kept({"views": views, "keywords": words.keywords, "types": words.types, "functions": list(words.functions)})


def show_functions() -> Response:
    """What each function does, for whoever looks at one."""
    return _kept(list_words().functions)


def _kept(facts: object) -> Response:
    response = Response(json.dumps(facts), mimetype="application/json")
    response.headers["Cache-Control"] = WORDS_KEPT
    return response


def show_statements(workspace: Workspace) -> Response:
    return render("sql_statements.html", "_sql_statements.html", running=workspace.view.running.list_running())


def cancel_statement(workspace: Workspace, statement_id: str) -> BaseResponse:
    try:
        workspace.view.running.cancel(statement_id)
    except StatementNotFound:
        if not is_fragment_wanted():
            raise
    return Response(status=204) if is_fragment_wanted() else redirect("/sql/statements", 303)


def _run(workspace: Workspace, statement: Statement, *, rows: int | None = None) -> SqlResult:
    if not statement.sql.strip():
        raise InvalidInput("there is no SQL to run", field="sql", hint="type a statement, or choose a question")
    if statement.missing:
        names = ", ".join(f"${name}" for name in statement.missing)
        raise InvalidInput(f"the statement asks for {names}", hint="fill in the fields below it, then run it again")
    return run_sql(
        workspace.view,
        statement.sql,
        parameters=statement.parameters or None,
        limits=limits_of(workspace.settings, rows=rows),
        statement_id=request.form.get("statement_id"),
    )


def _as_file(table: pa.Table, table_format: TableFormat) -> Response:
    return Response(write_table(table.to_reader(), table_format), mimetype=table_format.media_type)


def _as_json_file(table: pa.Table) -> Response:
    return Response(json.dumps(rows_of(table), ensure_ascii=False), mimetype="application/json")


def _as_arrow_file(table: pa.Table) -> Response:
    return Response(as_arrow_stream(table), mimetype="application/vnd.apache.arrow.stream")


WRITERS: Mapping[str, Callable[[pa.Table], Response]] = {
    "csv": partial(_as_file, table_format=TableFormat.CSV),
    "json": _as_json_file,
    "parquet": partial(_as_file, table_format=TableFormat.PARQUET),
    "arrow": _as_arrow_file,
}
