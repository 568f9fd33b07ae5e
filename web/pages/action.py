"""One action: as a page with an address of its own, and opened inside the page of its run."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from flask import Blueprint, Response, request, url_for

from query.actions import Action, get_action
from query.runs import Run, get_run
from reports.changes import Change, changes_of
from web.pages.addresses import Arguments, address, path_of_record, path_of_run
from web.pages.fragments import is_fragment_wanted, render
from web.pages.ticket import ticket_text
from web.workspace import Workspace

SHOWN_INSIDE_RUN = 20_000
"""Characters of a message or of details when opened inside the page of its run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionDetails:
    """Everything known of one action."""

    run: Run
    action: Action
    address: str
    shown: int | None
    """Characters shown of long texts; None for all."""

    @property
    def message(self) -> str:
        return (self.action.message or "")[: self.shown]

    @property
    def details(self) -> str:
        return indented(self.action.details)[: self.shown]

    @property
    def changes(self) -> Sequence[Change]:
        return changes_of(self.action.details)

    @property
    def value_shown(self) -> int:
        """Characters of a value beside its field; the details below have all of it."""
        return 1000 if self.shown is None else 300

    @property
    def is_cut(self) -> bool:
        longest = max(len(self.action.message or ""), len(indented(self.action.details)))
        return self.shown is not None and longest > self.shown

    @property
    def problem_address(self) -> str:
        """The actions of the run that failed the same way."""
        return self._actions_address("problem_id", self.action.problem_id or "")

    def record_address(self, record_id: str) -> str:
        """The actions of the run on one record."""
        return self._actions_address("record", record_id)

    def history_address(self, record_type: str | None, record_id: str) -> str:
        """What was done to one record in all runs."""
        return path_of_record(record_type, record_id)

    @property
    def ticket(self) -> str:
        return ticket_text(self.run, self.action, address=self.address)

    def _actions_address(self, name: str, wanted: str) -> str:
        return address(path_of_run(self.run.run_id), Arguments(), {name: wanted}) + "#actions"


def action_pages(workspace: Workspace) -> Blueprint:
    pages = Blueprint("action", __name__)
    pages.add_url_rule("/runs/<run_id>/actions/<action_id>", "action", partial(show_action, workspace))
    return pages


def show_action(workspace: Workspace, run_id: str, action_id: str) -> Response:
    page = ActionDetails(
        run=get_run(workspace.view, run_id),
        action=get_action(workspace.view, run_id, action_id),
        address=request.host_url.rstrip("/") + url_for("action.action", run_id=run_id, action_id=action_id),
        shown=SHOWN_INSIDE_RUN if is_fragment_wanted() else None,
    )
    return render("action.html", "_action.html", page=page)


def indented(details: str | None) -> str:
    """JSON text with a line for each value; any other text as it is."""
    if details is None:
        return ""
    try:
        return json.dumps(json.loads(details), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return details
