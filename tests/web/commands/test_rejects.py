"""``synclog rejects``: refused lines listed, counted, mended and recorded after all."""

import json
from pathlib import Path

import pytest

from tests.web.commands.conftest import Synclog


@pytest.fixture
def refused(nightly: Synclog, tmp_path: Path) -> Synclog:
    """A file of which two lines were refused."""
    lines = ['{"run_id":"r1","status":"kaputt","message":"Broken"}', '{"run_id":"r1"}', '{"run_id":"r1","status":"OK"}']
    (tmp_path / "late.ndjson").write_text("\n".join(lines))
    assert nightly("upload", "late.ndjson").exit_code == 1
    return nightly


def rows(text: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in text.splitlines()]


def test_refused_lines_are_counted_and_listed(refused: Synclog) -> None:
    groups = rows(refused("rejects", "--groups", "--format", "ndjson").stdout)
    listed = rows(refused("rejects", "--code", "empty-action", "--format", "ndjson").stdout)

    assert [(row["code"], row["field"], row["count"]) for row in groups] == [
        ("empty-action", None, 1),
        ("unknown-status", "status", 1),
    ]
    assert [(row["line"], row["run_id"], row["raw"]) for row in listed] == [(2, "r1", '{"run_id": "r1"}')]


def test_a_dry_run_shows_what_a_line_would_become_and_records_nothing(refused: Synclog) -> None:
    shown = refused("rejects", "--replay", "--dry-run", "--value", "status:kaputt=ERROR", "--format", "ndjson")

    assert shown.exit_code == 0
    assert "1 would be recorded, 1 are still refused" in shown.stderr
    assert [row["reason"] for row in rows(shown.stdout)] == [
        "a line needs at least one of operation, status and message",
        None,
    ]
    assert rows(refused("search", "broken", "--format", "ndjson").stdout) == []


def test_a_replay_records_what_is_right_once_and_says_what_is_not(refused: Synclog) -> None:
    first = refused("rejects", "--replay", "--value", "status:kaputt=ERROR")
    second = refused("rejects", "--code", "unknown-status", "--replay", "--value", "status:kaputt=ERROR")

    assert (first.exit_code, second.exit_code) == (1, 0)
    assert "1 line recorded, 1 line still refused" in first.stderr
    assert "0 lines recorded" in second.stderr
    assert [row["status"] for row in rows(refused("search", "broken", "--format", "ndjson").stdout)] == ["ERROR"]
    assert [row["line"] for row in rows(refused("rejects", "--replayed", "--format", "ndjson").stdout)] == [1]
    assert [row["line"] for row in rows(refused("rejects", "--format", "ndjson").stdout)] == [2]


def test_a_mend_nobody_understands_is_a_usage_error(refused: Synclog) -> None:
    done = refused("rejects", "--replay", "--map", "colour=red")

    assert done.exit_code != 0
    assert "actions have no field 'colour'" in done.stderr
