"""One record: everything that ever happened to it, across runs and integrations, latest first.

Its id stands in the path; one that a browser would take for a step up in the path, in the query.
"""

from functools import partial

from flask import Blueprint, Response, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from ingest.errors import InvalidInput
from query.search import Search, record_history
from reports.record_history import read_record_history
from web.api.query_parameters import limit_of, text_of
from web.api.search import ANY_TYPE
from web.pages.addresses import said
from web.pages.fragments import is_fragment_wanted
from web.pages.record_page import RecordPage, VisitTable
from web.pages.search_files import found_pages, write_hits_csv, write_hits_json
from web.workspace import Workspace


def record_pages(workspace: Workspace) -> Blueprint:
    pages = Blueprint("record", __name__)
    pages.add_url_rule("/records", "records", partial(show_named_record, workspace))
    pages.add_url_rule("/records/<record_type>/<path:record_id>", "record", partial(show_record, workspace))
    pages.add_url_rule("/records.csv", "csv", partial(show_record_csv, workspace))
    pages.add_url_rule("/records.json", "json", partial(show_record_json, workspace))
    return pages


def show_named_record(workspace: Workspace) -> str | AnyResponse:
    """The record the query names; without one, where to name it."""
    if text_of("id") is None:
        return render_template("record_choice.html", record_type=text_of("type") or "")
    return show_record(workspace, *_named())


def show_record(workspace: Workspace, record_type: str | None, record_id: str) -> str | AnyResponse:
    kind = None if record_type == ANY_TYPE else record_type
    arguments, cursor = said(request.args, without=["type", "id"]), text_of("cursor")
    if cursor is None:
        history = read_record_history(workspace.view, kind, record_id, limit=limit_of())
        head, page = history.head, history.page
    else:
        head, page = None, record_history(workspace.view, kind, record_id, limit=limit_of(), cursor=cursor)
    table = VisitTable(record_type=kind, record_id=record_id, page=page, arguments=arguments)
    if is_fragment_wanted():
        return render_template("_record_rows.html", table=table)
    return render_template("record.html", page=RecordPage(head=head, table=table))


def show_record_csv(workspace: Workspace) -> Response:
    return Response(
        write_hits_csv(found_pages(workspace.view, _search())),
        mimetype="text/csv",
        headers={"Content-Disposition": 'attachment; filename="record.csv"'},
    )


def show_record_json(workspace: Workspace) -> Response:
    return Response(write_hits_json(found_pages(workspace.view, _search())), mimetype="application/json")


def _search() -> Search:
    record_type, record_id = _named()
    return Search(record_type=record_type, record_id=record_id)


def _named() -> tuple[str | None, str]:
    """The type, None for any, and the id in the query. Raises InvalidInput."""
    record_type, record_id = text_of("type"), text_of("id")
    if record_id is None:
        raise InvalidInput("id is missing", field="id", hint="?type=…&id=…; without a type, records of any")
    return None if record_type == ANY_TYPE else record_type, record_id
