"""What doctor and /health say of maintenance, verify and backup."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ingest.action import Status
from ingest.index import Index
from ingest.index_database import COMPACTION
from ingest.timestamps import to_microseconds
from ingest.upkeep import Duty, note_done, note_failed
from web.lake_check import Check
from web.settings import Settings
from web.upkeep_check import check_upkeep

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    index = Index(f"sqlite:///{tmp_path / 'index.sqlite'}")
    yield index
    index.close()


def ago(**span: float) -> int:
    return to_microseconds(NOW - timedelta(**span))


def lead(index: Index) -> None:
    index.take_lease(COMPACTION, "somebody", now_us=ago(seconds=0), seconds=60)


def look(index: Index, maintain_seconds: int = 10) -> dict[str, Check]:
    settings = Settings(data=Path(), maintain_seconds=maintain_seconds)
    return {check.name: check for check in check_upkeep(index, settings, now=NOW)}


def maintenance(index: Index, maintain_seconds: int = 10) -> tuple[Status, str]:
    check = look(index, maintain_seconds)["maintenance"]
    return check.status, check.message


def test_a_lake_that_is_looked_after_is_well(index: Index) -> None:
    note_done(index, Duty.MAINTENANCE, now_us=ago(seconds=12))
    lead(index)

    assert maintenance(index) == (Status.OK, "last round 12 s ago; a process sees to it")


def test_rounds_that_fail_are_a_warning_and_after_an_hour_an_error(index: Index) -> None:
    lead(index)
    note_done(index, Duty.MAINTENANCE, now_us=ago(minutes=5))
    note_failed(index, Duty.MAINTENANCE, now_us=ago(minutes=4), reason="no room")
    assert maintenance(index)[0] == Status.OK

    for seconds in (20, 5):
        note_failed(index, Duty.MAINTENANCE, now_us=ago(seconds=seconds), reason="no room at all")

    said = "last round 5 minutes ago; 3 rounds failed since, the last 5 s ago: no room at all"
    assert maintenance(index) == (Status.WARNING, f"{said} (the log of the server says more)")
    note_done(index, Duty.MAINTENANCE, now_us=ago(hours=2))
    for _ in range(3):
        note_failed(index, Duty.MAINTENANCE, now_us=ago(seconds=1), reason="no room")
    assert maintenance(index)[0] == Status.ERROR


def test_rounds_that_always_failed_are_an_error(index: Index) -> None:
    for _ in range(3):
        note_failed(index, Duty.MAINTENANCE, now_us=ago(seconds=1), reason="no room")

    status, message = maintenance(index)

    assert (status, message.partition(":")[0]) == (
        Status.ERROR,
        "no round was ever done; 3 rounds failed since, the last 1 s ago",
    )


def test_a_lake_nobody_looks_after_for_long_is_a_warning(index: Index) -> None:
    note_done(index, Duty.MAINTENANCE, now_us=ago(hours=5))

    status, message = maintenance(index)

    assert status == Status.WARNING
    assert message.startswith("last round 5 hours ago; nobody sees to it just now: a server does so by itself")
    lead(index)
    assert maintenance(index)[0] == Status.OK  # a round may take long
    note_done(index, Duty.MAINTENANCE, now_us=ago(hours=7))
    assert maintenance(index)[0] == Status.WARNING


def test_a_failure_after_which_nobody_looks_after_a_lake_is_a_warning(index: Index) -> None:
    note_done(index, Duty.MAINTENANCE, now_us=ago(hours=5))
    note_failed(index, Duty.MAINTENANCE, now_us=ago(hours=4), reason="no room")

    status, message = maintenance(index)

    assert status == Status.WARNING
    assert message.startswith("last round 5 hours ago; 1 round failed since, the last 4 hours ago: no room; nobody")


def test_maintenance_that_is_switched_off_is_well(index: Index) -> None:
    note_done(index, Duty.MAINTENANCE, now_us=ago(days=5))

    assert maintenance(index, maintain_seconds=0) == (
        Status.OK,
        "last round 5 days ago; switched off here (maintain_seconds = 0): synclog compact and retain do it at once",
    )


def test_verify_and_backup_have_a_line_each(index: Index) -> None:
    never = look(index)
    assert never["last verify"].message.startswith("never: synclog verify")
    assert never["last backup"].message == "never: synclog backup TO makes one"

    note_done(index, Duty.VERIFY, now_us=ago(hours=3))
    note_done(index, Duty.BACKUP, now_us=ago(days=2), note="/mnt/copy")

    done = look(index)
    assert done["last verify"].message == "3 hours ago, every batch was whole"
    assert done["last backup"].message == "2 days ago, in /mnt/copy"
    assert {check.status for check in (*never.values(), *done.values())} == {Status.OK}


def test_a_backup_that_is_not_whole_is_a_warning_and_the_last_whole_one_is_named(index: Index) -> None:
    note_done(index, Duty.BACKUP, now_us=ago(days=2), note="/mnt/copy")
    note_failed(index, Duty.BACKUP, now_us=ago(hours=1), reason="2 batches could not be copied to /mnt/copy")

    check = look(index)["last backup"]

    assert (check.status, check.message) == (
        Status.WARNING,
        "the one 1 hour ago is not whole: 2 batches could not be copied to /mnt/copy; "
        "last whole one: 2 days ago, in /mnt/copy",
    )
