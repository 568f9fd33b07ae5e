"""The JSON shapes of two runs side by side: each as a function that makes it and the schema that describes it."""

from collections.abc import Mapping
from datetime import timedelta

from query.compare import ComparedProblem, ComparedProblems, ComparedRecord, Difference, RecordCounts, RecordInRun
from query.runs import Run
from reports.comparison import cautions, compare_counts
from web.api.schemas import JsonObject, run_as_json


def comparison_as_json(a: Run, b: Run, problems: ComparedProblems, records: RecordCounts) -> JsonObject:
    return {
        "a": run_as_json(a),
        "b": run_as_json(b),
        "cautions": list(cautions(a, b)),
        "counters": {
            figure.name: {"a": figure.a, "b": figure.b, "difference": figure.difference}
            for figure in compare_counts(a.counts, b.counts)
        },
        "duration_ms": _durations(a.duration, b.duration),
        "problems": [compared_problem_as_json(problem) for problem in problems.problems],
        "problems_are_whole": problems.is_whole,
        "records": {
            "in_a": records.in_a,
            "in_b": records.in_b,
            "in_both": records.in_both,
            "named_only": records.named_only,
            "unnamed_a": records.unnamed_a,
            "unnamed_b": records.unnamed_b,
            **{difference.value: records.by_difference[difference] for difference in Difference},
        },
    }


def compared_problem_as_json(problem: ComparedProblem) -> JsonObject:
    return {
        "problem_id": problem.problem_id,
        "state": problem.state,
        "status": problem.latest.status,
        "template": problem.latest.template,
        "count_a": problem.a.count if problem.a else 0,
        "count_b": problem.b.count if problem.b else 0,
        "records_a": problem.a.records if problem.a else 0,
        "records_b": problem.b.records if problem.b else 0,
    }


def compared_record_as_json(record: ComparedRecord) -> JsonObject:
    return {
        "record_type": record.record_type,
        "record_id": record.record_id,
        "record_name": record.name,
        "differences": list(record.differences),
        "a": _in_run_as_json(record.a),
        "b": _in_run_as_json(record.b),
    }


def _in_run_as_json(record: RecordInRun | None) -> JsonObject | None:
    if record is None:
        return None
    return {
        "status": record.status,
        "operations": list(record.operations),
        "code": record.code,
        "message": record.message,
        "action_id": record.action_id,
    }


def _durations(a: timedelta | None, b: timedelta | None) -> JsonObject:
    in_ms = [None if span is None else round(span.total_seconds() * 1000) for span in (a, b)]
    known = [span for span in in_ms if span is not None]
    return {"a": in_ms[0], "b": in_ms[1], "difference": known[1] - known[0] if len(known) == 2 else None}


_COUNT: JsonObject = {"type": "integer", "minimum": 0}
_MAYBE_TEXT: JsonObject = {"type": ["string", "null"]}
_PAIR: JsonObject = {
    "type": "object",
    "properties": {
        "a": {"type": ["integer", "null"]},
        "b": {"type": ["integer", "null"]},
        "difference": {"type": ["integer", "null"], "description": "b less a"},
    },
}
_IN_RUN: JsonObject = {
    "type": ["object", "null"],
    "description": "null where the record is not in that run",
    "properties": {
        "status": {"type": "string", "description": "the worst of its actions"},
        "operations": {"type": "array", "items": {"type": "string"}},
        "code": {**_MAYBE_TEXT, "description": "of the first of its worst actions, as are message and action_id"},
        "message": _MAYBE_TEXT,
        "action_id": {"type": "string"},
    },
}


def _list_of(items: Mapping[str, object], description: str) -> JsonObject:
    return {"type": "array", "description": description, "items": items}


COMPARISON_SCHEMAS: JsonObject = {
    "Comparison": {
        "type": "object",
        "required": ["a", "b", "cautions", "counters", "duration_ms", "problems", "records"],
        "properties": {
            "a": {"$ref": "#/components/schemas/Run"},
            "b": {"$ref": "#/components/schemas/Run"},
            "cautions": _list_of({"type": "string"}, "what to bear in mind, in sentences"),
            "counters": {"type": "object", "additionalProperties": _PAIR},
            "duration_ms": _PAIR,
            "problems": _list_of({"$ref": "#/components/schemas/ComparedProblem"}, "new, then persisting, then gone"),
            "problems_are_whole": {"type": "boolean", "description": "false where a run has more kinds than compared"},
            "records": {
                "type": "object",
                "description": "how many records are in each run, and how many differ in which way",
                "additionalProperties": _COUNT,
            },
        },
    },
    "ComparedProblem": {
        "type": "object",
        "properties": {
            "problem_id": {"type": "string"},
            "state": {"type": "string", "enum": ["new", "persisting", "gone"]},
            "status": {"type": "string"},
            "template": {"type": "string"},
            **dict.fromkeys(("count_a", "count_b", "records_a", "records_b"), _COUNT),
        },
    },
    "ComparedRecord": {
        "type": "object",
        "properties": {
            "record_type": _MAYBE_TEXT,
            "record_id": {**_MAYBE_TEXT, "description": "null for a record that is known by its name"},
            "record_name": _MAYBE_TEXT,
            "differences": {"type": "array", "items": {"type": "string", "enum": list(Difference)}},
            "a": _IN_RUN,
            "b": _IN_RUN,
        },
    },
    "ComparedRecordPage": {
        "type": "object",
        "required": ["items", "next_cursor"],
        "properties": {
            "items": {"type": "array", "items": {"$ref": "#/components/schemas/ComparedRecord"}},
            "next_cursor": _MAYBE_TEXT,
        },
    },
}
