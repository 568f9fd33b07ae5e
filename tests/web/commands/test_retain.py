"""``synclog retain``, and what other commands say of a run of which actions are gone."""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.builders import line
from tests.web.commands.conftest import Synclog
from tests.web.pages.cast import record, recorder_at

RULES = "[retention.default]\nok_days = 30\n"


@pytest.fixture
def old_run(tmp_path: Path) -> None:
    """A data folder with a run of forty days ago: two OK actions and a failure."""
    then = datetime.now(UTC) - timedelta(days=40)
    lines = [line(source_id="a1"), line(source_id="a2"), line(source_id="a3", status="ERROR", message="no")]
    with recorder_at(tmp_path / "synclog-data", then) as recorder:
        record(recorder, "nightly", lines)


def rows_of(text: str) -> list[dict[str, Any]]:
    return [json.loads(row) for row in text.splitlines()]


@pytest.mark.usefixtures("old_run")
def test_without_rules_it_says_so_and_removes_nothing(synclog: Synclog) -> None:
    result = synclog("retain")

    assert (result.exit_code, result.stdout) == (0, "")
    assert "there are no rules" in result.stderr
    assert len(rows_of(synclog("actions", "nightly").stdout)) == 3


@pytest.mark.usefixtures("old_run")
def test_a_dry_run_lists_what_then_goes(synclog: Synclog, tmp_path: Path) -> None:
    (tmp_path / "synclog.toml").write_text(RULES)

    dry = synclog("retain", "--dry-run")
    assert "2 rows" in dry.stderr
    assert "nothing was" in dry.stderr
    assert len(rows_of(synclog("actions", "nightly").stdout)) == 3
    real = synclog("retain")

    [due] = rows_of(real.stdout)
    assert rows_of(dry.stdout) == [due]
    assert (due["integration"], due["outcome"], due["rows"]) == ("servicenow", "OK", 2)
    assert due["bytes"] > 0
    assert "2 rows removed" in real.stderr
    assert [action["source_id"] for action in rows_of(synclog("actions", "nightly").stdout)] == ["a3"]
    again = synclog("retain")
    assert (again.exit_code, again.stdout) == (0, "")
    assert "nothing is due" in again.stderr
    assert synclog("verify").exit_code == 0


@pytest.mark.usefixtures("old_run")
def test_run_and_actions_say_what_is_gone(synclog: Synclog, tmp_path: Path) -> None:
    (tmp_path / "synclog.toml").write_text(RULES)
    synclog("retain")

    [run] = rows_of(synclog("run", "nightly", "--format", "ndjson").stdout)
    assert (run["processed"], run["oks"], run["gone"]) == (3, 2, 2)
    assert "2 of 3 actions were removed by retention" in synclog("run", "nightly", "--format", "table").stdout
    assert "2 of 3 actions were removed by retention" in synclog("actions", "nightly").stderr
    [row] = rows_of(synclog("sql", "select processed, gone from runs").stdout)
    assert row == {"processed": 3, "gone": 2}


@pytest.mark.usefixtures("old_run")
def test_a_batch_that_cannot_be_read_fails_the_command_and_the_others_go(synclog: Synclog, tmp_path: Path) -> None:
    (tmp_path / "synclog.toml").write_text(RULES)
    [whole] = (tmp_path / "synclog-data/lake/actions").rglob("*.parquet")
    with recorder_at(tmp_path / "synclog-data", datetime.now(UTC) - timedelta(days=35)) as recorder:
        record(recorder, "damaged", [line()])
    [damaged] = {*(tmp_path / "synclog-data/lake/actions").rglob("*.parquet")} - {whole}
    good = damaged.read_bytes()
    damaged.chmod(0o644)
    # The column that is not looked at beforehand: only writing the batch anew meets the damage.
    damaged.write_bytes(good.replace(b"UPDATE", b"UPD\0TE"))

    result = synclog("retain")

    assert result.exit_code == 1
    assert "1 batch could not be changed" in result.stderr
    assert [due["rows"] for due in rows_of(result.stdout)] == [2]


@pytest.mark.usefixtures("old_run")
def test_while_another_process_maintains_the_lake_it_waits_its_turn(synclog: Synclog, tmp_path: Path) -> None:
    (tmp_path / "synclog.toml").write_text(RULES)
    with recorder_at(tmp_path / "synclog-data", datetime.now(UTC)) as other:
        assert other.compactor().lead()

        result = synclog("retain", "--wait", "0.1")

    assert result.exit_code == 1
    assert "waiting for it to make way" in result.stderr
    assert "another process compacts or retains this lake" in result.stderr


@pytest.mark.usefixtures("old_run")
def test_it_says_what_is_still_to_be_deleted_and_by_whom(synclog: Synclog, tmp_path: Path) -> None:
    (tmp_path / "synclog.toml").write_text(RULES)

    said = synclog("retain").stderr

    assert re.search(r"of replaced batches stay for those who still read them, until \d{4}-\d\d-\d\d", said)
    assert "or else the next synclog compact or retain" in said
