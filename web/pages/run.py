"""Logging Details: one run and its actions."""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from urllib.parse import urlsplit

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from query.actions import find_first_error
from query.runs import get_run
from web.pages.action_table import ActionTable, build_action_table
from web.pages.addresses import Arguments, address, said
from web.pages.fragments import is_fragment_wanted
from web.pages.run_summary import RunSummary, build_run_summary
from web.workspace import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class RunDetails:
    """The whole page."""

    summary: RunSummary
    table: ActionTable


def run_pages(workspace: Workspace) -> Blueprint:
    pages = Blueprint("run", __name__)
    pages.add_url_rule("/runs/<run_id>", "run", partial(show_run, workspace))
    pages.add_url_rule("/runs/<run_id>/summary", "summary", partial(show_summary, workspace))
    pages.add_url_rule("/runs/<run_id>/actions", "actions", partial(show_more_actions, workspace))
    pages.add_url_rule("/runs/<run_id>/first-error", "first_error", partial(show_first_error, workspace))
    pages.add_url_rule("/runs/<run_id>/cancel", "cancel", partial(cancel_run, workspace), methods=["POST"])
    return pages


def show_run(workspace: Workspace, run_id: str) -> str:
    view, now = workspace.view, datetime.now(UTC)
    run = get_run(view, run_id)
    summary = view.begin(lambda: build_run_summary(view, run, known=workspace.known(now)))
    table = build_action_table(view, run_id, said(request.args), now=now)
    return render_template("run.html", page=RunDetails(summary=summary.result(), table=table))


def show_summary(workspace: Workspace, run_id: str) -> str | AnyResponse:
    """The upper half alone, which a page asks for again and again while the run is running."""
    if not is_fragment_wanted():
        return redirect(url_for("run.run", run_id=run_id))
    run = get_run(workspace.view, run_id)
    summary = build_run_summary(workspace.view, run, known=workspace.known(datetime.now(UTC)))
    return render_template("_run_summary.html", summary=summary)


def show_more_actions(workspace: Workspace, run_id: str) -> str | AnyResponse:
    """Further rows for the table that is already there; without htmx, the page that begins with them."""
    arguments = said(request.args)
    if not is_fragment_wanted():
        return redirect(address(url_for("run.run", run_id=run_id), arguments))
    table = build_action_table(workspace.view, run_id, arguments, now=datetime.now(UTC))
    return render_template("_action_rows.html", table=table)


def show_first_error(workspace: Workspace, run_id: str) -> AnyResponse:
    """To the page of all actions that begins with the first one that failed."""
    get_run(workspace.view, run_id)
    cursor = find_first_error(workspace.view, run_id)
    return redirect(address(url_for("run.run", run_id=run_id), Arguments(), {"cursor": cursor}) + "#actions")


def cancel_run(workspace: Workspace, run_id: str) -> AnyResponse:
    """Back to where the button was pressed: the page of the run, or the list as it was filtered."""
    workspace.recorder.request_cancel(run_id)
    shown = urlsplit(request.referrer or "")
    if request.form.get("from") == "runs" and shown.path == "/runs":
        return redirect(f"/runs?{shown.query}", code=303)
    return redirect(url_for("run.run", run_id=run_id), code=303)
