"""Copies taken while others write, and what becomes of them."""

import json
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from ingest.backup import Backup, back_up, take_over
from ingest.backup_manifest import MANIFEST, CopiedFile, check_backup, has_its_bytes, has_its_size
from ingest.care import verify
from ingest.control import Control
from ingest.control_tables import saved_queries
from ingest.counts import COUNT_COLUMNS
from ingest.errors import Conflict, InvalidInput
from ingest.fault_points import FaultPoint, install
from ingest.recorder import Recorder, RunAnnouncement
from tests.builders import line, ndjson


def take(recorder: Recorder, to: Path, *, fit: Callable[[Path, CopiedFile], bool] = has_its_size) -> Backup:
    control = Control(control_url(recorder.lake.root.parent))
    try:
        return back_up(recorder.lake, recorder.index, control, to, now=recorder._now, fit=fit)
    finally:
        control.close()


def control_url(data: Path) -> str:
    return f"sqlite:///{data / 'control.sqlite'}"


def record(recorder: Recorder, run_id: str, actions: int = 3) -> None:
    recorder.record(ndjson(line(run_id=run_id, source_id=str(n)) for n in range(actions)), "ndjson")


def compact(recorder: Recorder) -> None:
    compactor = recorder.compactor()
    assert compactor.lead()
    assert list(compactor.compact(everything=True))
    compactor.sweep(0)
    compactor.resign()


def restored(copy: Path, tmp_path: Path) -> tuple[list[tuple[Any, ...]], dict[str, Any]]:
    """The rows of a copy of the copy, and what its index says of runs."""
    place = tmp_path / f"restored-{len(list(tmp_path.iterdir()))}"
    shutil.copytree(copy, place)
    recorder = Recorder.open(place)
    try:
        return rows_and_runs(recorder)
    finally:
        recorder.close()


def rows_and_runs(recorder: Recorder) -> tuple[list[tuple[Any, ...]], dict[str, Any]]:
    live = [row.batch_id for row in recorder.index.list_live("actions")]
    rows = [row for batch_id in live for row in recorder.lake.read("actions", batch_id).to_pylist()]
    run_ids = {row["run_id"] for row in rows}
    return (
        sorted((row["batch_id"], row["row"], row["run_id"], row["source_id"]) for row in rows),
        {run_id: recorder.index.find_run(run_id) for run_id in run_ids},
    )


def test_a_copy_is_a_lake_that_says_the_same(recorder: Recorder, tmp_path: Path) -> None:
    recorder.announce_run(RunAnnouncement(run_id="a", integration="servicenow", attributes={"zone": "east"}))
    record(recorder, "a")
    record(recorder, "b")

    done = take(recorder, tmp_path / "copy")

    assert restored(tmp_path / "copy", tmp_path) == rows_and_runs(recorder)
    assert (done.removed, done.damaged, check_backup(tmp_path / "copy").wrong) == (0, [], [])
    assert json.loads((tmp_path / "copy" / MANIFEST).read_text())["rows"] == {"actions": 6, "runs": 1, "rejects": 0}


def test_the_next_copies_only_what_is_new(recorder: Recorder, tmp_path: Path) -> None:
    record(recorder, "a")
    first = take(recorder, tmp_path / "copy")
    nothing = take(recorder, tmp_path / "copy")
    record(recorder, "b")
    second = take(recorder, tmp_path / "copy")

    assert (len(first.copied), len(nothing.copied), len(second.copied)) == (2, 0, 1)
    assert len(second.kept) == 2


def test_batches_that_were_merged_leave_the_copy(recorder: Recorder, tmp_path: Path) -> None:
    record(recorder, "a")
    record(recorder, "b")
    take(recorder, tmp_path / "copy")
    before = rows_and_runs(recorder)[0]
    compact(recorder)

    done = take(recorder, tmp_path / "copy")

    assert (len(done.copied), done.removed) == (1, 2)
    assert restored(tmp_path / "copy", tmp_path)[0] == before


def test_every_copy_taken_under_load_is_whole(recorder: Recorder, tmp_path: Path) -> None:
    """Whatever was acknowledged before a backup began is in it, nothing is in it twice, counters equal rows."""
    acknowledged: list[str] = []
    stopping = threading.Event()

    def write() -> None:
        number = 0
        while not stopping.is_set():
            record(recorder, f"run-{number % 5}", actions=2)
            acknowledged.append(f"run-{number % 5}")
            number += 1

    def merge() -> None:
        compactor = recorder.compactor()
        while not stopping.wait(0.02):
            if compactor.lead():
                list(compactor.compact(everything=True))
                compactor.sweep(0)

    threads = [threading.Thread(target=each) for each in (write, merge)]
    for thread in threads:
        thread.start()
    wrong = []
    try:
        for number in range(6):
            known = len(acknowledged)
            done = take(recorder, tmp_path / "copy")
            wrong += check_backup(tmp_path / "copy").wrong
            rows, runs = restored(tmp_path / "copy", tmp_path)
            if len(rows) < 2 * known or len({row[:2] for row in rows}) != len(rows) or done.damaged:
                wrong.append(f"backup {number}: {len(rows)} rows of at least {2 * known}, {done.damaged}")
            if sum(run[name] for run in runs.values() for name in COUNT_COLUMNS) != len(rows):
                wrong.append(f"backup {number}: counters are not {len(rows)}")
    finally:
        stopping.set()
        for thread in threads:
            thread.join(30)

    assert wrong == []
    assert len(acknowledged) > 6


