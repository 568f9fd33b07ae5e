"""Saving, changing and deleting SQL under a name; each saved query has an address of its own, to hand to others."""

from functools import partial
from urllib.parse import urlencode

from flask import Blueprint, redirect, render_template, request
from werkzeug.wrappers import Response

from ingest.errors import Conflict, InvalidInput
from query.saved_queries import SavedQueries, SavedQuery
from web.error_pages import status_of
from web.pages.sql import page_of
from web.pages.sql_form import Statement, chart_as_text, chart_of_text, read_statement
from web.workspace import Workspace


def saved_query_pages(workspace: Workspace) -> Blueprint:
    pages = Blueprint("saved_queries", __name__)
    one = "/sql/queries/<query_id>"
    pages.add_url_rule("/sql/queries", "add", partial(add_query, workspace), methods=["POST"])
    pages.add_url_rule(one, "query", partial(show_query, workspace))
    pages.add_url_rule(one, "change", partial(change_query, workspace), methods=["POST"])
    pages.add_url_rule(f"{one}/delete", "confirm", partial(confirm_deletion, workspace))
    pages.add_url_rule(f"{one}/delete", "delete", partial(delete_query, workspace), methods=["POST"])
    return pages


def show_query(workspace: Workspace, query_id: str) -> str:
    workspace.view.sandboxes.prepare()
    query = SavedQueries(workspace.control).get(query_id)
    statement = read_statement(request.args, sql=query.sql, chart=chart_of_text(query.chart))
    return render_template("sql.html", page=page_of(workspace, statement, query=query, name=query.name))


def add_query(workspace: Workspace) -> Response:
    statement, name = read_statement(request.form), request.form.get("name", "")
    try:
        query = SavedQueries(workspace.control).add(name=name, sql=statement.sql, chart=chart_as_text(statement.chart))
    except (InvalidInput, Conflict) as error:
        return _refused(workspace, statement, name, error)
    return _go_to(query, statement)


def change_query(workspace: Workspace, query_id: str) -> Response:
    statement, name = read_statement(request.form), request.form.get("name", "")
    queries = SavedQueries(workspace.control)
    try:
        query = queries.change(query_id, name=name, sql=statement.sql, chart=chart_as_text(statement.chart))
    except (InvalidInput, Conflict) as error:
        return _refused(workspace, statement, name, error, query=queries.get(query_id))
    return _go_to(query, statement)


def confirm_deletion(workspace: Workspace, query_id: str) -> str:
    return render_template("sql_delete.html", query=SavedQueries(workspace.control).get(query_id))


def delete_query(workspace: Workspace, query_id: str) -> Response:
    SavedQueries(workspace.control).delete(query_id)
    return redirect("/sql", 303)


def _go_to(query: SavedQuery, statement: Statement) -> Response:
    filled = [(name, value) for name, value in statement.arguments if name.startswith("$")]
    address = f"/sql/queries/{query.query_id}" + (f"?{urlencode(filled)}" if filled else "")
    return redirect(address, 303)


def _refused(
    workspace: Workspace, statement: Statement, name: str, error: InvalidInput | Conflict, **facts: object
) -> Response:
    page = page_of(workspace, statement, name=name, error=error, **facts)
    return Response(render_template("sql.html", page=page), status_of(error), mimetype="text/html")
