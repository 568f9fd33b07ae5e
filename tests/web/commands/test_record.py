"""``synclog record``."""

import json
from pathlib import Path

import pytest

from tests.web.commands.conftest import Synclog


@pytest.fixture
def history(synclog: Synclog, tmp_path: Path) -> Synclog:
    lines = [
        {
            "run_id": f"r{day}", "integration": "ab"[day % 2], "operation": "UPDATE", "target_type": "App",
            "target_id": "t", "happened_at": f"2026-06-0{day}", "status": "ERROR" if day == 6 else "OK",
        }
        for day in range(1, 7)
    ]  # fmt: skip
    (tmp_path / "log.ndjson").write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert synclog("upload", "log.ndjson").exit_code == 0
    return synclog


def test_a_table_begins_with_what_the_actions_come_to(history: Synclog) -> None:
    result = history("record", "App", "t", "--format", "table")

    assert result.exit_code == 0
    assert "Fails with a since 2026-06-06 00:00:00 UTC, in 1 run; last good 2026-06-04 00:00:00 UTC." in result.stdout
    assert "Flip-flop: b and a write this record in turn: 5 times from 2026-06-01 00:00:00 UTC on." in result.stdout
    assert result.stdout.count("UPDATE") == 6


def test_programs_get_the_actions_or_the_summary(history: Synclog) -> None:
    actions = [json.loads(line)["run_id"] for line in history("record", "-", "t", "--limit", "4").stdout.splitlines()]
    summary = json.loads(history("record", "-", "t", "--summary").stdout)

    assert actions == ["r6", "r5", "r4", "r3"]
    assert (summary["actions"], summary["last_good_run_id"], len(summary["integrations"])) == (6, "r5", 2)


def test_an_unknown_record_is_nothing(history: Synclog) -> None:
    assert (history("record", "App", "x").stdout, history("record", "App", "x").exit_code) == ("", 0)
    assert "No action that is kept names this record." in history("record", "App", "x", "--format", "table").stdout
