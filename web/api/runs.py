"""Runs over HTTP: announced, changed, cancelled and found."""

import json
import uuid
from datetime import UTC, datetime
from typing import TypeVar

from flask import Response

from ingest.action import Scope, parse_progress, parse_status
from ingest.errors import InvalidInput
from ingest.recorder import RunAnnouncement, RunChange
from ingest.run_id import require_run_id
from query.problems import list_run_problems
from query.run_problems import list_known_problems
from query.runs import RUN_SORTS, RunFilter, find_runs, get_run
from web.api.body import read_small_body
from web.api.problem_shapes import NOTHING_KNOWN, known_as_json
from web.api.query_parameters import (
    CURSOR,
    LIMIT,
    RANGES,
    SINCE,
    UNTIL,
    instant_of,
    limit_of,
    progress_of,
    ranges_of,
    read_word,
    sort_of,
    status_of,
    text_of,
)
from web.api.routes import JSON, Answer, Body, Parameter, Route, workspace
from web.api.schemas import JsonObject, problem_as_json, read_object, run_as_json, runs_page_as_json
from web.settings import nearest

Kind = TypeVar("Kind")

ANNOUNCED = (
    "integration",
    "configuration",
    "trigger",
    "scope",
    "run_id",
    "progress",
    "expected",
    "cancellable",
    "attributes",
)
CHANGED = ("progress", "expected", "message", "status", "claimed")


def post_run() -> Response:
    served = workspace()
    body = _read_json(ANNOUNCED)
    announcement = read_announcement(body)
    is_new = served.recorder.announce_run(announcement)
    return _answer_run(announcement.run_id, 201 if is_new else 200)


def patch_run(run_id: str) -> Response:
    change = read_change(_read_json(CHANGED))
    workspace().recorder.change_run(run_id, change)
    return _answer_run(run_id)


def post_run_cancel(run_id: str) -> Response:
    workspace().recorder.request_cancel(run_id)
    return _answer_run(run_id, 202)


def get_runs() -> Response:
    run_filter = RunFilter(
        integration=text_of("integration"),
        configuration=text_of("configuration"),
        trigger=text_of("trigger"),
        progress=progress_of(),
        status=status_of(),
        since=instant_of("since"),
        until=instant_of("until"),
        q=text_of("q"),
        ranges=ranges_of(),
    )
    sort = sort_of(tuple(RUN_SORTS), default="-begun_at")
    page = find_runs(workspace().view, run_filter, sort=sort, limit=limit_of(), cursor=text_of("cursor"))
    return Response(json.dumps(runs_page_as_json(page)), content_type=JSON)


def get_one_run(run_id: str) -> Response:
    return _answer_run(run_id)


def get_run_problems(run_id: str) -> Response:
    here = workspace()
    run = get_run(here.view, run_id)
    problems = list_run_problems(here.view, run_id, limit=limit_of())
    looked_at = list_known_problems(here.view, run, here.known(datetime.now(UTC))).all
    known = {each.problem.problem_id: known_as_json(each) for each in looked_at}
    items = [problem_as_json(problem) | known.get(problem.problem_id, NOTHING_KNOWN) for problem in problems]
    return Response(json.dumps({"items": items}), content_type=JSON)


def read_announcement(body: JsonObject) -> RunAnnouncement:
    integration = _text(body, "integration")
    if not integration:
        raise InvalidInput("a run names its integration", field="integration")
    progress = _text(body, "progress")
    said = {"progress": read_word(progress, parse_progress, "progress")} if progress else {}
    return RunAnnouncement(
        run_id=require_run_id(_text(body, "run_id") or str(uuid.uuid4())),
        integration=integration,
        configuration=_text(body, "configuration"),
        trigger=_text(body, "trigger"),
        scope=_scope(body),
        expected=_count(body, "expected"),
        cancellable=_typed(body, "cancellable", bool, "true or false") or False,
        attributes=_typed(body, "attributes", dict, "an object") or {},
        **said,
    )


def read_change(body: JsonObject) -> RunChange:
    if not body:
        raise InvalidInput("the body changes nothing", hint=f"say one of {', '.join(CHANGED)}")
    progress, status = _text(body, "progress"), _text(body, "status")
    return RunChange(
        progress=read_word(progress, parse_progress, "progress") if progress else None,
        expected=_count(body, "expected"),
        message=_text(body, "message"),
        status=read_word(status, parse_status, "status") if status else None,
        claimed=_claimed(body),
    )


def _answer_run(run_id: str, status: int = 200) -> Response:
    run = get_run(workspace().view, run_id)
    return Response(json.dumps(run_as_json(run)), status, content_type=JSON)


