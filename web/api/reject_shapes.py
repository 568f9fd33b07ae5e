"""The JSON shapes of refused lines and of their replay."""

from typing import Any

from ingest.mending import Mended
from ingest.timestamps import from_microseconds
from query.rejects import ListedReject, RejectGroup
from web.api.schemas import JsonObject, instant
from web.replays import Preview, Replay

PREVIEWED_LINES = 20


def reject_as_json(listed: ListedReject) -> JsonObject:
    reject = listed.reject
    return {
        "reject_id": reject.reject_id,
        "received_at": instant(reject.received_at),
        "source": reject.source,
        "run_id": reject.run_id,
        "line": reject.line,
        "field": reject.field,
        "code": reject.code,
        "message": reject.message,
        "raw": reject.raw,
        "raw_length": listed.raw_length,
        "given": dict(reject.given),
        "replayed": listed.replayed,
        "replayed_at": instant(listed.replayed_at),
    }


def group_as_json(group: RejectGroup) -> JsonObject:
    return {
        "source": group.source,
        "code": group.code,
        "field": group.field,
        "count": group.count,
        "runs": group.runs,
        "first_at": instant(group.first_at),
        "last_at": instant(group.last_at),
        "message": group.message,
    }


def preview_as_json(preview: Preview) -> JsonObject:
    return {
        "right": preview.right,
        "refused": preview.refused,
        "reasons": _reasons(preview.reasons),
        "complete": preview.is_all,
        "lines": [_mended_as_json(each) for each in preview.mended[:PREVIEWED_LINES]],
    }


def replay_as_json(done: Replay) -> JsonObject:
    return {"replayed": done.replayed, "refused": done.refused, "reasons": _reasons(done.reasons)}


def _reasons(reasons: tuple[tuple[str, int], ...]) -> list[JsonObject]:
    return [{"reason": reason, "count": count} for reason, count in reasons]


def _mended_as_json(mended: Mended) -> JsonObject:
    return {
        "reject_id": mended.reject.reject_id,
        "field": mended.field,
        "reason": mended.reason,
        "action": None if mended.action is None else action_line(mended.action),
    }


def action_line(action: Any) -> JsonObject:  # values of the types of the lake
    """A mended line as an action, its time as text."""
    return {**action, "happened_at": instant(from_microseconds(action["happened_at"]))}


_TEXT: JsonObject = {"type": "string"}
_MAYBE_TEXT: JsonObject = {"type": ["string", "null"]}
_COUNT: JsonObject = {"type": "integer", "minimum": 0}
_INSTANT: JsonObject = {"type": "string", "format": "date-time"}
_REASONS: JsonObject = {
    "type": "array",
    "description": "why lines are still refused, the most frequent first",
    "items": {"type": "object", "properties": {"reason": _TEXT, "count": _COUNT}},
}
_REJECT: JsonObject = {
    "reject_id": _TEXT,
    "received_at": _INSTANT,
    "source": {**_MAYBE_TEXT, "description": "http, or the name of a file"},
    "run_id": _MAYBE_TEXT,
    "line": {"type": ["integer", "null"], "description": "line, row or element of the body, from 1"},
    "field": _MAYBE_TEXT,
    "code": _TEXT,
    "message": _TEXT,
    "raw": {**_MAYBE_TEXT, "description": "the line, in lists of at most 4,000 characters"},
    "raw_length": {"type": ["integer", "null"], "description": "how many characters are kept"},
    "given": {"type": "object", "description": "what its request said for all lines, and the input it was read as"},
    "replayed": {"type": "boolean"},
    "replayed_at": {"type": ["string", "null"], "format": "date-time"},
}
_GROUP: JsonObject = {
    "source": _MAYBE_TEXT,
    "code": _TEXT,
    "field": _MAYBE_TEXT,
    "count": _COUNT,
    "runs": _COUNT,
    "first_at": _INSTANT,
    "last_at": _INSTANT,
    "message": {**_TEXT, "description": "of the last of them"},
}


def _object(properties: JsonObject) -> JsonObject:
    return {"type": "object", "properties": properties, "required": list(properties)}


REJECT_SCHEMAS: JsonObject = {
    "RejectPage": _object({"items": {"type": "array", "items": _object(_REJECT)}, "next_cursor": _MAYBE_TEXT}),
    "RejectGroups": _object(
        {
            "items": {"type": "array", "items": _object(_GROUP)},
            "complete": {"type": "boolean", "description": "whether all there are were looked at"},
        }
    ),
    "ReplayPreview": _object(
        {
            "right": _COUNT,
            "refused": _COUNT,
            "reasons": _REASONS,
            "complete": {"type": "boolean", "description": "whether all that are chosen were looked at"},
            "lines": {
                "type": "array",
                "items": _object(
                    {
                        "reject_id": _TEXT,
                        "field": _MAYBE_TEXT,
                        "reason": {**_MAYBE_TEXT, "description": "null when it is right"},
                        "action": {"type": ["object", "null"], "description": "what it would become"},
                    }
                ),
            },
        }
    ),
    "Replay": _object({"replayed": _COUNT, "refused": _COUNT, "reasons": _REASONS}),
}
