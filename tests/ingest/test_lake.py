import json
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from ingest.care import verify
from ingest.errors import LakeTooNew, LakeUnavailable
from ingest.lake import Lake
from ingest.recorder import Recorder, RunAnnouncement
from tests.builders import all_rows, line, ndjson

KILLED_WHILE_WRITING = """
import os, signal, sys
from pathlib import Path
from ingest.lake import Lake

def write(sink):
    sink.write(b"half a batch")
    sink.flush()
    os.kill(os.getpid(), signal.SIGKILL)

Lake.open(Path(sys.argv[1])).put("actions", "01a20704-2327-7a27-a1be-767f9093e25c", write)
"""


def test_what_a_killed_writer_left_is_set_aside(tmp_path: Path) -> None:
    killed = subprocess.run([sys.executable, "-c", KILLED_WHILE_WRITING, tmp_path], check=False)
    lake = Lake.open(tmp_path)

    aside = lake.recover()

    assert killed.returncode == -9
    assert [path.read_bytes() for path in aside] == [b"half a batch"]
    assert list(lake.list_ids("actions")) == []


def test_a_living_writer_is_left_alone(tmp_path: Path) -> None:
    lake = Lake.open(tmp_path)
    seen: list[list[Path]] = []

    def write(sink: object) -> object:
        seen.append(lake.recover())
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        lake.put("actions", "01a20704-2327-7a27-a1be-767f9093e25c", write)  # type: ignore[arg-type]

    assert seen == [[]]
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [tmp_path / "format.json"]


def test_a_lake_of_a_newer_format_is_not_touched(tmp_path: Path) -> None:
    Lake.open(tmp_path)
    (tmp_path / "format.json").write_text(json.dumps({"format": 99}))

    with pytest.raises(LakeTooNew, match="format 99"):
        Lake.open(tmp_path)


def test_a_folder_that_is_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "lake").write_text("")

    with pytest.raises(LakeUnavailable, match="lake"):
        Lake.open(tmp_path / "lake")


@pytest.fixture
def small_disk(tmp_path: Path) -> Path:
    """A folder on a file system of one megabyte."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", disk], capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip("only root can mount a small disk")
    return disk


def fill(ballast: Path) -> None:
    with ballast.open("wb", buffering=0) as sink, suppress(OSError):
        while True:
            sink.write(b"\0" * 4096)


def test_a_full_disk_refuses_cleanly_and_recovers_when_there_is_room(small_disk: Path) -> None:
    try:
        recorder = Recorder.open(small_disk)
        ballast = small_disk / "ballast"
        recorder.record(ndjson([line()]), "ndjson")
        fill(ballast)

        with pytest.raises(LakeUnavailable, match=r"no room|full"):
            recorder.record(ndjson([line(source_id=str(n)) for n in range(5000)]), "ndjson", idempotency_key="k")
        ballast.unlink()
        receipt = recorder.record(ndjson([line(source_id=str(n)) for n in range(5000)]), "ndjson", idempotency_key="k")

        assert receipt.accepted == 5000
        assert not receipt.repeated
        assert len(all_rows(recorder)) == 5001
        assert verify(recorder) == []
        recorder.close()
    finally:
        subprocess.run(["umount", "--lazy", small_disk], check=True)


def test_verify_finds_nothing_in_a_whole_lake(recorder: Recorder) -> None:
    recorder.announce_run(RunAnnouncement(run_id="r1", integration="signavio"))
    recorder.record(ndjson([line(), line(status="purple"), line(run_id="r2", status="ERROR", message="no")]), "ndjson")

    assert verify(recorder) == []


def test_verify_names_what_is_damaged_or_gone(recorder: Recorder) -> None:
    cut, gone = (recorder.record(ndjson([line()]), "ndjson").batch_id or "" for _ in range(2))
    path = recorder.lake.path_of("actions", cut)
    path.write_bytes(path.read_bytes()[:-100])
    recorder.lake.path_of("actions", gone).unlink()

    findings = {finding.path.stem: finding.problem for finding in verify(recorder)}

    assert "cannot be read as Parquet" in findings[cut]
    assert "the file is gone" in findings[gone]


def test_a_damaged_batch_does_not_stop_the_others(recorder: Recorder, caplog: pytest.LogCaptureFixture) -> None:
    cut = recorder.record(ndjson([line()]), "ndjson").batch_id or ""
    recorder.record(ndjson([line(run_id="r2")]), "ndjson")
    recorder.lake.path_of("actions", cut).write_bytes(b"junk")

    assert recorder.reindex() == 1
    assert recorder.index.find_run("r2") is not None
    assert "batch left out of the index" in caplog.messages