def _read_json(known: tuple[str, ...]) -> JsonObject:
    body = read_object(read_small_body(max_bytes=workspace().settings.max_body_bytes))
    for key in body:
        if key not in known:
            raise InvalidInput(f"unknown field {key!r}", field=key, hint=nearest(key, known))
    return body


def _typed(body: JsonObject, name: str, kind: type[Kind], words: str) -> Kind | None:
    value = body.get(name)
    if value is None or isinstance(value, kind):
        return value
    raise InvalidInput(f"{name} is {words}, not {json.dumps(value)[:60]}", field=name)


def _text(body: JsonObject, name: str) -> str | None:
    return _typed(body, name, str, "text")


def _count(body: JsonObject, name: str) -> int | None:
    value = _typed(body, name, int, "a whole number")
    if value is not None and (isinstance(value, bool) or not 0 <= value < 2**63):
        raise InvalidInput(f"{name} is a whole number from 0, not {json.dumps(value)}", field=name)
    return value


def _scope(body: JsonObject) -> Scope | None:
    text = _text(body, "scope")
    if not text:
        return None
    if text.upper() not in Scope.__members__:
        raise InvalidInput(f"scope is FULL or PARTIAL, not {text!r}", field="scope")
    return Scope[text.upper()]


def _claimed(body: JsonObject) -> dict[str, int] | None:
    """What the sender counted itself."""
    claimed = _typed(body, "claimed", dict, "an object of counts")
    if claimed is None:
        return None
    for name, count in claimed.items():
        if isinstance(count, bool) or not isinstance(count, int):
            raise InvalidInput(f"claimed.{name} is a whole number, not {json.dumps(count)[:60]}", field="claimed")
    return claimed


_FOUND = (
    Parameter(name="integration", meaning="exactly this integration"),
    Parameter(name="configuration", meaning="exactly this configuration"),
    Parameter(name="trigger", meaning="exactly this trigger"),
    Parameter(name="progress", meaning="PENDING, RUNNING, ABORTION_PENDING, ABORTED or FINISHED"),
    Parameter(name="status", meaning="the worst status: OK, INFO, WARNING or ERROR"),
    SINCE,
    UNTIL,
    Parameter(name="q", meaning="text in run id, integration, configuration or trigger"),
    *RANGES,
    Parameter(name="sort", meaning=f"{', '.join(RUN_SORTS)}; - in front reverses; -begun_at unless said"),
    LIMIT,
    CURSOR,
)

ROUTES = (
    Route(
        method="POST",
        path="/runs",
        view=post_run,
        summary="Announce a run",
        detail="The same run_id again answers 200 and changes nothing.",
        body=Body(
            schema="RunAnnouncement",
            example={
                "integration": "servicenow",
                "configuration": "prod",
                "trigger": "FULL_SYNC_JOB",
                "expected": 1200,
            },
        ),
        answers=(
            Answer(status=201, meaning="announced", schema="Run"),
            Answer(status=200, meaning="known already, unchanged", schema="Run"),
        ),
        errors=(503, 504),
    ),
    Route(
        method="GET",
        path="/runs",
        view=get_runs,
        summary="Find runs, latest first",
        parameters=_FOUND,
        answers=(Answer(status=200, meaning="a page", schema="RunPage"),),
    ),
    Route(
        method="GET",
        path="/runs/{run_id}",
        view=get_one_run,
        summary="One run",
        answers=(Answer(status=200, meaning="the run", schema="Run"),),
        errors=(404,),
    ),
    Route(
        method="PATCH",
        path="/runs/{run_id}",
        view=patch_run,
        summary="Say how a run goes on",
        detail="A step back, such as FINISHED to RUNNING, is 409.",
        body=Body(schema="RunChange", example={"progress": "FINISHED", "claimed": {"processed": 1200, "errors": 3}}),
        answers=(Answer(status=200, meaning="the run", schema="Run"),),
        errors=(404, 409, 503, 504),
    ),
    Route(
        method="POST",
        path="/runs/{run_id}/cancel",
        view=post_run_cancel,
        summary="Ask a run to stop",
        detail="Its sender sees ABORTION_PENDING and says ABORTED when it has stopped.",
        answers=(Answer(status=202, meaning="asked; the run", schema="Run"),),
        errors=(404, 409, 503, 504),
    ),
    Route(
        method="GET",
        path="/runs/{run_id}/problems",
        view=get_run_problems,
        summary="What went wrong in a run, worst first",
        detail="What retention has removed stays counted; examples, operations and codes are of the actions left.",
        parameters=(LIMIT,),
        answers=(Answer(status=200, meaning="its problems", schema="ProblemList"),),
        errors=(404,),
    ),
)
