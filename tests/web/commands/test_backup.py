"""``synclog backup``."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.builders import files_of
from tests.web.commands.conftest import Synclog


def only_batch(folder: Path) -> Path:
    [path] = (folder / "lake" / "actions").rglob("*.parquet")
    return path


def spoil(path: Path) -> None:
    """Change the last byte, as a disk would."""
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:-1] + b"?")


def test_a_backup_is_taken_checked_and_used(nightly: Synclog, tmp_path: Path) -> None:
    first = nightly("backup", "copy", "--verify")
    again = nightly("backup", "copy")
    (tmp_path / "copy").rename(tmp_path / "elsewhere")

    assert (first.exit_code, again.exit_code) == (0, 0)
    assert "every file of the copy is as written" in first.stderr
    assert "0 files copied" in again.stderr
    assert nightly("--data", "elsewhere", "actions", "nightly").stdout == nightly("actions", "nightly").stdout


def test_a_damaged_copy_is_told_and_copied_anew(nightly: Synclog, tmp_path: Path) -> None:
    nightly("backup", "copy")
    batch = only_batch(tmp_path / "copy")
    spoil(batch)

    first, second = nightly("backup", "copy", "--verify"), nightly("backup", "copy", "--verify")

    assert (first.exit_code, second.exit_code) == (1, 0)
    assert f"{batch.relative_to(tmp_path)} is not what was copied: copied anew, and whole again" in first.stderr
    assert "every file of the copy is as written" in second.stderr


def test_a_damaged_lake_is_told_with_the_way_back(nightly: Synclog, tmp_path: Path) -> None:
    nightly("backup", "copy")
    batch, good = only_batch(tmp_path / "synclog-data"), only_batch(tmp_path / "copy")
    spoil(batch)
    nightly("verify")

    result = nightly("backup", "copy")

    assert result.exit_code == 1
    assert f"cp -f {good.relative_to(tmp_path)} {batch.relative_to(tmp_path)}, then synclog verify" in result.stderr
    batch.unlink()
    shutil.copy(good, batch)
    assert (nightly("verify").exit_code, nightly("backup", "copy").exit_code) == (0, 0)


def test_a_backup_is_checked_without_its_lake_and_left_as_it_is(nightly: Synclog, tmp_path: Path) -> None:
    nightly("backup", "copy")
    shutil.rmtree(tmp_path / "synclog-data")
    before = files_of(tmp_path / "copy")

    whole = nightly("--data", "nosuch", "backup", "copy", "--verify-only")

    assert whole.exit_code == 0
    assert "2 files with 2 actions" in whole.stderr
    assert files_of(tmp_path / "copy") == before
    spoil(only_batch(tmp_path / "copy"))
    rotten = nightly("--data", "nosuch", "backup", "copy", "--verify-only")
    assert (rotten.exit_code, "synclog backup copy --verify copies them anew" in rotten.stderr) == (1, True)
    assert nightly("backup", "copy", "--verify", "--verify-only").exit_code == 2
    assert nightly("backup", "nosuch", "--verify-only").exit_code == 1


def test_a_restored_folder_is_proven_equal_to_its_backup(nightly: Synclog, tmp_path: Path) -> None:
    """Without the original: the manifest comes along. That holds after the start too, as long as nothing is merged."""
    said = nightly("actions", "nightly").stdout
    nightly("backup", "copy")
    (tmp_path / "synclog-data").rename(tmp_path / "lost")
    shutil.copytree(tmp_path / "copy", tmp_path / "restored")

    assert nightly("backup", "restored", "--verify-only").exit_code == 0
    assert nightly("--data", "restored", "verify").exit_code == 0
    assert nightly("--data", "restored", "actions", "nightly").stdout == said
    assert json.loads(nightly("--data", "restored", "runs").stdout)["processed"] == 2
    assert nightly("backup", "restored", "--verify-only").exit_code == 0


@pytest.mark.parametrize("harm", [spoil, Path.unlink])
def test_a_restored_folder_that_is_not_equal_is_told(
    nightly: Synclog, tmp_path: Path, harm: Callable[[Path], None]
) -> None:
    nightly("backup", "copy")
    shutil.copytree(tmp_path / "copy", tmp_path / "restored")
    batch = only_batch(tmp_path / "restored")
    harm(batch)

    result = nightly("--data", "nosuch", "backup", "restored", "--verify-only")

    assert (result.exit_code, str(batch.relative_to(tmp_path)) in result.stderr) == (1, True)


def test_a_restored_folder_goes_on_with_its_backup_when_told_to(nightly: Synclog, tmp_path: Path) -> None:
    nightly("backup", "copy")
    shutil.copytree(tmp_path / "copy", tmp_path / "restored")

    refused = nightly("--data", "restored", "backup", "copy")
    taken = nightly("--data", "restored", "backup", "copy", "--take-over")

    assert (refused.exit_code, "--take-over" in refused.stderr) == (1, True)
    assert (taken.exit_code, "2 files there already" in taken.stderr) == (0, True)
    assert nightly("backup", "copy").exit_code == 1


def test_a_backup_opened_as_a_data_folder_says_what_to_delete(nightly: Synclog, tmp_path: Path) -> None:
    nightly("backup", "copy")
    nightly("--data", "copy", "verify")

    result = nightly("backup", "copy")

    assert (result.exit_code, "delete copy/index.sqlite*" in result.stderr) == (1, True)


def test_the_doctor_says_when_the_last_whole_backup_and_the_last_verify_were(nightly: Synclog, tmp_path: Path) -> None:
    def looked_at() -> dict[str, str]:
        checks = map(json.loads, nightly("doctor").stdout.splitlines())
        return {each["check"]: f"{each['status']} {each['message']}" for each in checks}

    nightly("backup", "copy")
    nightly("verify")
    well = looked_at()
    spoil(only_batch(tmp_path / "synclog-data"))
    nightly("verify")
    nightly("backup", "elsewhere")
    ill = looked_at()

    assert well["last verify"] == "OK just now, every batch was whole"
    assert well["last backup"] == f"OK just now, in {tmp_path / 'copy'}"
    assert ill["last verify"].endswith("1 file not well; synclog verify names them and says what to do")
    assert f"not whole: 1 file not well, for {tmp_path / 'elsewhere'}; last whole one" in ill["last backup"]
    assert ill["last backup"].endswith(f", in {tmp_path / 'copy'}")
    assert {ill["last verify"].split()[0], ill["last backup"].split()[0]} == {"WARNING"}


def test_a_backup_that_cannot_be_written_is_remembered(nightly: Synclog, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")

    result = nightly("backup", "file/copy")

    assert result.exit_code == 1
    [check] = [row for row in map(json.loads, nightly("doctor").stdout.splitlines()) if row["check"] == "last backup"]
    assert check["status"] == "WARNING"
    assert "cannot be written" in check["message"]
