"""A lake written by the real recorder, and the view of it."""

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ingest.recorder import Receipt, Recorder
from query.lake_view import LakeView


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """A data folder with its recorder and its view."""

    recorder: Recorder
    view: LakeView

    def record(self, *lines: dict[str, object]) -> Receipt:
        """Record these lines as one batch; what a line does not say is an OK update of the run nightly."""
        usual = {"run_id": "nightly", "integration": "servicenow", "operation": "UPDATE", "status": "OK"}
        body = "\n".join(json.dumps({**usual, "happened_at": "2026-11-22T10:00:00Z", **line}) for line in lines)
        receipt = self.recorder.record(io.BytesIO(body.encode()), "ndjson")
        assert receipt.rejects == ()
        return receipt


@contextmanager
def open_world(data: Path) -> Iterator[World]:
    recorder = Recorder.open(data)
    view = LakeView(recorder.lake, recorder.index)
    try:
        yield World(recorder=recorder, view=view)
    finally:
        view.close()
        recorder.close()
