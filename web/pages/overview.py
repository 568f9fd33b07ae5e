"""The overview: every integration and configuration, what needs attention first; the same as CSV and JSON."""

import csv
import io
import json
from datetime import UTC, datetime
from functools import partial

from flask import Blueprint, Response, request

from query.watch import find_watched
from web.api.overview import CSV_COLUMNS, list_watched, read_watch_filter, watched_as_json, watched_as_row
from web.pages.addresses import said
from web.pages.fragments import render
from web.pages.overview_list import build_overview
from web.workspace import Workspace


def overview_pages(workspace: Workspace) -> Blueprint:
    pages = Blueprint("overview", __name__)
    pages.add_url_rule("/", "overview", partial(show_overview, workspace))
    pages.add_url_rule("/overview.csv", "csv", partial(show_overview_csv, workspace))
    pages.add_url_rule("/overview.json", "json", partial(show_overview_json, workspace))
    return pages


def show_overview(workspace: Workspace) -> Response:
    now = datetime.now(UTC)
    page = build_overview(list_watched(workspace, now=now), said(request.args), now=now)
    return render("overview.html", "_overview.html", page=page)


def show_overview_csv(workspace: Workspace) -> Response:
    written = io.StringIO()
    writer = csv.DictWriter(written, CSV_COLUMNS, lineterminator="\n")
    writer.writeheader()
    watched = list_watched(workspace, now=datetime.now(UTC))
    writer.writerows(
        watched_as_row(each) for each in find_watched(watched, read_watch_filter(), limit=len(watched)).items
    )
    headers = {"Content-Disposition": 'attachment; filename="overview.csv"'}
    return Response(written.getvalue(), mimetype="text/csv", headers=headers)


def show_overview_json(workspace: Workspace) -> Response:
    """The shape of the API's list, with everything on one page."""
    watched = list_watched(workspace, now=datetime.now(UTC))
    found = find_watched(watched, read_watch_filter(), limit=len(watched)).items
    body = json.dumps({"items": [watched_as_json(each) for each in found], "next_cursor": None})
    return Response(body, mimetype="application/json")
