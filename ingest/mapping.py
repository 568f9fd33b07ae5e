"""Which column of a sender is which of our fields.

Exact names win, then the same letters in another spelling (``sourceId``, ``Source ID``), then the spellings of
KNOWN_SPELLINGS in their order: the more a word says, the earlier it stands. A column is used once; what is not used
ends in ``details``.
"""

import difflib
from collections.abc import Iterable, Mapping, Sequence

from ingest.errors import InvalidInput
from ingest.schema import SENT_FIELDS

KNOWN_SPELLINGS: Mapping[str, tuple[str, ...]] = {
    "happened_at": (
        *("timestamp", "@timestamp", "ts", "event_time", "event_timestamp", "occurred_at", "logged_at"),
        *("created_at", "created", "datetime", "time", "date", "zeit", "zeitpunkt", "datum"),
    ),
    "run_id": (
        *("run", "run_uuid", "synchronization_id", "sync_id", "sync_run_id", "job_run_id", "job_id"),
        *("execution_id", "batch_run_id", "invocation_id"),
    ),
    "integration": (*("integration_type", "integration_name", "topic", "connector", "connector_type", "pipeline"),),
    "configuration": (
        *("configuration_name", "config", "config_name", "job", "job_name", "connection", "connection_name"),
        *("workspace", "processor", "processor_name"),
    ),
    "trigger": ("triggered_by", "trigger_type", "reason_started"),
    "operation": ("op", "action", "action_type", "operation_type", "change_type", "event_action"),
    "status": ("level", "severity", "log_level", "severity_text", "result", "outcome"),
    "source_type": (
        "source_system",
        "src_type",
        "src_system",
        "source",
        "src",
        "object_type",
        "record_type",
        "entity_type",
    ),
    "source_id": (
        *("src_id", "source_key", "source_record_id", "source_object_id", "source_path", "external_id"),
        *("object_id", "record_id", "entity_id", "object_key"),
    ),
    "source_name": ("src_name", "source_record_name", "object_name", "record_name", "entity_name"),
    "target_type": (
        *("target_system", "dst_type", "dest_type", "destination_type", "dst_system", "destination_system"),
        *("target", "destination", "dst", "dest"),
    ),
    "target_id": (
        *("dst_id", "dest_id", "destination_id", "target_key", "target_record_id", "target_object_id"),
        *("target_path", "internal_id", "fact_sheet_id"),
    ),
    "target_name": ("dst_name", "dest_name", "destination_name", "target_record_name", "fact_sheet_name"),
    "code": (
        "error_code",
        "err_code",
        "status_code",
        "http_status",
        "http_status_code",
        "error_type",
        "exception_type",
    ),
    "message": (*("msg", "error_message", "error", "log_message", "detail_message", "meldung", "nachricht"),),
    "duration_ms": ("duration_millis", "duration_milliseconds", "elapsed_ms", "took_ms", "latency_ms"),
}
"""Field to the names others use for it. Left out are words that may mean something else beside our fields: ``id``,
``name``, ``type`` or ``text`` go to details under their own name, ``duration`` does not say its unit."""


def guess_columns(names: Sequence[str], explicit: Mapping[str, str]) -> dict[str, str]:
    """Field to column for columns of these names; ``explicit`` (field to column) goes before any guess.

    Raises InvalidInput when ``explicit`` names a field we do not have or a column that is not there.
    """
    _check_explicit(names, explicit)
    chosen = dict(explicit)
    _choose(chosen, {name: name for name in names}, ((field, (field,)) for field in SENT_FIELDS))
    by_letters: dict[str, str] = {}
    for name in names:
        by_letters.setdefault(_letters(name), name)
    _choose(chosen, by_letters, ((field, (_letters(field),)) for field in SENT_FIELDS))
    spellings = ((field, tuple(map(_letters, words))) for field, words in KNOWN_SPELLINGS.items())
    _choose(chosen, by_letters, spellings)
    return {field: chosen[field] for field in SENT_FIELDS if field in chosen}


def _choose(chosen: dict[str, str], columns: Mapping[str, str], wanted: Iterable[tuple[str, tuple[str, ...]]]) -> None:
    used = set(chosen.values())
    for field, spellings in wanted:
        if field in chosen:
            continue
        free = (columns[word] for word in spellings if word in columns and columns[word] not in used)
        column = next(free, None)
        if column is not None:
            chosen[field] = column
            used.add(column)


def _letters(name: str) -> str:
    return "".join(character for character in name.casefold() if character.isalnum())


def _check_explicit(names: Sequence[str], explicit: Mapping[str, str]) -> None:
    taken: dict[str, str] = {}
    for field, column in explicit.items():
        if field not in SENT_FIELDS:
            raise InvalidInput(
                f"an action has no field {field!r}", field=field, hint=_nearest(field, SENT_FIELDS, "fields")
            )
        if column not in names:
            raise InvalidInput(
                f"there is no column {column!r} to read {field} from",
                field=field,
                hint=_nearest(column, names, "columns"),
            )
        if column in taken:
            raise InvalidInput(f"column {column!r} is named for both {taken[column]} and {field}", field=field)
        taken[column] = field


def _nearest(word: str, known: Sequence[str], kind: str) -> str:
    by_letters = {_letters(name): name for name in known}
    near = difflib.get_close_matches(_letters(word), list(by_letters), n=1)
    if near:
        return f"did you mean {by_letters[near[0]]!r}?"
    return f"{kind} are: {', '.join(known[:40])}" if known else f"there are no {kind}"
