"""Actions across runs over HTTP: what was looked for, latest first."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime

from flask import Response

from ingest.errors import InvalidInput
from query.actions import Action
from query.search import Search, search_actions, stream_search
from query.search_fields import Match, looking_for
from reports.tables import TableFormat
from web.api.actions import OUTCOMES
from web.api.query_parameters import (
    CURSOR,
    LIMIT,
    SINCE,
    UNTIL,
    instant_of,
    limit_of,
    operations_of,
    statuses_of,
    text_of,
)
from web.api.routes import JSON, Answer, Parameter, Route, workspace
from web.api.schemas import action_as_json, actions_page_as_json

ANY_TYPE = "-"
"""Said instead of the type of a record."""


def get_actions() -> Response:
    page = search_actions(workspace().view, read_search(), limit=limit_of(), cursor=text_of("cursor"))
    return Response(json.dumps(actions_page_as_json(page)), content_type=JSON)


def get_found_actions_ndjson() -> Response:
    found = stream_search(workspace().view, read_search())
    first = next(found, [])  # so that what is wrong with the search is said with a status of its own
    return Response(_lines(first, found), content_type=TableFormat.NDJSON.media_type)


def _lines(first: list[Action], others: Iterator[list[Action]]) -> Iterator[str]:
    yield "".join(json.dumps(action_as_json(action)) + "\n" for action in first)
    for some in others:
        yield "".join(json.dumps(action_as_json(action)) + "\n" for action in some)


def read_search() -> Search:
    """What the query parameters look for. Raises InvalidInput."""
    search = Search(
        record_id=text_of("record"),
        run_id=text_of("run_id"),
        integration=text_of("integration"),
        problem_id=text_of("problem_id"),
        statuses=statuses_of(),
        operations=operations_of(),
        since=instant_of("since"),
        until=instant_of("until"),
    )
    match = match_of()
    text = text_of("q")
    return search if text is None else looking_for(search, text, match, now=datetime.now(UTC))


def match_of() -> Match:
    """How ``q`` is meant."""
    text = text_of("match") or Match.WORDS
    if text not in tuple(Match):
        raise InvalidInput(f"match is one of {', '.join(Match)}, not {text!r}", field="match")
    return Match(text)


_FILTERS = (
    Parameter(name="q", meaning='what to look for: words, "phrases", field:value, each with - in front for not'),
    Parameter(
        name="match",
        meaning="how q is meant. words: as above; substring: as text anywhere; regex: an expression of RE2",
        schema={"type": "string", "enum": list(Match), "default": Match.WORDS},
    ),
    *OUTCOMES,
    Parameter(name="integration", meaning="actions of runs of one integration"),
    Parameter(name="run_id", meaning="actions of one run"),
    Parameter(name="problem_id", meaning="actions of one problem"),
    Parameter(name="record", meaning="actions whose source or target has this id"),
    SINCE,
    UNTIL,
)
_PAGE = (Answer(status=200, meaning="a page", schema="ActionPage"),)

ROUTES = (
    Route(
        method="GET",
        path="/actions",
        view=get_actions,
        summary="Actions across runs, latest first",
        detail="Words and ids are looked up in the token indexes; other texts are looked for from the latest batch on.",
        parameters=(*_FILTERS, LIMIT, CURSOR),
        answers=_PAGE,
    ),
    Route(
        method="GET",
        path="/actions.ndjson",
        view=get_found_actions_ndjson,
        summary="All of them, as they are found",
        detail="The latest batches first; within one, what happened at about the same time lies together.",
        parameters=_FILTERS,
        answers=(Answer(status=200, meaning="streamed, any size", media=(TableFormat.NDJSON.media_type,)),),
    ),
)
