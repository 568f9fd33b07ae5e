"""Refused lines over HTTP: what was refused and why, and replaying it once it is mended.

What is chosen and how it is mended stands in the address. The same address says what would become of the lines when it
is got, and records them when it is posted to.
"""

import json
from collections.abc import Iterator

from flask import Response, request

from ingest.errors import InvalidInput
from ingest.mending import Mend
from query.rejects import ListedReject, RejectFilter, find_rejects, list_reject_groups, list_rejects
from web.api.query_parameters import CURSOR, LIMIT, SINCE, UNTIL, instant_of, limit_of, text_of
from web.api.reject_shapes import group_as_json, preview_as_json, reject_as_json, replay_as_json
from web.api.routes import JSON, Answer, Parameter, Route, workspace
from web.mends import read_mend
from web.replays import preview_replay, replay

REPLAYED_WORDS = {"false": False, "true": True, "all": None}
NO_FIELD = "-"
"""Said for lines whose fault is in no field."""
NDJSON = "application/x-ndjson"
MOST_STREAMED = 1_000_000


def get_rejects() -> Response:
    page = find_rejects(workspace().view, read_reject_filter(), limit=limit_of(), cursor=text_of("cursor"))
    body = {"items": [reject_as_json(listed) for listed in page.items], "next_cursor": page.next_cursor}
    return Response(json.dumps(body), content_type=JSON)


def get_reject_groups() -> Response:
    found = list_reject_groups(workspace().view, read_reject_filter())
    body = {"items": [group_as_json(group) for group in found.groups], "complete": found.is_all}
    return Response(json.dumps(body), content_type=JSON)


def get_rejects_ndjson() -> Response:
    found = list_rejects(workspace().view, read_reject_filter(), limit=MOST_STREAMED)
    return Response(_lines(found), content_type=NDJSON)


def _lines(found: Iterator[ListedReject]) -> Iterator[str]:
    for listed in found:
        yield json.dumps(reject_as_json(listed)) + "\n"


def get_replay() -> Response:
    preview = preview_replay(workspace(), read_reject_filter(), read_mend_said())
    return Response(json.dumps(preview_as_json(preview)), content_type=JSON)


def post_replay() -> Response:
    done = replay(workspace(), read_reject_filter(), read_mend_said())
    return Response(json.dumps(replay_as_json(done)), content_type=JSON)


def read_reject_filter() -> RejectFilter:
    """Which refused lines the query parameters choose. Raises InvalidInput."""
    replayed = text_of("replayed") or "false"
    if replayed not in REPLAYED_WORDS:
        raise InvalidInput(f"replayed is {', '.join(REPLAYED_WORDS)}, not {replayed!r}", field="replayed")
    return RejectFilter(
        source=text_of("source"),
        run_id=text_of("run_id"),
        code=text_of("code"),
        field="" if text_of("field") == NO_FIELD else text_of("field"),
        q=text_of("q"),
        since=instant_of("since"),
        until=instant_of("until"),
        is_replayed=REPLAYED_WORDS[replayed],
        ids=tuple(filter(None, request.args.getlist("id"))),
    )


def read_mend_said() -> Mend:
    """What the query parameters say is to be done with them. Raises InvalidInput."""
    return read_mend(
        columns=request.args.getlist("map"),
        values=request.args.getlist("value"),
        missing=request.args.getlist("default"),
        time_format=text_of("time_format"),
    )


_CHOICE = (
    Parameter(name="source", meaning="from where: http, or the name of a file"),
    Parameter(name="run_id", meaning="of one run"),
    Parameter(name="code", meaning="with one kind of fault"),
    Parameter(name="field", meaning="with the fault in one field; - for those that name none"),
    Parameter(name="q", meaning="with this text in the line, the reason or the source, in any case"),
    SINCE,
    UNTIL,
)
_REPLAYED = Parameter(
    name="replayed",
    meaning="those that were replayed, those that were not, or all",
    schema={"type": "string", "enum": list(REPLAYED_WORDS), "default": "false"},
)
_MEND = (
    Parameter(name="id", meaning="these alone", is_list=True),
    Parameter(name="map", meaning="field=column: which column of the lines is which field", is_list=True),
    Parameter(name="value", meaning="field:said=meant, such as status:fatal=ERROR", is_list=True),
    Parameter(name="default", meaning="field=value, for lines that do not say it", is_list=True),
    Parameter(name="time_format", meaning="how happened_at is written, as strptime has it: %d/%m/%Y %H:%M"),
)

ROUTES = (
    Route(
        method="GET",
        path="/rejects",
        view=get_rejects,
        summary="Refused lines, the latest first",
        parameters=(*_CHOICE, _REPLAYED, LIMIT, CURSOR),
        answers=(Answer(status=200, meaning="a page", schema="RejectPage"),),
    ),
    Route(
        method="GET",
        path="/rejects.ndjson",
        view=get_rejects_ndjson,
        summary="All of them, with the whole of each line",
        parameters=(*_CHOICE, _REPLAYED),
        answers=(Answer(status=200, meaning="streamed, any size", media=(NDJSON,)),),
    ),
    Route(
        method="GET",
        path="/rejects/groups",
        view=get_reject_groups,
        summary="Refused lines counted by source, fault and field",
        parameters=(*_CHOICE, _REPLAYED),
        answers=(Answer(status=200, meaning="those refused last first", schema="RejectGroups"),),
    ),
    Route(
        method="GET",
        path="/rejects/replay",
        view=get_replay,
        summary="What refused lines would become, mended like this",
        detail="Of the latest thousand that are chosen and were not replayed yet; nothing is recorded.",
        parameters=(*_CHOICE, *_MEND),
        answers=(Answer(status=200, meaning="how many are right, and the first of them", schema="ReplayPreview"),),
    ),
    Route(
        method="POST",
        path="/rejects/replay",
        view=post_replay,
        summary="Record refused lines, mended like this",
        detail="Each line once, however often it is asked for. Lines that are still refused stay as they are.",
        parameters=(*_CHOICE, *_MEND),
        answers=(Answer(status=200, meaning="those that were right are recorded", schema="Replay"),),
        errors=(503, 504),
    ),
)
