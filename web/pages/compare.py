"""Two runs side by side, the records that differ, and the choice of two runs where the address does not name them."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial

from flask import Blueprint, Response, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from query.compare import compare_problems, count_records, stream_records
from query.runs import get_run
from reports.tables import TableFormat, write_table
from web.api.compare import difference_of, two_runs
from web.api.comparison_shapes import comparison_as_json
from web.api.query_parameters import text_of
from web.pages.addresses import address, said
from web.pages.comparison import build_comparison, build_record_table
from web.pages.fragments import is_fragment_wanted
from web.pages.run_choice import build_run_choice
from web.workspace import Workspace


def compare_pages(workspace: Workspace) -> Blueprint:
    pages = Blueprint("compare", __name__)
    pages.add_url_rule("/compare", "compare", partial(show_comparison, workspace))
    pages.add_url_rule("/compare/records", "records", partial(show_records, workspace))
    pages.add_url_rule("/compare.csv", "csv", partial(show_csv, workspace))
    pages.add_url_rule("/compare.json", "json", partial(show_json, workspace))
    return pages


def show_comparison(workspace: Workspace) -> str:
    now = datetime.now(UTC)
    if text_of("a") is None or text_of("b") is None:
        return render_template(
            "compare_choice.html", page=build_run_choice(workspace.view, said(request.args), now=now)
        )
    return render_template("compare.html", page=build_comparison(workspace.view, said(request.args), now=now))


def show_records(workspace: Workspace) -> str | AnyResponse:
    """The lower half alone, or further rows of it; without htmx, the page they belong to."""
    arguments = said(request.args)
    if not is_fragment_wanted():
        return redirect(address("/compare", arguments))
    a, b = (get_run(workspace.view, run_id) for run_id in two_runs())
    table = build_record_table(workspace.view, a, b, arguments)
    return render_template("_compare_rows.html" if "cursor" in arguments else "_compare_records.html", table=table)


def show_csv(workspace: Workspace) -> Response:
    """The records that differ, in one way or in any."""
    a, b = two_runs()
    reader = stream_records(workspace.view, a, b, difference_of("list"))
    return Response(
        write_table(reader, TableFormat.CSV),
        mimetype="text/csv",
        headers={"Content-Disposition": 'attachment; filename="compare.csv"'},
    )


def show_json(workspace: Workspace) -> Response:
    """The same records, or, where the address names no list, everything but the records."""
    a, b = two_runs()
    difference = difference_of("list")
    if difference is not None:
        reader = stream_records(workspace.view, a, b, difference)
        return Response(_items(write_table(reader, TableFormat.NDJSON)), mimetype="application/json")
    view = workspace.view
    earlier, later = get_run(view, a), get_run(view, b)
    found = comparison_as_json(earlier, later, compare_problems(view, earlier, later), count_records(view, a, b))
    return Response(json.dumps(found), mimetype="application/json")


def _items(lines: Iterator[bytes]) -> Iterator[bytes]:
    """The shape of the API's list, with all rows on one page."""
    yield b'{"items": ['
    separator = b""
    for some in lines:
        if rows := some.strip():
            yield separator + rows.replace(b"\n", b",\n")
            separator = b",\n"
    yield b'], "next_cursor": null}\n'
