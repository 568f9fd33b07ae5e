"""The fixed cast of runs: nightly went well, broken failed, live is under way, stuck was not heard of for hours."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from ingest.action import Progress, Scope, Status
from ingest.recorder import LineDefaults, Recorder, RunAnnouncement, RunChange
from tests.builders import line, ndjson

NIGHT = datetime(2025, 11, 22, 10, 15, tzinfo=UTC)


def record_cast(data: Path) -> None:
    now = datetime.now(UTC)
    _record_nightly(data)
    _record_broken(data)
    with recorder_at(data, now - timedelta(minutes=2)) as recorder:
        recorder.announce_run(
            RunAnnouncement(
                run_id="live",
                integration="rclone",
                configuration="backup",
                expected=4,
                cancellable=True,
                trigger="CRON",
            )
        )
    with recorder_at(data, now) as recorder:
        record(recorder, "live", [line(happened_at=now.isoformat(), integration="rclone")])
    with recorder_at(data, now - timedelta(hours=3)) as recorder:
        record(recorder, "stuck", [line(happened_at=(now - timedelta(hours=3)).isoformat(), integration="signavio")])


def _record_nightly(data: Path) -> None:
    announcement = RunAnnouncement(
        run_id="nightly", integration="servicenow", configuration="prod", trigger="FULL_SYNC_JOB", scope=Scope.FULL
    )
    with recorder_at(data, NIGHT) as recorder:
        recorder.announce_run(announcement)
        record(recorder, "nightly", [at_night(operation="CREATE"), at_night(operation="NONE", source_id="a2")])
    with recorder_at(data, NIGHT + timedelta(minutes=7)) as recorder:
        recorder.change_run("nightly", RunChange(progress=Progress.FINISHED, message="two systems compared"))


def _record_broken(data: Path) -> None:
    warning = at_night(status="WARNING", message="owner is unknown", source_id="w1", source_name="Ledger", hour=11)
    fine = at_night(source_name="Fine", configuration="prod", hour=11)
    failures = [failure(number) for number in range(1, 61)]
    with recorder_at(data, NIGHT + timedelta(hours=1)) as recorder:
        record(recorder, "broken", [fine, warning, *failures])
        claimed = {"processed": 70, "errors": 60}
        recorder.change_run("broken", RunChange(progress=Progress.FINISHED, status=Status.ERROR, claimed=claimed))


@contextmanager
def recorder_at(data: Path, moment: datetime) -> Iterator[Recorder]:
    """A recorder for which it is that moment."""
    with closing(Recorder.open(data, now=lambda: moment)) as recorder:
        yield recorder


def record(recorder: Recorder, run_id: str, lines: list[dict[str, Any]]) -> None:
    """Record lines as actions of one run, whatever run they name."""
    body = ndjson({**each, "run_id": run_id} for each in lines)
    receipt = recorder.record(body, "ndjson", defaults=LineDefaults(run_id=run_id))
    assert receipt.rejected == 0


def at_night(*, hour: int = 10, **fields: Any) -> dict[str, Any]:
    return line(happened_at=f"2025-11-22T{hour}:15:00Z", **fields)


def failure(number: int, **fields: Any) -> dict[str, Any]:
    """An ERROR on one record: the same problem whatever the number."""
    said = {
        "status": "ERROR",
        "happened_at": f"2025-11-22T11:16:{number % 60:02}Z",
        "code": "422",
        "message": f"fact sheet {number} was refused: lifecycle 'phase {number}' is unknown",
        "source_id": f"b{number}",
        "source_name": f"Application {number}",
        "target_type": "leanix.Application",
        "target_id": f"t{number}",
        "details": {"field": "lifecycle", "attempt": number},
    }
    return line(**said | fields)
