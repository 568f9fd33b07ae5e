"""Search across runs, and the history of a record: actions of any run, latest first."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial

from flask import Blueprint, Response, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from ingest.errors import InvalidInput
from query.actions import Action
from query.runs import list_facets
from query.search import Search, record_history
from query.search_fields import Match
from web.api.query_parameters import limit_of, text_of
from web.api.search import ANY_TYPE, match_of
from web.pages.action_table import MESSAGE_SHOWN
from web.pages.addresses import Arguments, address, path_of_record, said
from web.pages.fragments import is_fragment_wanted
from web.pages.search_files import found_pages, write_hits_csv, write_hits_json
from web.pages.search_results import Asked, build_results, read_asked_search
from web.workspace import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundActions:
    """One page of actions of any run, and where it goes on."""

    path: str
    actions: Sequence[Action]
    arguments: Arguments
    next_cursor: str | None
    shows_runs: bool = True
    message_shown: int = MESSAGE_SHOWN

    @property
    def next_address(self) -> str | None:
        if self.next_cursor is None:
            return None
        return address(self.path, self.arguments, {"cursor": self.next_cursor})

    @property
    def more_address(self) -> str | None:
        """The rows that go on where these end: the same address, asked for as a part of the page."""
        return self.next_address

    @property
    def first_address(self) -> str | None:
        if "cursor" not in self.arguments:
            return None
        return address(self.path, said(self.arguments, without=["cursor"]))


def search_pages(workspace: Workspace) -> Blueprint:
    pages = Blueprint("search", __name__)
    pages.add_url_rule("/search", "search", partial(show_search, workspace))
    pages.add_url_rule("/search.csv", "csv", partial(show_search_csv, workspace))
    pages.add_url_rule("/search.json", "json", partial(show_search_json, workspace))
    pages.add_url_rule("/records/<record_type>/<path:record_id>", "record", partial(show_record, workspace))
    return pages


def show_search(workspace: Workspace) -> Response:
    now = datetime.now(UTC)
    asked = Asked(
        text=(text_of("q") or "").strip(),
        match=Match.WORDS,
        arguments=said(request.args),
        known=list_facets(workspace.view),
    )
    is_fragment = is_fragment_wanted()
    try:
        asked = replace(asked, match=match_of())
        if asked.is_searched:
            found = build_results(workspace.view, asked, now=now, with_facets=not is_fragment)
            asked = replace(asked, found=found)
    except InvalidInput as error:
        return Response(render_template("search.html", page=replace(asked, error=error)), 400)
    if is_fragment and asked.found is not None:
        return Response(render_template("_search_rows.html", results=asked.found))
    return Response(render_template("search.html", page=asked))


def show_search_csv(workspace: Workspace) -> Response:
    return Response(
        write_hits_csv(found_pages(workspace.view, _search())),
        mimetype="text/csv",
        headers={"Content-Disposition": 'attachment; filename="actions.csv"'},
    )


def show_search_json(workspace: Workspace) -> Response:
    return Response(write_hits_json(found_pages(workspace.view, _search())), mimetype="application/json")


def _search() -> Search:
    return read_asked_search((text_of("q") or "").strip(), match_of(), now=datetime.now(UTC))


def show_record(workspace: Workspace, record_type: str, record_id: str) -> AnyResponse | str:
    kind = None if record_type == ANY_TYPE else record_type
    found = record_history(workspace.view, kind, record_id, limit=limit_of(), cursor=text_of("cursor"))
    table = FoundActions(
        path=path_of_record(kind, record_id),
        actions=found.items,
        arguments=said(request.args),
        next_cursor=found.next_cursor,
    )
    if is_fragment_wanted():
        return render_template("_action_rows.html", table=table)
    if not found.items and table.first_address:
        return redirect(table.first_address)
    return render_template(
        "record.html", table=table, record_type=kind, record_id=record_id, name=_name_of(found.items, record_id)
    )


def _name_of(actions: Sequence[Action], record_id: str) -> str | None:
    """What the latest action that knows it calls the record."""
    for action in actions:
        sides = ((action.source_id, action.source_name), (action.target_id, action.target_name))
        for known_id, name in sides:
            if known_id == record_id and name:
                return name
    return None
