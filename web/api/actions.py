"""Actions over HTTP: in, by the line or by the million, and out, those of a run a page at a time.

The two POST routes carry nearly all of the traffic, most of it bodies of one line, so what they do beside recording is
kept to a few dictionary look-ups.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime

from flask import Response, request

from ingest.errors import InvalidInput
from ingest.recorder import LineDefaults
from ingest.schema import SENT_FIELDS
from query.action_matches import saying
from query.actions import ActionFilter, find_actions
from query.runs import get_run
from web.api.body import ACCEPTED_TYPES, INPUT_NAMES, open_actions_body
from web.api.query_parameters import (
    CURSOR,
    LIMIT,
    SINCE,
    UNTIL,
    instant_of,
    limit_of,
    operations_of,
    sort_of,
    statuses_of,
    text_of,
    truth_of,
)
from web.api.routes import JSON, TRUTH, Answer, Body, Parameter, Route, workspace
from web.api.schemas import actions_page_as_json, receipt_as_json
from web.settings import nearest

KEY_LIMIT = 200
NO_MAPPING: Mapping[str, str] = {}
NO_DEFAULTS = LineDefaults()


def post_actions() -> Response:
    return _record(None)


def post_run_actions(run_id: str) -> Response:
    return _record(run_id)


def _record(run_id: str | None) -> Response:
    served = workspace()
    if request.environ.get("QUERY_STRING"):
        defaults, mapping, atomic, input_name = _read_query(run_id)
    else:
        defaults = NO_DEFAULTS if run_id is None else LineDefaults(run_id=run_id)
        mapping, atomic, input_name = NO_MAPPING, False, None
    key = _idempotency_key()
    with open_actions_body(max_bytes=served.settings.max_body_bytes, input_name=input_name) as body:
        receipt = served.recorder.record(
            body.stream,
            body.input_name,
            defaults=defaults,
            mapping=mapping,
            idempotency_key=key,
            atomic=atomic,
            source="http",
        )
    status = 422 if receipt.rejected and not receipt.accepted else 200
    response = Response(json.dumps(receipt_as_json(receipt)), status, content_type=JSON)
    if receipt.repeated:
        response.headers["Synclog-Repeated"] = "true"
    return response


def _read_query(run_id: str | None) -> tuple[LineDefaults, Mapping[str, str], bool, str | None]:
    defaults = LineDefaults(
        run_id=run_id or text_of("run_id"),
        integration=text_of("integration"),
        configuration=text_of("configuration"),
        trigger=text_of("trigger"),
    )
    return defaults, read_mapping(request.args.getlist("map")), truth_of("atomic"), text_of("input")


def read_mapping(pairs: list[str]) -> Mapping[str, str]:
    """``field=column`` pairs as a dictionary."""
    mapping: dict[str, str] = {}
    for pair in pairs:
        name, equals, column = pair.partition("=")
        if not equals or not column:
            raise InvalidInput(f"{pair!r} is not field=column", field="map", hint="for example source_id=sys_id")
        if name not in SENT_FIELDS:
            raise InvalidInput(f"actions have no field {name!r}", field="map", hint=nearest(name, SENT_FIELDS))
        mapping[name] = column
    return mapping


def _idempotency_key() -> str | None:
    key = request.environ.get("HTTP_IDEMPOTENCY_KEY")
    if key and len(key) > KEY_LIMIT:
        raise InvalidInput(
            f"an idempotency key has at most {KEY_LIMIT} characters, this one has {len(key)}", field="Idempotency-Key"
        )
    return key or None


def get_run_actions(run_id: str) -> Response:
    view = workspace().view
    get_run(view, run_id)
    page = find_actions(
        view,
        read_action_filter(),
        run_id=run_id,
        sort=sort_of(("happened_at",), default="happened_at"),
        limit=limit_of(),
        cursor=text_of("cursor"),
    )
    return Response(json.dumps(actions_page_as_json(page)), content_type=JSON)


def read_action_filter() -> ActionFilter:
    asked = ActionFilter(
        statuses=statuses_of(),
        operations=operations_of(),
        problem_id=text_of("problem_id"),
        record=text_of("record"),
        record_type=text_of("type"),
        since=instant_of("since"),
        until=instant_of("until"),
    )
    return saying(asked, text_of("q"), now=datetime.now(UTC))


OUTCOMES = (
    Parameter(name="status", meaning="OK, INFO, WARNING or ERROR; several with commas", is_list=True),
    Parameter(name="operation", meaning="CREATE, UPDATE, DELETE or NONE; several with commas", is_list=True),
)
FILTERS = (
    *OUTCOMES,
    Parameter(name="q", meaning="text in message, code, names or ids, field:value, either with - in front for not"),
    Parameter(name="problem_id", meaning="actions of one problem"),
    Parameter(name="record", meaning="actions whose source or target has this id"),
    Parameter(name="type", meaning="actions whose source or target has this type"),
    SINCE,
    UNTIL,
)
_PAGING = (Parameter(name="sort", meaning="happened_at or -happened_at"), LIMIT, CURSOR)
_DEFAULTS = (
    Parameter(name="integration", meaning="for lines that do not name one"),
    Parameter(name="configuration", meaning="for lines that do not name one"),
    Parameter(name="trigger", meaning="for lines that do not name one"),
)
_MANNER = (
    Parameter(name="atomic", meaning="true takes all lines or none", schema=TRUTH),
    Parameter(name="input", meaning=f"auto or {', '.join(INPUT_NAMES)}: overrules Content-Type"),
    Parameter(name="map", meaning="field=column: which column of the body is which field", is_list=True),
    Parameter(
        name="Idempotency-Key",
        meaning=f"up to {KEY_LIMIT} characters; the same body with the same key counts once and gets the same answer",
        place="header",
    ),
)
_RECEIPTS = (
    Answer(status=200, meaning="on disk; what was refused is listed", schema="Receipt"),
    Answer(status=422, meaning="nothing was acceptable", schema="Receipt"),
)
_LINES = Body(
    schema="ActionLines",
    media=ACCEPTED_TYPES,
    example=[{"run_id": "nightly-7", "operation": "UPDATE", "status": "OK", "target_id": "5d3c", "message": "Updated"}],
)
_DETAIL = (
    "A 2xx answer means durable. Bodies may be gzip, deflate or zstd. Without a telling Content-Type the format is "
    "detected. Good lines are kept and bad ones named with their line number, field and reason."
)

ROUTES = (
    Route(
        method="POST",
        path="/actions",
        view=post_actions,
        summary="Record actions of any runs",
        detail=f"Each line names its run, or `run_id` does for those that do not. {_DETAIL}",
        parameters=(Parameter(name="run_id", meaning="for lines that do not name one"), *_DEFAULTS, *_MANNER),
        body=_LINES,
        answers=_RECEIPTS,
        errors=(409, 413, 415, 503, 504),
    ),
    Route(
        method="POST",
        path="/runs/{run_id}/actions",
        view=post_run_actions,
        summary="Record actions of a run",
        detail=f"The run need not be announced first. {_DETAIL}",
        parameters=(*_DEFAULTS, *_MANNER),
        body=_LINES,
        answers=_RECEIPTS,
        errors=(409, 413, 415, 503, 504),
    ),
    Route(
        method="GET",
        path="/runs/{run_id}/actions",
        view=get_run_actions,
        summary="Actions of a run, in the order they happened",
        parameters=(*FILTERS, *_PAGING),
        answers=(Answer(status=200, meaning="a page", schema="ActionPage"),),
        errors=(404,),
    ),
)
