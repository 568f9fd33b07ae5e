"""The JSON shapes of the API: each as a function that makes it and the schema that describes it.

Counters stand beside the other fields of a run, as they do in SQL and in the command's output.
"""

import json
from datetime import datetime
from typing import Any

from ingest.errors import InvalidInput
from ingest.recorder import Receipt
from query.actions import Action
from query.paging import Page
from query.problems import Problem
from query.runs import COUNTERS, Run
from web.health import Health

# What json.loads gives has no narrower type than Any.
JsonObject = dict[str, Any]


def instant(moment: datetime | None) -> str | None:
    """RFC 3339 in UTC with microseconds."""
    return None if moment is None else moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ").rjust(27, "0")


def run_as_json(run: Run) -> JsonObject:
    return {
        "run_id": run.run_id,
        "integration": run.integration,
        "configuration": run.configuration,
        "trigger": run.trigger,
        "scope": run.scope,
        "progress": run.progress,
        "status": run.status,
        "begun_at": instant(run.begun_at),
        "ended_at": instant(run.ended_at),
        "end_seen": run.end_seen,
        "duration_ms": None if run.duration is None else round(run.duration.total_seconds() * 1000),
        **{counter: getattr(run.counts, counter) for counter in COUNTERS},
        "gone": run.gone,
        "unreadable": run.unreadable,
        "expected": run.expected,
        "percent": run.percent,
        "claimed": run.claimed,
        "cancellable": run.cancellable,
        "message": run.message,
        "attributes": run.attributes,
        "announced_at": instant(run.announced_at),
        "started_at": instant(run.started_at),
        "finished_at": instant(run.finished_at),
        "heard_at": instant(run.heard_at),
        "first_action_at": instant(run.first_action_at),
        "last_action_at": instant(run.last_action_at),
    }


def action_as_json(action: Action) -> JsonObject:
    return {
        "action_id": action.action_id,
        "run_id": action.run_id,
        "integration": action.integration,
        "configuration": action.configuration,
        "trigger": action.trigger,
        "happened_at": instant(action.happened_at),
        "operation": action.operation,
        "status": action.status,
        "source_type": action.source_type,
        "source_id": action.source_id,
        "source_name": action.source_name,
        "target_type": action.target_type,
        "target_id": action.target_id,
        "target_name": action.target_name,
        "code": action.code,
        "message": action.message,
        "details": None if action.details is None else json.loads(action.details),
        "duration_ms": action.duration_ms,
        "problem_id": action.problem_id,
        "batch_id": action.batch_id,
        "row": action.row,
    }


def problem_as_json(problem: Problem) -> JsonObject:
    return {
        "problem_id": problem.problem_id,
        "template": problem.template,
        "status": problem.status,
        "count": problem.count,
        "records": problem.records,
        "records_are_exact": problem.records_are_exact,
        "first_at": instant(problem.first_at),
        "last_at": instant(problem.last_at),
        "operations": list(problem.operations),
        "codes": list(problem.codes),
        "examples": [action_as_json(action) for action in problem.examples],
    }


def health_as_json(health: Health) -> JsonObject:
    return {
        "status": health.status,
        "checks": [{"name": each.name, "status": each.status, "message": each.message} for each in health.checks],
        "damaged": [
            {
                "kind": batch.kind,
                "batch_id": batch.batch_id,
                "since": instant(batch.since),
                "problem": batch.problem,
                "path": str(batch.path),
                "set_aside": batch.is_aside,
                "rows": batch.rows,
                "run_count": batch.run_count,
                "runs": [{"run_id": run.run_id, "actions": run.actions} for run in batch.runs],
            }
            for batch in health.damaged
        ],
    }


def receipt_as_json(receipt: Receipt) -> JsonObject:
    return {
        "batch_id": receipt.batch_id,
        "accepted": receipt.accepted,
        "rejected": receipt.rejected,
        "rejects": [
            {"line": reject.line, "field": reject.field, "code": reject.code, "message": reject.message}
            for reject in receipt.rejects
        ],
        "runs": [{"run_id": run.run_id, "accepted": run.accepted} for run in receipt.runs],
    }


def runs_page_as_json(page: Page[Run]) -> JsonObject:
    return {"items": [run_as_json(run) for run in page.items], "next_cursor": page.next_cursor}


def actions_page_as_json(page: Page[Action]) -> JsonObject:
    return {"items": [action_as_json(action) for action in page.items], "next_cursor": page.next_cursor}


