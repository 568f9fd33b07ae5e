"""Search across runs: actions of any run, latest first."""

from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

from flask import Blueprint, Response, render_template, request

from ingest.errors import InvalidInput
from query.runs import list_facets
from query.search import Search
from query.search_fields import Match
from web.api.query_parameters import text_of
from web.api.search import match_of
from web.pages.addresses import said
from web.pages.fragments import is_fragment_wanted
from web.pages.search_files import found_pages, write_hits_csv, write_hits_json
from web.pages.search_results import Asked, build_results, read_asked_search
from web.workspace import Workspace


def search_pages(workspace: Workspace) -> Blueprint:
    pages = Blueprint("search", __name__)
    pages.add_url_rule("/search", "search", partial(show_search, workspace))
    pages.add_url_rule("/search.csv", "csv", partial(show_search_csv, workspace))
    pages.add_url_rule("/search.json", "json", partial(show_search_json, workspace))
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
