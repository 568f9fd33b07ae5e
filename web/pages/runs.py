"""Synchronisation Logging: the list of runs, and the same runs as CSV and JSON."""

from datetime import UTC, datetime
from functools import partial

from flask import Blueprint, Response, request

from web.pages.addresses import said
from web.pages.arguments import read_run_filter, read_run_sort
from web.pages.fragments import render
from web.pages.run_list import build_run_list
from web.pages.run_rows import write_runs_csv, write_runs_json
from web.workspace import Workspace


def runs_pages(workspace: Workspace) -> Blueprint:
    pages = Blueprint("runs", __name__)
    pages.add_url_rule("/runs", "runs", partial(show_runs, workspace))
    pages.add_url_rule("/runs.csv", "csv", partial(show_runs_csv, workspace))
    pages.add_url_rule("/runs.json", "json", partial(show_runs_json, workspace))
    return pages


def show_runs(workspace: Workspace) -> Response:
    page = build_run_list(workspace.view, said(request.args), now=datetime.now(UTC))
    return render("runs.html", "_runs.html", page=page)


def show_runs_csv(workspace: Workspace) -> Response:
    run_filter, sort = read_run_filter(now=datetime.now(UTC)), read_run_sort()
    return Response(
        write_runs_csv(workspace.view, run_filter, sort=sort),
        mimetype="text/csv",
        headers={"Content-Disposition": 'attachment; filename="runs.csv"'},
    )


def show_runs_json(workspace: Workspace) -> Response:
    run_filter, sort = read_run_filter(now=datetime.now(UTC)), read_run_sort()
    return Response(write_runs_json(workspace.view, run_filter, sort=sort), mimetype="application/json")
