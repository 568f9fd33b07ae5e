import json
from pathlib import Path

import pytest

from tests.web.commands.conftest import Synclog


@pytest.fixture
def batch(nightly: Synclog, tmp_path: Path) -> Path:
    """The file of the run's actions, cut short."""
    [path] = (tmp_path / "synclog-data/lake/actions").rglob("*.parquet")
    (tmp_path / "backup.parquet").write_bytes(path.read_bytes())
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:-10])
    return path


def test_a_finding_says_what_is_wrong_and_what_to_do(nightly: Synclog, batch: Path) -> None:
    result = nightly("verify")

    row = json.loads(result.stdout)
    assert (result.exit_code, row["kind"], row["batch_id"]) == (1, "actions", batch.stem)
    assert row["problem"].startswith("its bytes are not those that were written")
    assert row["advice"].startswith("bring the file back from a backup")
    assert "not well: 1 file" in result.stderr


def test_what_is_found_is_left_out_and_counted(nightly: Synclog, batch: Path) -> None:
    nightly("verify")

    actions, run = nightly("actions", "nightly"), nightly("run", "nightly", "--format", "table")

    assert (actions.exit_code, actions.stdout) == (0, "")
    assert "2 of 2 actions cannot be read" in actions.stderr
    assert "2 of 2 actions cannot be read" in run.stdout
    assert nightly("sql", "select count(*) as n from actions").stdout == '{"n": 0}\n'
    assert json.loads(nightly("runs").stdout)["processed"] == 2


def test_damaged_files_are_set_aside_on_request(nightly: Synclog, batch: Path) -> None:
    result = nightly("verify", "--set-aside")

    aside = batch.parents[2] / "aside"
    assert result.exit_code == 1
    assert not batch.exists()
    assert sorted(path.name for path in aside.iterdir()) == [
        f"actions-{batch.stem}.json",
        f"actions-{batch.stem}.parquet",
    ]
    assert f"1 file set aside in {aside.relative_to(Path.cwd())}" in result.stderr
    row = json.loads(result.stdout)
    assert row["aside"] == str(aside.relative_to(Path.cwd()) / f"actions-{batch.stem}.parquet")
    assert row["aside"] in row["advice"]
    assert "--set-aside" not in row["advice"]
    again = nightly("verify")
    assert (again.exit_code, "it was set aside" in again.stdout) == (1, True)


def test_a_file_put_back_is_read_again(nightly: Synclog, batch: Path, tmp_path: Path) -> None:
    nightly("verify", "--set-aside")
    batch.write_bytes((tmp_path / "backup.parquet").read_bytes())

    result = nightly("verify")

    assert (result.exit_code, result.stdout) == (0, "")
    assert len(nightly("actions", "nightly").stdout.splitlines()) == 2


def test_the_quick_check_knows_of_it(nightly: Synclog, batch: Path) -> None:
    nightly("verify")

    result = nightly("doctor")

    checks = {row["check"]: row for row in map(json.loads, result.stdout.splitlines())}
    assert result.exit_code == 1
    assert checks["damage"]["status"] == "ERROR"
    assert "1 file damaged" in checks["damage"]["message"]


def test_rejects_in_a_damaged_file_are_left_out_by_the_next_who_asks(nightly: Synclog, tmp_path: Path) -> None:
    for name in ("first", "second"):
        (tmp_path / name).write_text(json.dumps({"run_id": name, "status": "purple"}) + "\n")
        nightly("upload", "--input", "ndjson", name)
    files = sorted((tmp_path / "synclog-data/lake/rejects").rglob("*.parquet"))
    files[1].chmod(0o644)
    files[1].write_bytes(b"junk")

    assert nightly("rejects").exit_code == 1
    result = nightly("rejects")

    assert [json.loads(row)["source"] for row in result.stdout.splitlines()] == ["first"]