class Killed(BaseException):
    pass


@pytest.mark.parametrize("point", [FaultPoint.BACKUP_HALF_COPIED, FaultPoint.BACKUP_COPIED, FaultPoint.BACKUP_NAMED])
def test_a_backup_that_dies_leaves_a_whole_one(recorder: Recorder, tmp_path: Path, point: FaultPoint) -> None:
    record(recorder, "a")
    record(recorder, "b")
    take(recorder, tmp_path / "copy")
    compact(recorder)
    record(recorder, "c")

    def die(reached: str) -> None:
        if reached == point:
            raise Killed

    install(die)
    try:
        with pytest.raises(Killed):
            take(recorder, tmp_path / "copy")
    finally:
        install(None)

    assert check_backup(tmp_path / "copy").wrong == []
    assert len(restored(tmp_path / "copy", tmp_path)[0]) >= 6
    assert take(recorder, tmp_path / "copy").damaged == []
    assert restored(tmp_path / "copy", tmp_path) == rows_and_runs(recorder)


def spoil(path: Path) -> None:
    """Change a byte in the middle, as a disk would."""
    path.chmod(0o644)
    found = bytearray(path.read_bytes())
    found[len(found) // 2] ^= 1
    path.write_bytes(found)


def test_of_a_damaged_batch_the_earlier_copy_stays_and_is_named(recorder: Recorder, tmp_path: Path) -> None:
    record(recorder, "a")
    take(recorder, tmp_path / "copy")
    record(recorder, "b")
    whole = rows_and_runs(recorder)[0]
    first, second = (recorder.lake.path_of("actions", row.batch_id) for row in recorder.index.list_live("actions"))
    for path in (first, second):
        path.chmod(0o644)
        path.write_bytes(path.read_bytes()[:-1])

    known = take(recorder, tmp_path / "copy")
    nothing = take(recorder, tmp_path / "fresh")

    assert {each.path: each.earlier for each in known.damaged} == {
        first: tmp_path / "copy" / first.relative_to(recorder.lake.root.parent),
        second: None,
    }
    assert [each.earlier for each in nothing.damaged] == [None, None]
    assert restored(tmp_path / "copy", tmp_path)[0] == [row for row in whole if row[2] == "a"]


def test_damage_that_verify_has_found_is_named_by_every_backup(recorder: Recorder, tmp_path: Path) -> None:
    record(recorder, "a")
    take(recorder, tmp_path / "copy")
    [path] = recorder.lake.root.glob("actions/*/*.parquet")
    spoil(path)
    assert len(verify(recorder)) == 1

    for _ in range(2):
        [found] = take(recorder, tmp_path / "copy").damaged
        assert found.path == path
        assert found.earlier is not None

    path.write_bytes(found.earlier.read_bytes())
    assert verify(recorder) == []
    assert take(recorder, tmp_path / "copy").damaged == []


def test_a_bad_earlier_copy_is_not_called_good_and_not_thrown_away(recorder: Recorder, tmp_path: Path) -> None:
    record(recorder, "a")
    take(recorder, tmp_path / "copy")
    [path] = recorder.lake.root.glob("actions/*/*.parquet")
    [copy] = (tmp_path / "copy").rglob("*.parquet")
    spoil(path)
    spoil(copy)

    [found] = take(recorder, tmp_path / "copy", fit=has_its_bytes).damaged

    assert (found.path, found.earlier, copy.exists()) == (path, None, True)
    assert check_backup(tmp_path / "copy").wrong == [f"{copy} is not what was copied"]


def test_what_rotted_in_the_copy_is_copied_anew_by_who_reads_it(recorder: Recorder, tmp_path: Path) -> None:
    record(recorder, "a")
    take(recorder, tmp_path / "copy")
    [copy] = (tmp_path / "copy").rglob("*.parquet")
    spoil(copy)

    unread, read, again = (take(recorder, tmp_path / "copy", fit=fit) for fit in (has_its_size, *[has_its_bytes] * 2))

    assert (unread.mended, read.mended, again.mended) == ([], [copy], [])
    assert check_backup(tmp_path / "copy").wrong == []


def test_a_restored_lake_goes_on_with_its_backup(recorder: Recorder, tmp_path: Path) -> None:
    record(recorder, "a")
    take(recorder, tmp_path / "copy")
    shutil.copytree(tmp_path / "copy", tmp_path / "moved")
    moved = Recorder.open(tmp_path / "moved")
    stranger = Recorder.open(tmp_path / "stranger")
    try:
        with pytest.raises(InvalidInput, match="was not restored from"):
            take_over(stranger.lake, tmp_path / "copy")
        with pytest.raises(InvalidInput) as refused:
            take(moved, tmp_path / "copy")
        take_over(moved.lake, tmp_path / "copy")
        record(moved, "b")
        done = take(moved, tmp_path / "copy")
        assert restored(tmp_path / "copy", tmp_path) == rows_and_runs(moved)
    finally:
        moved.close()
        stranger.close()

    assert "--take-over" in (refused.value.hint or "")
    assert (len(done.copied), len(done.kept)) == (1, 2)


def test_a_backup_that_was_opened_as_a_data_folder_says_the_way_out(recorder: Recorder, tmp_path: Path) -> None:
    record(recorder, "a")
    take(recorder, tmp_path / "copy")
    Recorder.open(tmp_path / "copy").close()

    with pytest.raises(InvalidInput) as refused:
        take(recorder, tmp_path / "copy")

    assert f"delete {tmp_path / 'copy' / 'index.sqlite'}*" in (refused.value.hint or "")
    for path in (tmp_path / "copy").glob("index.sqlite*"):
        path.unlink()
    assert take(recorder, tmp_path / "copy").damaged == []


def test_what_people_keep_is_in_the_copy(recorder: Recorder, tmp_path: Path) -> None:
    record(recorder, "a")
    control = Control(control_url(recorder.lake.root.parent))
    with control.writing() as connection:
        row = {"query_id": "q", "name": "all", "sql": "select 1", "created_us": 1, "changed_us": 1}
        connection.execute(sa.insert(saved_queries), row)
    control.close()

    assert take(recorder, tmp_path / "copy").has_control

    copied = Control(control_url(tmp_path / "copy"))
    with copied.reading() as connection:
        assert connection.scalars(sa.select(saved_queries.c.name)).all() == ["all"]
    copied.close()


def test_a_damaged_copy_of_what_people_keep_is_named(recorder: Recorder, tmp_path: Path) -> None:
    record(recorder, "a")
    take(recorder, tmp_path / "copy")
    (tmp_path / "copy" / "control.sqlite").write_bytes(b"this is no database" * 100)

    [wrong] = check_backup(tmp_path / "copy").wrong

    assert "control.sqlite is damaged" in wrong


def test_a_changed_copy_is_named(recorder: Recorder, tmp_path: Path) -> None:
    record(recorder, "a")
    record(recorder, "b")
    take(recorder, tmp_path / "copy")
    first, second = sorted((tmp_path / "copy").rglob("*.parquet"))
    first.chmod(0o644)
    first.write_bytes(b"x" + first.read_bytes()[1:])
    second.unlink()

    assert check_backup(tmp_path / "copy").wrong == [f"{first} is not what was copied", f"{second} is gone"]


def test_places_that_are_no_backup_of_this_lake_are_refused(recorder: Recorder, tmp_path: Path) -> None:
    data = recorder.lake.root.parent
    strange, other = tmp_path / "strange", tmp_path / "other"
    strange.mkdir()
    (strange / "letters.txt").write_text("keep me")
    record(recorder, "a")
    take(recorder, other)
    manifest = json.loads((other / MANIFEST).read_text())
    (other / MANIFEST).write_text(json.dumps(manifest | {"of": "/elsewhere"}))

    for place in (data, data / "backup", data.parent, strange, other):
        with pytest.raises(InvalidInput):
            take(recorder, place)
    with pytest.raises(InvalidInput):
        check_backup(strange)


def test_one_backup_is_taken_at_a_time(recorder: Recorder, tmp_path: Path) -> None:
    record(recorder, "a")
    refused = []

    def take_another(reached: str) -> None:
        if reached == FaultPoint.BACKUP_COPIED:
            with pytest.raises(Conflict):
                take(recorder, tmp_path / "another")
            refused.append(reached)

    install(take_another)
    try:
        take(recorder, tmp_path / "copy")
    finally:
        install(None)

    assert refused == [FaultPoint.BACKUP_COPIED]


def test_a_file_that_cannot_be_read_does_not_stop_the_others(recorder: Recorder, tmp_path: Path) -> None:
    record(recorder, "whole")
    record(recorder, "unreadable")
    whole, unreadable = (recorder.lake.path_of("actions", row.batch_id) for row in recorder.index.list_live("actions"))
    unreadable.unlink()
    unreadable.mkdir()

    done = take(recorder, tmp_path / "copy")

    assert [(each.path, each.problem) for each in done.damaged] == [
        (unreadable, f"{unreadable} cannot be read: Is a directory")
    ]
    assert whole.name in {Path(each.path).name for each in done.copied}
