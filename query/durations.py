"""Where the time of a run went: the parts that took longest, and the pauses between actions."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from ingest.action import Operation
from ingest.timestamps import from_microseconds
from query.actions import Action, list_actions
from query.lake_view import LakeView
from query.run_batches import files_of_run


@dataclass(frozen=True, slots=True, kw_only=True)
class SlowPart:
    """Actions of one operation on one type of record that said how long they took."""

    record_type: str | None
    operation: Operation
    count: int
    total: timedelta
    longest: Action | None

    @property
    def mean(self) -> timedelta:
        return self.total / self.count


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """A time without actions."""

    after_at: datetime
    length: timedelta


def list_slowest_parts(view: LakeView, run_id: str, *, limit: int = 5) -> list[SlowPart]:
    """The parts of a run with the greatest total duration, greatest first; none when no action has a duration."""
    files = files_of_run(view, run_id)
    rows = view.fetch("durations.list_slowest_parts", files, {"run_id": run_id, "limit": limit})
    longest = list_actions(view, run_id, files, [(row["batch_id"], row["row"]) for row in rows])
    return [
        SlowPart(
            record_type=row["record_type"],
            operation=Operation(row["operation"]),
            count=row["count"],
            total=_span(row["total_ms"]),
            longest=longest.get((row["batch_id"], row["row"])),
        )
        for row in rows
    ]


def list_longest_pauses(view: LakeView, run_id: str, limit: int = 3) -> list[Pause]:
    """The longest times between two successive actions of a run, longest first."""
    rows = view.fetch("durations.list_longest_pauses", files_of_run(view, run_id), {"run_id": run_id, "limit": limit})
    return [
        Pause(after_at=from_microseconds(row["after_us"]), length=timedelta(microseconds=row["pause_us"]))
        for row in rows
    ]


def _span(milliseconds: float) -> timedelta:
    """A sender's numbers may add up to more than a timedelta holds."""
    try:
        return timedelta(milliseconds=milliseconds)
    except OverflowError:
        return timedelta.max
