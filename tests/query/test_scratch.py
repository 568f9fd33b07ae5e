"""Temporary files of killed processes go; those of living ones stay."""

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from query.scratch import close_scratch, open_scratch

PROGRAM = "from query.scratch import open_scratch; print(open_scratch()[0], flush=True); input()"


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)


def test_the_folder_of_a_killed_process_is_removed_by_the_next_and_no_other() -> None:
    mine, lock = open_scratch()
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        left = Path(process.stdout.readline().strip())
        (left / "spilled").write_bytes(bytes(100))
        next_one, next_lock = open_scratch()
        in_use = left.exists()
        process.kill()
    last, last_lock = open_scratch()

    assert in_use
    assert (mine.exists(), next_one.exists(), left.exists()) == (True, True, False)
    for folder, descriptor in ((mine, lock), (next_one, next_lock), (last, last_lock)):
        close_scratch(folder, descriptor)
        assert not folder.exists()
