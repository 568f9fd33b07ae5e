"""``synclog backup``."""

from pathlib import Path

from tests.web.commands.conftest import Synclog


def test_a_backup_is_taken_checked_and_used(nightly: Synclog, tmp_path: Path) -> None:
    first = nightly("backup", "copy", "--verify")
    again = nightly("backup", "copy")
    (tmp_path / "copy").rename(tmp_path / "elsewhere")

    assert (first.exit_code, again.exit_code) == (0, 0)
    assert "every file of the copy is as written" in first.stderr
    assert "0 files copied" in again.stderr
    assert nightly("--data", "elsewhere", "actions", "nightly").stdout == nightly("actions", "nightly").stdout


def test_a_damaged_copy_is_told(nightly: Synclog, tmp_path: Path) -> None:
    nightly("backup", "copy")
    [batch] = (tmp_path / "copy" / "lake" / "actions").rglob("*.parquet")
    batch.chmod(0o644)
    batch.write_bytes(batch.read_bytes()[:-1] + b"?")

    result = nightly("backup", "copy", "--verify")

    assert result.exit_code == 1
    assert f"{batch.relative_to(tmp_path)} is not what was copied" in result.stderr
