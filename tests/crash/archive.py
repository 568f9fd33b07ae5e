"""What retention takes away: actions that were received days ago, by a recorder whose clock is that much behind.

Of each body the OK actions and the refused line may go, the failures must stay. Its ids are told apart from those of
senders by its number.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from ingest.recorder import Recorder
from tests.builders import ndjson
from tests.crash.senders import APART, Ids

AGE = timedelta(days=3)
RULES = '{"integrations": {"archive": {"ok_days": 1, "reject_days": 1, "failure_days": "forever"}}}'
STATUSES = ("purple", *["OK"] * 8, *["ERROR"] * 3)  # of the lines of a body; the first is no status


@dataclass(slots=True, kw_only=True)
class Archive:
    """One run that grows from time to time. ``removed`` are the actions that were found gone once."""

    number: int
    bodies: int = 0
    removed: Ids = field(default_factory=lambda: np.empty(0, np.int64))

    @property
    def run_id(self) -> str:
        return f"archive-{self.number}"

    @property
    def accepted(self) -> int:
        return self.bodies * (len(STATUSES) - 1)

    def ids_with(self, status: str) -> Ids:
        """The ids of all lines that said so."""
        firsts = np.arange(self.bodies, dtype=np.int64)[:, None] * len(STATUSES) + self.number * APART
        return (firsts + np.flatnonzero(np.array(STATUSES) == status)).ravel()

    def grow(self, data: Path) -> None:
        """Record one body more; when this returns it is acknowledged."""
        first = self.number * APART + self.bodies * len(STATUSES)
        lines = [
            {
                "run_id": self.run_id,
                "integration": "archive",
                "operation": "UPDATE",
                "status": status,
                "source_id": str(n),
            }
            for n, status in enumerate(STATUSES, start=first)
        ]
        recorder = Recorder.open(data, now=lambda: datetime.now(UTC) - AGE)
        try:
            recorder.record(ndjson(lines), "ndjson")
        finally:
            recorder.close()
        self.bodies += 1
