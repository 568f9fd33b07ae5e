"""The summary row of a run in the index: what it is after a batch of actions or of run events.

Rows are plain dictionaries of column names to values, as the database gives and takes them; times are microseconds.
"""

import json
from collections.abc import Mapping
from typing import Any

from ingest.action import STATUSES, UNKNOWN_INTEGRATION, Progress, Scope, Status
from ingest.batch import received_us_of
from ingest.counts import COUNT_COLUMNS
from ingest.footer import RunSummary
from ingest.run_state import EventKind, RunEvent, RunState, fold
from ingest.timestamps import from_microseconds, to_microseconds

RunRow = dict[str, Any]  # column values of several types, straight from the database

_NAMES = ("integration", "configuration", "trigger")
_STATE_TIMES = ("announced_us", "started_us", "finished_us")


def with_summary(row: RunRow | None, summary: RunSummary, batch_id: str) -> RunRow:
    """The row after the actions of one more batch."""
    row = dict(row or _empty_row(summary.run_id))
    for name in _NAMES:
        row[name] = _name(row, row[name], getattr(summary, name))
    for name, count in summary.counts.as_dict().items():
        row[name] += count
    row["first_action_us"] = _least(row["first_action_us"], summary.first_us)
    row["last_action_us"] = _greatest(row["last_action_us"], summary.last_us)
    worst = summary.counts.worst_status
    row["status_rank"] = _greatest(row["status_rank"], None if worst is None else worst.rank)
    if row["progress"] == Progress.PENDING:
        row["progress"] = Progress.RUNNING.value  # whoever has actions has started
    row["gone"] += summary.gone
    return _heard(row, received_us_of(batch_id) if summary.heard_us is None else summary.heard_us)


def without_batch(row: RunRow, batch_run: Mapping[str, Any]) -> RunRow:
    """The row less what one batch had added to its counts; another that holds the same actions is added next."""
    return row | {name: row[name] - batch_run[name] for name in (*COUNT_COLUMNS, "gone")}


def with_events(row: RunRow | None, events: list[RunEvent], batch_id: str, *, afresh: bool) -> RunRow:
    """The row after these run events; ``afresh`` when they are all events of the run instead of just new ones."""
    row = dict(row or _empty_row(events[0].run_id))
    has_actions = row["first_action_us"] is not None
    # Until the first event its names are those of its actions, which give way to what is said of the run itself.
    state = fold(events, RunState() if afresh or row["last_event"] is None else _state_of(row))
    for name in _NAMES:
        row[name] = getattr(state, name) or row[name]
    row["scope"] = state.scope.value if state.scope else None
    row["progress"] = _progress(state.progress, has_actions).value
    row["status_rank"] = _greatest(row["status_rank"], None if state.status is None else state.status.rank)
    row["announced_us"], row["started_us"], row["finished_us"] = (
        None if moment is None else to_microseconds(moment)
        for moment in (state.announced_at, state.started_at, state.finished_at)
    )
    row["expected"] = state.expected
    row["message"] = state.message
    row["cancellable"] = state.cancellable
    row["claimed"] = _dumped(state.claimed)
    row["attributes"] = _dumped(state.attributes)
    row["last_event"] = max(row["last_event"] or "", batch_id)
    return _heard(row, received_us_of(batch_id))


def batch_run_row(batch_id: str, summary: RunSummary) -> dict[str, Any]:
    """A summary as a row of ``batch_runs``."""
    return {
        "batch_id": batch_id,
        "run_id": summary.run_id,
        "integration": summary.integration,
        "first_us": summary.first_us,
        "last_us": summary.last_us,
        **summary.counts.as_dict(),
        "gone": summary.gone,
        "outline": None if summary.outline is None else summary.outline.as_text(),
    }


