"""One action as plain text, for a ticket or a mail."""

from ingest.action import Operation
from query.actions import Action
from query.runs import Run
from reports.wording import format_datetime, format_milliseconds, shorten, visible_text

MESSAGE_SHOWN = 4000
DETAILS_SHOWN = 4000


def ticket_text(run: Run, action: Action, *, address: str) -> str:
    """What happened to which record in which run, one fact a line, leaving out what is not known."""
    facts = (
        ("Run", " · ".join(filter(None, (run.integration, run.configuration, run.trigger))) + f" ({run.run_id})"),
        ("When", format_datetime(action.happened_at)),
        ("Source", _record(action.source_type, action.source_name, action.source_id)),
        ("Target", _record(action.target_type, action.target_name, action.target_id)),
        ("Code", action.code or ""),
        ("Took", "" if action.duration_ms is None else format_milliseconds(action.duration_ms)),
        ("Message", shorten(action.message, MESSAGE_SHOWN)),
        ("Details", shorten(action.details, DETAILS_SHOWN)),
        ("Link", address),
    )
    lines = [f"{label}: {visible_text(text)}" for label, text in facts if text]
    return "\n".join((_headline(action), *lines))


def _headline(action: Action) -> str:
    what = "nothing changed" if action.operation is Operation.NONE else action.operation.value
    return f"{action.status}: {what}"


def _record(record_type: str | None, name: str | None, record_id: str | None) -> str:
    named = " ".join(filter(None, (record_type, name and f"“{name}”")))
    return f"{named} ({record_id})".strip() if record_id else named
