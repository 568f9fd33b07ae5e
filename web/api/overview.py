"""Every integration and configuration over HTTP, with what needs attention about it and why."""

import json
from datetime import UTC, datetime

from flask import Response

from ingest.errors import InvalidInput
from ingest.problem_notes import list_problem_notes
from query.recent_runs import RecentRun
from query.watch import Group, Watched, WatchFilter, find_watched
from reports.attention import finding_words
from web.api.query_parameters import CURSOR, LIMIT, limit_of, text_of
from web.api.routes import JSON, Answer, Parameter, Route, workspace
from web.api.schemas import JsonObject, instant
from web.workspace import Workspace

OPEN = ("new", "regressed", "persisting")
CSV_COLUMNS = (
    *("integration", "configuration", "flags", "reasons", "last_run_id", "last_begun_at", "last_ended_at"),
    *("last_progress", "last_status", "last_processed", "last_errors", "last_success_at", "next_expected_at"),
    *(f"{name}_problems" for name in OPEN),
)


def get_overview() -> Response:
    watched = list_watched(workspace(), now=datetime.now(UTC))
    page = find_watched(watched, read_watch_filter(), limit=limit_of(), cursor=text_of("cursor"))
    body = {"items": [watched_as_json(each) for each in page.items], "next_cursor": page.next_cursor}
    return Response(json.dumps(body), content_type=JSON)


def list_watched(served: Workspace, *, now: datetime) -> list[Watched]:
    """Everything, problems that somebody muted or expects not counted as open."""
    notes = list_problem_notes(served.control)
    set_aside = {noted for noted, note in notes.items() if note.is_set_aside(now)}
    return served.watch.list_watched(now, leave_out=set_aside)


def read_watch_filter() -> WatchFilter:
    text = text_of("flag")
    try:
        return WatchFilter(group=None if text is None else Group(text.lower()), q=text_of("q"))
    except ValueError as error:
        raise InvalidInput(f"flag: {text!r} is no flag", field="flag", hint=f"one of {', '.join(Group)}") from error


def watched_as_json(watched: Watched) -> JsonObject:
    return {
        "integration": watched.integration,
        "configuration": watched.configuration,
        "flags": [{"flag": each.flag, "reason": finding_words(each)} for each in watched.findings],
        "last_success_at": instant(watched.last_success_at),
        "next_expected_at": instant(watched.next_expected_at),
        "open_problems": {name: getattr(watched.open_problems, name) for name in OPEN},
        "runs": [recent_run_as_json(run) for run in watched.runs],
    }


def recent_run_as_json(run: RecentRun) -> JsonObject:
    return {
        "run_id": run.run_id,
        "trigger": run.trigger,
        "scope": run.scope,
        "progress": run.progress,
        "status": run.status,
        "begun_at": instant(run.begun_at),
        "ended_at": instant(run.ended_at),
        "processed": run.processed,
        "moved": run.moved,
        "warnings": run.warnings,
        "errors": run.errors,
    }


def watched_as_row(watched: Watched) -> JsonObject:
    """One line of a table: its last run, and the flags as one text."""
    last = watched.last
    return {
        "integration": watched.integration,
        "configuration": watched.configuration,
        "flags": " ".join(each.flag for each in watched.findings),
        "reasons": "; ".join(finding_words(each) for each in watched.findings),
        "last_run_id": last.run_id,
        "last_begun_at": instant(last.begun_at),
        "last_ended_at": instant(last.ended_at),
        "last_progress": last.progress,
        "last_status": last.status,
        "last_processed": last.processed,
        "last_errors": last.errors,
        "last_success_at": instant(watched.last_success_at),
        "next_expected_at": instant(watched.next_expected_at),
        **{f"{name}_problems": getattr(watched.open_problems, name) for name in OPEN},
    }


ROUTES = (
    Route(
        method="GET",
        path="/overview",
        view=get_overview,
        summary="Every integration and configuration, what needs attention first",
        detail=(
            "Flags are learned from the latest runs of each: medians of earlier finished runs of the same trigger and "
            "scope, and the usual time between two runs. Each says why."
        ),
        parameters=(
            Parameter(name="flag", meaning=", ".join(Group)),
            Parameter(name="q", meaning="text in integration or configuration, in any case"),
            LIMIT,
            CURSOR,
        ),
        answers=(Answer(status=200, meaning="a page", schema="OverviewPage"),),
    ),
)
