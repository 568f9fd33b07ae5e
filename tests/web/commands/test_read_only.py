"""What still works over a data folder that may not be written."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from ingest.recorder import Recorder
from tests.builders import files_of, line, ndjson
from tests.web.commands.conftest import Synclog

LOOKING = (
    ("runs",),
    ("run", "nightly"),
    ("actions", "nightly"),
    ("search", "permission"),
    ("record", "-", "a2"),
    ("problems",),
    ("problems", "nightly"),
    ("compare", "nightly", "weekly"),
    ("rejects",),
    ("sql", "select count(*) as n from actions"),
    ("verify",),
)


@contextmanager
def mounted_read_only(folder: Path) -> Iterator[None]:
    for command in (["mount", "--bind", folder, folder], ["mount", "-o", "remount,bind,ro", folder]):
        if subprocess.run(command, capture_output=True, check=False).returncode:
            subprocess.run(["umount", "--lazy", folder], capture_output=True, check=False)
            pytest.skip("only root can mount a folder")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


@pytest.fixture
def read_only() -> Iterator[Callable[[Path], None]]:
    """Lets a folder be read only until the test ends."""
    with ExitStack() as mounted:
        yield lambda folder: mounted.enter_context(mounted_read_only(folder))


@pytest.fixture
def weekly(nightly: Synclog, tmp_path: Path) -> Synclog:
    """A second run beside the first."""
    (tmp_path / "weekly.ndjson").write_bytes(ndjson([line(run_id="weekly")]).read())
    assert nightly("upload", "weekly.ndjson").exit_code == 0
    return nightly


def answers(synclog: Synclog, *before: str) -> dict[tuple[str, ...], tuple[int, str]]:
    found = {arguments: synclog(*before, *arguments) for arguments in LOOKING}
    return {arguments: (result.exit_code, result.stdout) for arguments, result in found.items()}


def test_whoever_only_looks_gets_the_same_answers(
    weekly: Synclog, tmp_path: Path, read_only: Callable[[Path], None]
) -> None:
    data = tmp_path / "synclog-data"
    said = answers(weekly)
    before = files_of(data)
    read_only(data)

    assert answers(weekly) == said
    assert {code for code, _ in said.values()} == {0}
    assert weekly("report", "nightly", "-o", "report.html").exit_code == 0
    assert files_of(data) == before
    assert list(tmp_path.glob("synclog-scratch-*")) == []


def test_an_index_that_does_not_know_all_is_brought_up_to_the_lake(
    nightly: Synclog, tmp_path: Path, read_only: Callable[[Path], None]
) -> None:
    """So it is after the death of a server: batches the index has not heard of, and a log beside the database."""
    data = tmp_path / "synclog-data"
    dying = Recorder.open(data)
    dying.record(ndjson([line(run_id="later")]), "ndjson")
    unknown = tmp_path / "unknown"
    other = Recorder.open(unknown)
    batch_id = other.record(ndjson([line(run_id="unknown")]), "ndjson").batch_id or ""
    other.close()
    place = dying.lake.path_of("actions", batch_id)
    place.parent.mkdir(exist_ok=True)
    (unknown / place.relative_to(data)).rename(place)
    assert (data / "index.sqlite-wal").stat().st_size > 0
    read_only(data)

    runs = {json.loads(row)["run_id"] for row in nightly("runs").stdout.splitlines()}

    dying.close()
    assert runs == {"nightly", "later", "unknown"}


def test_a_copy_without_an_index_is_read(weekly: Synclog, tmp_path: Path, read_only: Callable[[Path], None]) -> None:
    said = answers(weekly)
    weekly("backup", "copy")
    read_only(tmp_path / "copy")

    assert answers(weekly, "--data", "copy") == said
    assert not (tmp_path / "copy" / "index.sqlite").exists()


@pytest.mark.parametrize(
    "arguments", ["upload nightly.ndjson", "compact", "backup copy", "reindex", "verify --set-aside", "maintain"]
)
def test_whoever_would_write_is_told_why_not(
    nightly: Synclog, tmp_path: Path, read_only: Callable[[Path], None], arguments: str
) -> None:
    read_only(tmp_path / "synclog-data")

    result = nightly(*arguments.split())

    assert result.exit_code == 1
    assert "the data folder synclog-data may not be written" in result.stderr
    assert "check its owner and mount" in result.stderr
    assert "try again in a moment" not in result.stderr


def test_without_the_right_to_write_it_is_the_same(nightly: Synclog, tmp_path: Path) -> None:
    for path in (tmp_path / "synclog-data", *(tmp_path / "synclog-data").rglob("*")):
        path.chmod(path.stat().st_mode & 0o555)

    looked, wrote = (as_anybody(*arguments) for arguments in (("run", "nightly"), ("compact",)))

    assert (looked.returncode, looked.stdout) == (0, nightly("run", "nightly").stdout)
    assert (wrote.returncode, "the data folder synclog-data may not be written" in wrote.stderr) == (1, True)


def as_anybody(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The command by somebody for whom permissions count, even if the tests are run by root."""
    command = [str(Path(sys.executable).with_name("synclog")), *arguments]
    if os.geteuid() == 0:
        if shutil.which("setpriv") is None:
            pytest.skip("root may write everywhere")
        command = ["setpriv", "--bounding-set=-dac_override", *command]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_damaged_index_that_may_not_be_written_is_done_without(
    weekly: Synclog, tmp_path: Path, read_only: Callable[[Path], None]
) -> None:
    before = answers(weekly)
    data = tmp_path / "synclog-data"
    (data / "index.sqlite").write_bytes(b"no database" * 1000)
    read_only(data)

    assert answers(weekly) == before
