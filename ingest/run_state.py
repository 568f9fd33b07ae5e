"""Run events, and how they fold into the state of a run.

Folding goes in the order of ``(batch_id, row)``, so a rebuilt index says the same as the one that watched it happen.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from ingest.action import Progress, Scope, Status


class EventKind(StrEnum):
    """What a run event says."""

    ANNOUNCED = "announced"
    STARTED = "started"
    PROGRESS = "progress"
    HEARTBEAT = "heartbeat"
    ABORT_REQUESTED = "abort_requested"
    ABORTED = "aborted"
    FINISHED = "finished"
    MESSAGE = "message"


PROGRESS_OF_KIND = {
    EventKind.STARTED: Progress.RUNNING,
    EventKind.ABORT_REQUESTED: Progress.ABORTION_PENDING,
    EventKind.ABORTED: Progress.ABORTED,
    EventKind.FINISHED: Progress.FINISHED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEvent:
    """One thing said about a run itself; None where nothing was said."""

    run_id: str
    kind: EventKind
    happened_at: datetime
    integration: str | None = None
    configuration: str | None = None
    trigger: str | None = None
    scope: Scope | None = None
    progress: Progress | None = None
    status: Status | None = None
    message: str | None = None
    expected: int | None = None
    claimed: dict[str, int] | None = None
    cancellable: bool | None = None
    attributes: dict[str, Any] | None = None  # a sender's own JSON object, kept as it came


@dataclass(frozen=True, slots=True, kw_only=True)
class RunState:
    """Everything run events say of a run, folded."""

    integration: str | None = None
    configuration: str | None = None
    trigger: str | None = None
    scope: Scope | None = None
    progress: Progress | None = None
    status: Status | None = None
    message: str | None = None
    expected: int | None = None
    claimed: dict[str, int] = field(default_factory=dict)
    cancellable: bool = False
    attributes: dict[str, Any] = field(default_factory=dict)  # as sent
    announced_at: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None


def fold(events: Iterable[RunEvent], state: RunState | None = None) -> RunState:
    """The state after these events, given in their order. A run that is over stays over."""
    state = state or RunState()
    for event in events:
        state = _step(state, event)
    return state


def _step(state: RunState, event: RunEvent) -> RunState:
    return replace(
        state,
        integration=state.integration or event.integration,
        configuration=state.configuration or event.configuration,
        trigger=state.trigger or event.trigger,
        scope=state.scope or event.scope,
        progress=_next_progress(state.progress, event.progress or PROGRESS_OF_KIND.get(event.kind)),
        status=max((s for s in (state.status, event.status) if s), key=lambda s: s.rank, default=None),
        message=state.message if event.message is None or event.kind == EventKind.MESSAGE else event.message,
        expected=state.expected if event.expected is None else event.expected,
        claimed=state.claimed | (event.claimed or {}),
        cancellable=state.cancellable if event.cancellable is None else event.cancellable,
        attributes=state.attributes | (event.attributes or {}),
        announced_at=state.announced_at or _when(event, EventKind.ANNOUNCED),
        started_at=_earliest(state.started_at, _started_at(event)),
        finished_at=state.finished_at or _when(event, EventKind.FINISHED, EventKind.ABORTED),
    )


def _next_progress(now: Progress | None, said: Progress | None) -> Progress | None:
    """Progress only goes forward: a late RUNNING changes nothing once an abortion is asked for or the run is over."""
    if said is None or (now is not None and (now.is_over or _ORDER[said] < _ORDER[now])):
        return now
    return said


_ORDER = {progress: order for order, progress in enumerate(Progress)}


def _when(event: RunEvent, *kinds: EventKind) -> datetime | None:
    return event.happened_at if event.kind in kinds else None


def _started_at(event: RunEvent) -> datetime | None:
    announced_running = event.kind == EventKind.ANNOUNCED and event.progress == Progress.RUNNING
    return event.happened_at if event.kind == EventKind.STARTED or announced_running else None


def _earliest(one: datetime | None, other: datetime | None) -> datetime | None:
    return min((moment for moment in (one, other) if moment is not None), default=None)