def read_object(body: bytes) -> JsonObject:
    """A request body that is one JSON object."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"the body is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise InvalidInput("the body is not a JSON object")
    return value


_TEXT: JsonObject = {"type": "string"}
_MAYBE_TEXT: JsonObject = {"type": ["string", "null"]}
_INSTANT: JsonObject = {"type": "string", "format": "date-time"}
_MAYBE_INSTANT: JsonObject = {"type": ["string", "null"], "format": "date-time"}
_COUNT: JsonObject = {"type": "integer", "minimum": 0}
_MAYBE_COUNT: JsonObject = {"type": ["integer", "null"], "minimum": 0}
_OPERATION: JsonObject = {"type": "string", "enum": ["CREATE", "UPDATE", "DELETE", "NONE"]}
_STATUS: JsonObject = {"type": "string", "enum": ["OK", "INFO", "WARNING", "ERROR"]}
_MAYBE_STATUS: JsonObject = {"type": ["string", "null"], "enum": ["OK", "INFO", "WARNING", "ERROR", None]}
_PROGRESS: JsonObject = {"type": "string", "enum": ["PENDING", "RUNNING", "ABORTION_PENDING", "ABORTED", "FINISHED"]}
_SCOPE: JsonObject = {"type": ["string", "null"], "enum": ["FULL", "PARTIAL", None]}
_ANY_OBJECT: JsonObject = {"type": "object"}
_CLAIMED: JsonObject = {"type": "object", "additionalProperties": {"type": "integer"}}


def _object(required: tuple[str, ...] = (), /, **properties: JsonObject) -> JsonObject:
    return {"type": "object", "properties": properties, **({"required": list(required)} if required else {})}


def _page_of(name: str) -> JsonObject:
    return _object(
        ("items", "next_cursor"), items={"type": "array", "items": _component(name)}, next_cursor=_MAYBE_TEXT
    )


def _component(name: str) -> JsonObject:
    return {"$ref": f"#/components/schemas/{name}"}


_ACTION_LINE: JsonObject = {
    "run_id": _TEXT,
    "integration": _MAYBE_TEXT,
    "configuration": _MAYBE_TEXT,
    "trigger": _MAYBE_TEXT,
    "happened_at": {"description": "RFC 3339, or epoch seconds to nanoseconds; without a zone UTC", **_INSTANT},
    "operation": _OPERATION,
    "status": _STATUS,
    "source_type": _MAYBE_TEXT,
    "source_id": _MAYBE_TEXT,
    "source_name": _MAYBE_TEXT,
    "target_type": _MAYBE_TEXT,
    "target_id": _MAYBE_TEXT,
    "target_name": _MAYBE_TEXT,
    "code": _MAYBE_TEXT,
    "message": _MAYBE_TEXT,
    "details": {"description": "anything; keys synclog does not know end up here too"},
    "duration_ms": _MAYBE_COUNT,
}

SCHEMAS: JsonObject = {
    "Run": _object(
        ("run_id", "integration", "progress", "status", *COUNTERS, "gone", "unreadable"),
        run_id=_TEXT,
        integration=_TEXT,
        configuration=_MAYBE_TEXT,
        trigger=_MAYBE_TEXT,
        scope=_SCOPE,
        progress=_PROGRESS,
        status=_MAYBE_STATUS,
        begun_at=_MAYBE_INSTANT,
        ended_at=_MAYBE_INSTANT,
        end_seen={"type": "boolean", "description": "whether the sender said that the run is over"},
        duration_ms=_MAYBE_COUNT,
        **dict.fromkeys(COUNTERS, _COUNT),
        gone={**_COUNT, "description": "how many of the counted actions were removed by retention"},
        unreadable={**_COUNT, "description": "how many of them are in damaged files, see /health"},
        expected=_MAYBE_COUNT,
        percent={"type": ["number", "null"]},
        claimed=_CLAIMED,
        cancellable={"type": "boolean"},
        message=_MAYBE_TEXT,
        attributes=_ANY_OBJECT,
        announced_at=_MAYBE_INSTANT,
        started_at=_MAYBE_INSTANT,
        finished_at=_MAYBE_INSTANT,
        heard_at=_MAYBE_INSTANT,
        first_action_at=_MAYBE_INSTANT,
        last_action_at=_MAYBE_INSTANT,
    ),
    "Watched": _object(
        ("integration", "configuration", "flags", "runs"),
        integration=_TEXT,
        configuration=_MAYBE_TEXT,
        flags={
            "type": "array",
            "description": "what needs attention, most urgent first; empty when all is as usual",
            "items": _object(("flag", "reason"), flag=_TEXT, reason=_TEXT),
        },
        last_success_at={**_MAYBE_INSTANT, "description": "when the last run without an error began"},
        next_expected_at={**_MAYBE_INSTANT, "description": "null where its runs keep no rhythm"},
        open_problems=_object(("new", "regressed", "persisting"), new=_COUNT, regressed=_COUNT, persisting=_COUNT),
        runs={
            "type": "array",
            "description": "the latest, newest first",
            "items": _object(
                run_id=_TEXT,
                trigger=_MAYBE_TEXT,
                scope=_SCOPE,
                progress=_PROGRESS,
                status=_MAYBE_STATUS,
                begun_at=_INSTANT,
                ended_at=_MAYBE_INSTANT,
                processed=_COUNT,
                moved={**_COUNT, "description": "created, updated or deleted without an error"},
                warnings=_COUNT,
                errors=_COUNT,
            ),
        },
    ),
    "RunAnnouncement": _object(
        ("integration",),
        integration=_TEXT,
        configuration=_MAYBE_TEXT,
        trigger=_MAYBE_TEXT,
        scope=_SCOPE,
        run_id={"type": "string", "maxLength": 200, "description": "made up when missing; no slash"},
        progress={**_PROGRESS, "default": "RUNNING"},
        expected={**_MAYBE_COUNT, "description": "how many actions are to come"},
        cancellable={"type": "boolean", "default": False},
        attributes=_ANY_OBJECT,
    ),
    "RunChange": _object(progress=_PROGRESS, expected=_COUNT, message=_TEXT, status=_STATUS, claimed=_CLAIMED),
    "Action": _object(
        ("action_id", "run_id", "happened_at", "operation", "status"),
        action_id=_TEXT,
        **_ACTION_LINE,
        problem_id=_MAYBE_TEXT,
        batch_id=_TEXT,
        row=_COUNT,
    ),
    "ActionLine": {
        **_object(**_ACTION_LINE),
        "description": "One action. Beside the run, one of operation, status and message is enough.",
    },
    "ActionLines": {"type": "array", "items": _component("ActionLine")},
    "Problem": _object(
        ("problem_id", "template", "status", "count"),
        problem_id=_TEXT,
        template=_TEXT,
        status=_STATUS,
        count=_COUNT,
        records={**_COUNT, "description": "different records; a guess where records_are_exact is false"},
        records_are_exact={"type": "boolean"},
        first_at=_INSTANT,
        last_at=_INSTANT,
        operations={"type": "array", "items": _OPERATION},
        codes={"type": "array", "items": _TEXT},
        state={**_MAYBE_TEXT, "description": "new, regressed or persisting, as of the end of the run"},
        cause={**_MAYBE_TEXT, "description": "the name of its class"},
        note=_MAYBE_TEXT,
        ticket=_MAYBE_TEXT,
        muted_until=_MAYBE_INSTANT,
        is_expected={"type": "boolean"},
        examples={"type": "array", "items": _component("Action")},
    ),
    "Receipt": _object(
        ("batch_id", "accepted", "rejected", "rejects", "runs"),
        batch_id={**_MAYBE_TEXT, "description": "null when nothing was accepted"},
        accepted=_COUNT,
        rejected=_COUNT,
        rejects={
            "type": "array",
            "description": "the first 100",
            "items": _object(line=_COUNT, field=_MAYBE_TEXT, code=_TEXT, message=_TEXT),
        },
        runs={"type": "array", "items": _object(run_id=_TEXT, accepted=_COUNT)},
    ),
    "SqlStatement": _object(
        ("sql",),
        sql=_TEXT,
        parameters={"type": ["array", "object", "null"], "description": "for ? or for $name"},
        limit={**_COUNT, "minimum": 1, "description": "rows at most"},
        statement_id={**_MAYBE_TEXT, "description": "a name of your choice to cancel it by"},
    ),
    "SqlResult": _object(
        ("columns", "rows", "truncated", "seconds"),
        columns={"type": "array", "items": _object(name=_TEXT, type=_TEXT)},
        rows={"type": "array", "items": _ANY_OBJECT},
        truncated={"type": "boolean", "description": "whether there were more rows than the limit"},
        seconds={"type": "number"},
    ),
    "Health": _object(
        ("status", "checks", "damaged"),
        status={**_STATUS, "description": "the worst of the checks"},
        checks={"type": "array", "items": _object(name=_TEXT, status=_STATUS, message=_TEXT)},
        damaged={
            "type": "array",
            "description": "files that are not what was written, those found first first",
            "items": _object(
                ("kind", "batch_id", "since", "problem", "path", "set_aside", "rows", "run_count", "runs"),
                kind={"type": "string", "enum": ["actions", "runs", "rejects"]},
                batch_id=_TEXT,
                since=_INSTANT,
                problem=_TEXT,
                path={**_TEXT, "description": "where the whole file belongs"},
                set_aside={"type": "boolean"},
                rows={**_MAYBE_COUNT, "description": "null where nothing is known of it"},
                run_count=_COUNT,
                runs={
                    "type": "array",
                    "description": "those with the most actions in it",
                    "items": _object(run_id=_TEXT, actions=_COUNT),
                },
            ),
        },
    ),
    "Error": _object(
        ("error",),
        error=_object(
            ("code", "message", "field", "hint"), code=_TEXT, message=_TEXT, field=_MAYBE_TEXT, hint=_MAYBE_TEXT
        ),
    ),
    "OverviewPage": _page_of("Watched"),
    "RunPage": _page_of("Run"),
    "ActionPage": _page_of("Action"),
    "ProblemList": _object(("items",), items={"type": "array", "items": _component("Problem")}),
}
