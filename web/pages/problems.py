"""Problems: the list of them, also as CSV and JSON, and one of them with what people keep of it."""

import csv
import io
import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial

from flask import Blueprint, Response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from ingest.errors import InvalidInput
from ingest.problem_notes import ProblemNote, keep_problem_note
from query.problem_list import ListedProblem
from web.api.problem_shapes import listed_problem_as_json
from web.pages.addresses import path_of_problem, said
from web.pages.arguments import read_moment
from web.pages.fragments import is_fragment_wanted, render
from web.pages.problem_details import build_problem_details, list_touched_records
from web.pages.problem_list import build_problem_list, list_wanted_problems
from web.workspace import Workspace

CSV_COLUMNS = (
    *("problem_id", "integration", "configuration", "template", "status", "state", "cause", "count", "records"),
    *("records_are_exact", "runs", "first_at", "last_at", "note", "ticket", "muted_until", "is_expected"),
)


def problems_pages(workspace: Workspace) -> Blueprint:
    pages = Blueprint("problems", __name__)
    pages.add_url_rule("/problems", "problems", partial(show_problems, workspace))
    pages.add_url_rule("/problems.csv", "csv", partial(show_problems_csv, workspace))
    pages.add_url_rule("/problems.json", "json", partial(show_problems_json, workspace))
    pages.add_url_rule("/problems/<problem_id>", "problem", partial(show_problem, workspace))
    pages.add_url_rule("/problems/<problem_id>/records", "records", partial(show_records, workspace))
    pages.add_url_rule("/problems/<problem_id>/note", "note", partial(keep_note, workspace), methods=["POST"])
    return pages


def show_problems(workspace: Workspace) -> Response:
    page = build_problem_list(workspace, said(request.args), now=datetime.now(UTC))
    return render("problems.html", "_problems.html", page=page)


def show_problems_csv(workspace: Workspace) -> Response:
    lines = _csv_lines(list_wanted_problems(workspace, now=datetime.now(UTC)))
    headers = {"Content-Disposition": 'attachment; filename="problems.csv"'}
    return Response(lines, content_type="text/csv; charset=utf-8", headers=headers)


def show_problems_json(workspace: Workspace) -> Response:
    items = [listed_problem_as_json(each) for each in list_wanted_problems(workspace, now=datetime.now(UTC))]
    return Response(json.dumps({"items": items, "next_cursor": None}), content_type="application/json")


def show_problem(workspace: Workspace, problem_id: str) -> str:
    page = build_problem_details(workspace, problem_id, said(request.args), now=datetime.now(UTC))
    return render_template("problem.html", page=page)


def show_records(workspace: Workspace, problem_id: str) -> str | AnyResponse:
    """The records of the latest run that had the problem: read from its batches, so after the page is there."""
    if not is_fragment_wanted():
        return redirect(url_for("search.search", q=f"problem:{problem_id}"))
    page = build_problem_details(workspace, problem_id, said(request.args), now=datetime.now(UTC))
    return render_template("_problem_records.html", page=page, records=list_touched_records(workspace.view, page))


def keep_note(workspace: Workspace, problem_id: str) -> AnyResponse:
    now = datetime.now(UTC)
    integration, configuration = request.form.get("integration", ""), request.form.get("configuration") or None
    if not integration:
        raise InvalidInput("integration: whose problem is it?", field="integration")
    note = ProblemNote(
        integration=integration,
        problem_id=problem_id[:16],
        note=request.form.get("note", "").strip() or None,
        ticket=request.form.get("ticket", "").strip() or None,
        muted_until=_muted_until(now),
        is_expected="is_expected" in request.form,
        changed_at=now,
    )
    keep_problem_note(workspace.control, note)
    return redirect(path_of_problem(problem_id, integration, configuration) + "#note", code=303)


def _muted_until(now: datetime) -> datetime | None:
    """A day of the form: until it is over, in UTC."""
    text = request.form.get("muted_until", "").strip()
    return None if not text else read_moment(text, "muted_until", now=now) + timedelta(days=1)


def _csv_lines(problems: Iterable[ListedProblem]) -> Iterator[str]:
    written = io.StringIO()
    writer = csv.DictWriter(written, CSV_COLUMNS, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(listed_problem_as_json(problem) for problem in problems)
    yield written.getvalue()
