"""Small worlds for tests: bodies, lines and recorders with sensible defaults."""

import io
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO

from ingest.recorder import Recorder


def line(**fields: Any) -> dict[str, Any]:
    """One action line: an OK update of a record in the nightly run, unless said otherwise."""
    return {
        "run_id": "nightly",
        "integration": "servicenow",
        "happened_at": "2026-11-22T10:15:00Z",
        "operation": "UPDATE",
        "status": "OK",
        "source_id": "a1",
        **fields,
    }


def ndjson(lines: Iterable[Mapping[str, Any] | str]) -> BinaryIO:
    """A body of lines; a text stands as it is."""
    texts = (each if isinstance(each, str) else json.dumps(each, ensure_ascii=False) for each in lines)
    return io.BytesIO("".join(text + "\n" for text in texts).encode())


def all_rows(recorder: Recorder, kind: str = "actions") -> list[dict[str, Any]]:
    """Every row of a kind in the lake, oldest batch first."""
    return [row for batch_id in recorder.lake.list_ids(kind) for row in recorder.lake.read(kind, batch_id).to_pylist()]


def files_of(folder: Path) -> list[tuple[Path, int]]:
    """All that is below a folder, and when each was last written."""
    return sorted((path, path.stat().st_mtime_ns) for path in folder.rglob("*"))


def open_recorder(data: Path) -> Recorder:
    return Recorder.open(data)


class Clock:
    """A clock that moves by a millisecond each time it is looked at, and when it is told to."""

    start = datetime(2026, 11, 22, 12, tzinfo=UTC)

    def __init__(self) -> None:
        self.now = self.start

    def __call__(self) -> datetime:
        self.now += timedelta(milliseconds=1)
        return self.now

    def pass_by(self, seconds: float = 0, *, minutes: float = 0) -> None:
        self.now += timedelta(seconds=seconds, minutes=minutes)

    def turn_back(self, days: float) -> None:
        """To so many days before the start."""
        self.now = self.start - timedelta(days=days)

    def come_back(self) -> None:
        self.now = self.start
