"""The JSON shapes of problems across runs: each as a function that makes it and the schema that describes it."""

from ingest.action import OPERATIONS, STATUSES
from ingest.problem_notes import ProblemNote
from ingest.problem_summary import ProblemExample
from query.problem_history import Occurrence
from query.problem_list import ListedProblem
from query.problem_states import ProblemState
from query.run_problems import RunProblem
from web.api.schemas import JsonObject, instant

NOTHING_KNOWN: JsonObject = {"state": None, "cause": None}
"""Of a problem that is one of too many."""


def listed_problem_as_json(problem: ListedProblem) -> JsonObject:
    return {
        "problem_id": problem.problem_id,
        "integration": problem.integration,
        "configuration": problem.configuration,
        "template": problem.template,
        "status": problem.status,
        "state": problem.state,
        "cause": problem.cause.name,
        "count": problem.count,
        "records": problem.records,
        "records_are_exact": problem.records_are_exact,
        "runs": problem.runs,
        "first_at": instant(problem.first_at),
        "last_at": instant(problem.last_at),
        "example": example_as_json(problem.example),
        **note_as_json(problem.note),
    }


def run_problem_as_json(each: RunProblem) -> JsonObject:
    """A problem of one run, as the index knows it."""
    problem = each.problem
    return {
        "problem_id": problem.problem_id,
        "template": problem.template,
        "status": problem.status,
        "count": problem.count,
        "records": problem.records,
        "records_are_exact": problem.records_are_exact,
        "first_at": instant(problem.first_at),
        "last_at": instant(problem.last_at),
        "example": example_as_json(problem.example),
        **known_as_json(each),
    }


def known_as_json(each: RunProblem) -> JsonObject:
    """What is known of a problem beside the run."""
    return {"state": each.state, "cause": each.cause.name, **note_as_json(each.note)}


def note_as_json(note: ProblemNote | None) -> JsonObject:
    return {
        "note": note and note.note,
        "ticket": note and note.ticket,
        "muted_until": instant(note.muted_until) if note else None,
        "is_expected": note is not None and note.is_expected,
    }


def example_as_json(example: ProblemExample) -> JsonObject:
    return {
        "action_id": f"{example.batch_id}.{example.row}",
        "operation": example.operation,
        "code": example.code,
        "message": example.message,
    }


def occurrence_as_json(run: Occurrence) -> JsonObject:
    return {
        "run_id": run.run_id,
        "begun_at": instant(run.begun_at),
        "state": run.state,
        "status": run.status,
        "count": run.count,
        "records": run.records,
        "records_are_exact": run.records_are_exact,
        "example": None if run.example is None else example_as_json(run.example),
    }


_TEXT: JsonObject = {"type": "string"}
_MAYBE_TEXT: JsonObject = {"type": ["string", "null"]}
_INSTANT: JsonObject = {"type": "string", "format": "date-time"}
_MAYBE_INSTANT: JsonObject = {"type": ["string", "null"], "format": "date-time"}
_COUNT: JsonObject = {"type": "integer", "minimum": 0}
_STATUS: JsonObject = {"type": "string", "enum": list(STATUSES)}
_MAYBE_STATUS: JsonObject = {"type": ["string", "null"], "enum": [*STATUSES, None]}
_OPERATION: JsonObject = {"type": "string", "enum": list(OPERATIONS)}


def _object(required: tuple[str, ...], properties: dict[str, JsonObject]) -> JsonObject:
    return {"type": "object", "required": list(required), "properties": properties}


_EXAMPLE = _object((), {"action_id": _TEXT, "operation": _OPERATION, "code": _MAYBE_TEXT, "message": _MAYBE_TEXT})
_LISTED_PROBLEM: dict[str, JsonObject] = {
    "problem_id": _TEXT,
    "integration": _TEXT,
    "configuration": _MAYBE_TEXT,
    "template": _TEXT,
    "status": _STATUS,
    "state": {"type": "string", "enum": list(ProblemState)},
    "cause": {**_TEXT, "description": "the name of its class"},
    "count": {**_COUNT, "description": "actions, over all runs"},
    "records": {**_COUNT, "description": "different records; a guess where records_are_exact is false"},
    "records_are_exact": {"type": "boolean"},
    "runs": {**_COUNT, "description": "in how many it occurred"},
    "first_at": _INSTANT,
    "last_at": _INSTANT,
    "example": _EXAMPLE,
    "note": _MAYBE_TEXT,
    "ticket": _MAYBE_TEXT,
    "muted_until": _MAYBE_INSTANT,
    "is_expected": {"type": "boolean"},
}


_OCCURRENCE = _object(
    (),
    {
        "run_id": _TEXT,
        "begun_at": _INSTANT,
        "state": {**_MAYBE_TEXT, "description": "where it stood when the run had ended"},
        "status": _MAYBE_STATUS,
        "count": _COUNT,
        "records": _COUNT,
        "records_are_exact": {"type": "boolean"},
        "example": {"type": ["object", "null"]},
    },
)
_SOMEWHERE: dict[str, JsonObject] = {
    **_LISTED_PROBLEM,
    "advice": {**_TEXT, "description": "what to do"},
    "who": {**_TEXT, "description": "who can"},
    "latest_runs": {
        "type": "array",
        "description": "newest first, with the problem or without",
        "items": _OCCURRENCE,
    },
}

PROBLEM_SCHEMAS: JsonObject = {
    "ListedProblem": _object(
        ("problem_id", "integration", "template", "status", "state", "cause", "count"), _LISTED_PROBLEM
    ),
    "ProblemEverywhere": _object(
        ("problem_id", "template", "items"),
        {"problem_id": _TEXT, "template": _TEXT, "items": {"type": "array", "items": _object((), _SOMEWHERE)}},
    ),
    "ListedProblemPage": _object(
        ("items", "next_cursor"),
        {
            "items": {"type": "array", "items": {"$ref": "#/components/schemas/ListedProblem"}},
            "next_cursor": _MAYBE_TEXT,
        },
    ),
}
