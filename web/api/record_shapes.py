"""The JSON shapes of a record: each as a function that makes it and the schema that describes it."""

from query.actions import Action
from reports.flip_flop import FlipFlop, Writer
from reports.record_head import Partner, RecordHead, Standing
from web.api.schemas import JsonObject, instant


def head_as_json(head: RecordHead) -> JsonObject:
    return {
        "record_type": head.record_type,
        "record_id": head.record_id,
        "names": list(head.names),
        "types": list(head.types),
        "actions": head.actions,
        "runs": len(head.visits),
        "is_whole": head.is_whole,
        "first_at": instant(head.first_at),
        "last_at": instant(head.last_at),
        "status": head.status,
        "failing_since": instant(head.failing_since),
        **_last_good(head.last_good),
        "outcome": head.outcome,
        "integrations": [_standing_as_json(standing) for standing in head.standings],
        "partners": [_partner_as_json(partner) for partner in head.partners],
        "flip_flops": [_flip_flop_as_json(flip) for flip in head.flip_flops],
    }


def _last_good(action: Action | None) -> JsonObject:
    return {
        "last_good_at": instant(action.happened_at) if action else None,
        "last_good_run_id": action.run_id if action else None,
    }


def _standing_as_json(standing: Standing) -> JsonObject:
    return {
        **_writer_as_json(standing.writer),
        "runs": standing.runs,
        "actions": standing.actions,
        "status": standing.status,
        "last_at": instant(standing.last_at),
        **_last_good(standing.last_good),
        "failing_since": instant(standing.failing_since),
        "failing_runs": standing.failing_runs,
    }


def _partner_as_json(partner: Partner) -> JsonObject:
    return {
        "record_type": partner.record_type,
        "record_id": partner.record_id,
        "name": partner.name,
        "actions": partner.actions,
        "role": "source" if partner.is_source else "target",
    }


def _flip_flop_as_json(flip: FlipFlop) -> JsonObject:
    return {
        "sentence": flip.sentence,
        "field": flip.field,
        "values": list(flip.values),
        "writers": [[_writer_as_json(writer) for writer in some] for some in flip.writers],
        "changes": flip.changes,
        "first_at": instant(flip.first_at),
        "last_at": instant(flip.last_at),
        "run_ids": list(flip.run_ids),
    }


def _writer_as_json(writer: Writer) -> JsonObject:
    return {"integration": writer.integration, "configuration": writer.configuration}


_TEXT: JsonObject = {"type": "string"}
_MAYBE_TEXT: JsonObject = {"type": ["string", "null"]}
_MAYBE_INSTANT: JsonObject = {"type": ["string", "null"], "format": "date-time"}
_COUNT: JsonObject = {"type": "integer", "minimum": 0}
_TEXTS: JsonObject = {"type": "array", "items": _TEXT}
_LAST_GOOD: JsonObject = {
    "last_good_at": {**_MAYBE_INSTANT, "description": "when its last OK action happened"},
    "last_good_run_id": _MAYBE_TEXT,
}
_WRITER: JsonObject = {"integration": _MAYBE_TEXT, "configuration": _MAYBE_TEXT}


def _list_of(properties: JsonObject, description: str) -> JsonObject:
    return {"type": "array", "description": description, "items": {"type": "object", "properties": properties}}


RECORD_SCHEMAS: JsonObject = {
    "Record": {
        "type": ["object", "null"],
        "description": "the figures of a record; null on later pages",
        "properties": {
            "record_type": _MAYBE_TEXT,
            "record_id": _TEXT,
            "names": {**_TEXTS, "description": "the latest first"},
            "types": _TEXTS,
            "actions": _COUNT,
            "runs": _COUNT,
            "is_whole": {"type": "boolean", "description": "false where older actions were not looked at"},
            "first_at": _MAYBE_INSTANT,
            "last_at": _MAYBE_INSTANT,
            "status": {**_MAYBE_TEXT, "description": "the worst of the last run of each integration"},
            "failing_since": {**_MAYBE_INSTANT, "description": "null where no integration fails with it"},
            **_LAST_GOOD,
            "outcome": {**_TEXT, "description": "how it is now, in a sentence"},
            "integrations": _list_of(
                {
                    **_WRITER,
                    "runs": _COUNT,
                    "actions": _COUNT,
                    "status": {**_TEXT, "description": "of its last run on the record"},
                    "last_at": _MAYBE_INSTANT,
                    **_LAST_GOOD,
                    "failing_since": _MAYBE_INSTANT,
                    "failing_runs": {**_COUNT, "description": "in an unbroken row up to the last"},
                },
                "how each integration and configuration stands with it",
            ),
            "partners": _list_of(
                {
                    "record_type": _MAYBE_TEXT,
                    "record_id": _TEXT,
                    "name": _MAYBE_TEXT,
                    "actions": _COUNT,
                    "role": {"type": "string", "enum": ["source", "target"], "description": "of the partner"},
                },
                "the other records of its actions",
            ),
            "flip_flops": _list_of(
                {
                    "sentence": _TEXT,
                    "field": {**_MAYBE_TEXT, "description": "null where two writers only take turns"},
                    "values": {"type": "array", "items": _MAYBE_TEXT},
                    "writers": {"type": "array", "description": "of each value", "items": {"type": "array"}},
                    "changes": _COUNT,
                    "first_at": _MAYBE_INSTANT,
                    "last_at": _MAYBE_INSTANT,
                    "run_ids": _TEXTS,
                },
                "what goes to and fro",
            ),
        },
    },
    "RecordPage": {
        "type": "object",
        "required": ["items", "next_cursor", "record"],
        "properties": {
            "items": {"type": "array", "items": {"$ref": "#/components/schemas/Action"}},
            "next_cursor": _MAYBE_TEXT,
            "record": {"$ref": "#/components/schemas/Record"},
        },
    },
}