def event_row(batch_id: str, row: int, event: RunEvent) -> dict[str, Any]:
    """A run event as a row of ``run_events``."""
    body = {
        "integration": event.integration,
        "configuration": event.configuration,
        "trigger": event.trigger,
        "scope": event.scope,
        "progress": event.progress,
        "expected": event.expected,
        "claimed": event.claimed,
        "cancellable": event.cancellable,
        "attributes": event.attributes,
    }
    return {
        "batch_id": batch_id,
        "row": row,
        "run_id": event.run_id,
        "kind": event.kind.value,
        "happened_us": to_microseconds(event.happened_at),
        "status": event.status,
        "message": event.message,
        "body": json.dumps({name: value for name, value in body.items() if value is not None}, ensure_ascii=False),
    }


def event_from_row(row: Mapping[str, Any]) -> RunEvent:
    """A row of ``run_events`` as a run event."""
    body = json.loads(row["body"])
    return RunEvent(
        run_id=row["run_id"],
        kind=EventKind(row["kind"]),
        happened_at=from_microseconds(row["happened_us"]),
        status=Status(row["status"]) if row["status"] else None,
        message=row["message"],
        integration=body.get("integration"),
        configuration=body.get("configuration"),
        trigger=body.get("trigger"),
        scope=Scope(body["scope"]) if "scope" in body else None,
        progress=Progress(body["progress"]) if "progress" in body else None,
        expected=body.get("expected"),
        claimed=body.get("claimed"),
        cancellable=body.get("cancellable"),
        attributes=body.get("attributes"),
    )


def _empty_row(run_id: str) -> RunRow:
    return {
        "run_id": run_id,
        "integration": UNKNOWN_INTEGRATION,
        **dict.fromkeys(("configuration", "trigger", "scope", "status_rank", *_STATE_TIMES)),
        **dict.fromkeys(("first_action_us", "last_action_us", "expected", "claimed", "attributes", "message")),
        "progress": Progress.RUNNING.value,
        "heard_us": None,
        "sort_us": None,
        "cancellable": False,
        "last_event": None,
        **dict.fromkeys((*COUNT_COLUMNS, "gone"), 0),
    }


def _state_of(row: RunRow) -> RunState:
    announced_at, started_at, finished_at = (
        None if row[name] is None else from_microseconds(row[name]) for name in _STATE_TIMES
    )
    return RunState(
        integration=None if row["integration"] == UNKNOWN_INTEGRATION else row["integration"],
        configuration=row["configuration"],
        trigger=row["trigger"],
        scope=Scope(row["scope"]) if row["scope"] else None,
        progress=Progress(row["progress"]),
        status=None if row["status_rank"] is None else STATUSES[row["status_rank"]],
        message=row["message"],
        expected=row["expected"],
        claimed=json.loads(row["claimed"] or "{}"),
        cancellable=row["cancellable"],
        attributes=json.loads(row["attributes"] or "{}"),
        announced_at=announced_at,
        started_at=started_at,
        finished_at=finished_at,
    )


def _progress(said: Progress | None, has_actions: bool) -> Progress:
    if said is None or (said == Progress.PENDING and has_actions):
        return Progress.RUNNING
    return said


def _heard(row: RunRow, received_us: int) -> RunRow:
    row["heard_us"] = _greatest(row["heard_us"], received_us)
    starts = (row["started_us"], row["first_action_us"], row["announced_us"])
    row["sort_us"] = next((moment for moment in starts if moment is not None), row["heard_us"])
    return row


def _name(row: RunRow, now: str | None, said: str | None) -> str | None:
    """What was said of the run itself holds; else the least that actions say, whatever the order of their batches."""
    known = [name for name in (now, said) if name is not None and name != UNKNOWN_INTEGRATION]
    if row["last_event"] is not None and known:
        return known[0]
    return min(known, default=now or said)


def _least(*values: int | None) -> int | None:
    return min((value for value in values if value is not None), default=None)


def _greatest(*values: int | None) -> int | None:
    return max((value for value in values if value is not None), default=None)


def _dumped(value: Mapping[str, Any]) -> str | None:
    return json.dumps(value, ensure_ascii=False) if value else None
