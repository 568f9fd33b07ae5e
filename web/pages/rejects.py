"""Refused lines: what was refused and why, also as CSV, JSON and NDJSON; mending and replaying them."""

import csv
import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial

from flask import Blueprint, Response, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from ingest.errors import InvalidInput
from query.rejects import ListedReject, list_rejects
from web.api.reject_shapes import reject_as_json
from web.api.rejects import MOST_STREAMED, NDJSON, read_mend_said
from web.pages.addresses import address, said
from web.pages.fragments import is_fragment_wanted
from web.pages.reject_list import PATH, build_reject_list, read_chosen_rejects
from web.pages.reject_mending import build_mending_page
from web.replays import replay
from web.workspace import Workspace

CSV_COLUMNS = (
    *("reject_id", "received_at", "source", "run_id", "line", "field", "code", "message", "raw"),
    *("given", "replayed", "replayed_at"),
)


def rejects_pages(workspace: Workspace) -> Blueprint:
    pages = Blueprint("rejects", __name__)
    pages.add_url_rule("/rejects", "rejects", partial(show_rejects, workspace))
    pages.add_url_rule("/rejects.csv", "csv", partial(show_rejects_csv, workspace))
    pages.add_url_rule("/rejects.json", "json", partial(show_rejects_json, workspace))
    pages.add_url_rule("/rejects.ndjson", "ndjson", partial(show_rejects_ndjson, workspace))
    pages.add_url_rule("/rejects/mend", "mend", partial(show_mending, workspace))
    pages.add_url_rule("/rejects/replay", "replay", partial(replay_rejects, workspace), methods=["POST"])
    return pages


def show_rejects(workspace: Workspace) -> str:
    page = build_reject_list(workspace.view, said(request.args), now=datetime.now(UTC))
    return render_template("_reject_rows.html" if is_fragment_wanted() else "rejects.html", page=page)


def show_mending(workspace: Workspace) -> str:
    return render_template(
        "mending.html", page=build_mending_page(workspace, said(request.args), now=datetime.now(UTC))
    )


def replay_rejects(workspace: Workspace) -> AnyResponse:
    """Record what is right; the list says how many, and shows what is left."""
    try:
        chosen, mend = read_chosen_rejects(now=datetime.now(UTC)), read_mend_said()
    except InvalidInput:
        return redirect(address("/rejects/mend", said(request.args)))
    done = replay(workspace, chosen, mend)
    kept = said(request.args, without=["id", "map", "value", "default", "time_format", "cursor"])
    return redirect(address(PATH, kept, {"done": str(done.replayed), "refused": str(done.refused)}), code=303)


def show_rejects_csv(workspace: Workspace) -> Response:
    return Response(
        _csv(_all(workspace)),
        mimetype="text/csv",
        headers={"Content-Disposition": 'attachment; filename="rejects.csv"'},
    )


def show_rejects_json(workspace: Workspace) -> Response:
    return Response(_json(_all(workspace)), mimetype="application/json")


def show_rejects_ndjson(workspace: Workspace) -> Response:
    lines = (json.dumps(reject_as_json(listed)) + "\n" for listed in _all(workspace))
    return Response(lines, mimetype=NDJSON)


def _all(workspace: Workspace) -> Iterator[ListedReject]:
    return list_rejects(workspace.view, read_chosen_rejects(now=datetime.now(UTC)), limit=MOST_STREAMED)


def _csv(found: Iterator[ListedReject]) -> Iterator[str]:
    yield ",".join(CSV_COLUMNS) + "\n"
    for listed in found:
        written = io.StringIO()
        row = reject_as_json(listed)
        row["given"] = json.dumps(row["given"], ensure_ascii=False)
        csv.DictWriter(written, CSV_COLUMNS, extrasaction="ignore", lineterminator="\n").writerow(row)
        yield written.getvalue()


def _json(found: Iterator[ListedReject]) -> Iterator[str]:
    """The shape of the API's list, with all of them on one page."""
    yield '{"items": ['
    for number, listed in enumerate(found):
        yield (",\n" if number else "") + json.dumps(reject_as_json(listed))
    yield '], "next_cursor": null}\n'
