"""Search across runs, and the history of a record: actions of any run, latest first."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial

from flask import Blueprint, Response, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from ingest.action import STATUSES, Status
from ingest.errors import InvalidInput
from query.actions import Action
from query.runs import list_facets
from query.search import Search, record_history, search_actions
from query.search_fields import Match, looking_for
from reports.wording import iso_datetime
from web.api.query_parameters import limit_of, statuses_of, text_of
from web.api.search import ANY_TYPE, match_of
from web.pages.action_table import MESSAGE_SHOWN
from web.pages.addresses import Arguments, address, path_of_record, said
from web.pages.arguments import TIME_RANGES, moment_of
from web.pages.fragments import is_fragment_wanted
from web.workspace import Workspace

MATCH_LABELS = {
    Match.WORDS: "All these words",
    Match.SUBSTRING: "Anywhere in the text",
    Match.REGEX: "Regular expression",
}


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


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchPage:
    """What was looked for; ``table`` is None until something is, and where ``error`` says what is wrong with it."""

    text: str
    match: Match
    statuses: tuple[Status, ...]
    integration: str | None
    time_range: str | None
    integrations: Sequence[str]
    since: datetime | None
    table: FoundActions | None = None
    error: InvalidInput | None = None
    match_labels: dict[Match, str] = field(default_factory=lambda: MATCH_LABELS)
    time_ranges: dict[str, str] = field(default_factory=lambda: TIME_RANGES)
    all_statuses: tuple[Status, ...] = STATUSES

    @property
    def ndjson_address(self) -> str:
        """The API's stream of everything found; the API has times, not spans that move with the clock."""
        assert self.table is not None
        since = None if self.since is None else iso_datetime(self.since)
        return address(
            "/api/v1/actions.ndjson", said(self.table.arguments, without=["cursor", "range"]), {"since": since}
        )


def search_pages(workspace: Workspace) -> Blueprint:
    pages = Blueprint("search", __name__)
    pages.add_url_rule("/search", "search", partial(show_search, workspace))
    pages.add_url_rule("/records/<record_type>/<path:record_id>", "record", partial(show_record, workspace))
    return pages


def show_search(workspace: Workspace) -> Response | str:
    arguments = said(request.args)
    text = (text_of("q") or "").strip()
    now = datetime.now(UTC)
    since = moment_of("since", now=now) or moment_of("range", now=now)
    asked = partial(
        SearchPage,
        text=text,
        statuses=statuses_of(),
        integration=text_of("integration"),
        time_range=text_of("range"),
        integrations=list_facets(workspace.view).integrations,
        since=since,
    )
    try:
        match = match_of()
    except InvalidInput as error:
        return Response(render_template("search.html", page=asked(match=Match.WORDS, error=error)), 400)
    if not text:
        return render_template("search.html", page=asked(match=match))
    search = Search(
        statuses=statuses_of(),
        integration=text_of("integration"),
        since=since,
        until=moment_of("until", now=now),
    )
    try:
        found = search_actions(
            workspace.view, looking_for(search, text, match, now=now), limit=limit_of(), cursor=text_of("cursor")
        )
    except InvalidInput as error:
        return Response(render_template("search.html", page=asked(match=match, error=error)), 400)
    table = FoundActions(path="/search", actions=found.items, arguments=arguments, next_cursor=found.next_cursor)
    if is_fragment_wanted():
        return render_template("_action_rows.html", table=table)
    return render_template("search.html", page=asked(match=match, table=table))


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
