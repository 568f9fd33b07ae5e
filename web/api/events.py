"""A run as it goes on, as server-sent events.

Each listener holds one of the server's threads, so there are never more than ``LISTENER_LIMIT`` of them and none stays
longer than ``LONGEST``; a browser's EventSource comes back by itself. Listening ends when the run or the server does.
"""

import json
import threading
import time
from collections.abc import Iterator

from flask import Flask, Response, current_app

from ingest.errors import LakeUnavailable
from query.runs import Run, get_run
from web.api.routes import Answer, Route, workspace
from web.api.schemas import run_as_json
from web.workspace import Workspace

LISTENER_LIMIT = 24
LONGEST_SECONDS = 600.0
BETWEEN_LOOKS_SECONDS = 0.5
KEEP_ALIVE_SECONDS = 15.0


class Listeners:
    """How many listen at the moment, and whether they should stop."""

    def __init__(self) -> None:
        self.stopping = threading.Event()
        self._free = threading.BoundedSemaphore(LISTENER_LIMIT)

    def admit(self) -> None:
        if not self._free.acquire(blocking=False):
            raise LakeUnavailable(
                f"{LISTENER_LIMIT} listeners are connected already",
                hint="try again in a moment, or ask for the run itself",
            )

    def release(self) -> None:
        self._free.release()


def listeners_of(app: Flask) -> Listeners:
    listeners: Listeners = app.extensions.setdefault("listeners", Listeners())
    return listeners


def get_run_events(run_id: str) -> Response:
    served = workspace()
    run = get_run(served.view, run_id)
    listeners = listeners_of(current_app)
    listeners.admit()
    response = Response(_events(served, run, listeners), content_type="text/event-stream")
    response.headers["Cache-Control"] = "no-store"
    response.call_on_close(listeners.release)
    return response


def _events(served: Workspace, run: Run, listeners: Listeners) -> Iterator[str]:
    """The run now, then each time it has changed; ``end`` when it is over."""
    leaves_at = time.monotonic() + LONGEST_SECONDS
    spoke_at = time.monotonic()
    said = _event("run", run)
    yield "retry: 1000\n" + said
    while not run.progress.is_over and time.monotonic() < leaves_at:
        if listeners.stopping.wait(BETWEEN_LOOKS_SECONDS):
            return
        run = get_run(served.view, run.run_id)
        event = _event("run", run)
        if event != said:
            said, spoke_at = event, time.monotonic()
            yield event
        elif time.monotonic() - spoke_at > KEEP_ALIVE_SECONDS:
            spoke_at = time.monotonic()
            yield ": still running\n\n"
    if run.progress.is_over:
        yield _event("end", run)


def _event(name: str, run: Run) -> str:
    return f"event: {name}\ndata: {json.dumps(run_as_json(run))}\n\n"


ROUTES = (
    Route(
        method="GET",
        path="/runs/{run_id}/events",
        view=get_run_events,
        summary="A run as it goes on",
        detail=(
            "Server-sent events: `run` with the run at once and whenever its progress or counters change, "
            f"`end` when it is over. After {LONGEST_SECONDS:.0f} s the stream ends; EventSource connects again."
        ),
        answers=(Answer(status=200, meaning="events", media=("text/event-stream",)),),
        errors=(404, 503),
    ),
)
