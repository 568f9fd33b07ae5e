"""``synclog compare``."""

import csv
import io
import json
from pathlib import Path

import pytest

from tests.web.commands.conftest import Synclog

LINES = """{"run_id":"monday","operation":"UPDATE","source_id":"a","happened_at":"2026-06-01"}
{"run_id":"monday","operation":"UPDATE","source_id":"b","happened_at":"2026-06-01"}
{"run_id":"tuesday","operation":"NONE","source_id":"a","status":"ERROR","message":"late","happened_at":"2026-06-02"}
"""


@pytest.fixture
def two(synclog: Synclog, tmp_path: Path) -> Synclog:
    (tmp_path / "two.ndjson").write_text(LINES)
    assert synclog("upload", "two.ndjson").exit_code == 0
    return synclog


def test_two_runs_stand_side_by_side(two: Synclog) -> None:
    result = two("compare", "monday", "tuesday", "--format", "table")

    lines = [line.split() for line in result.stdout.splitlines()]
    assert result.exit_code == 0
    assert ["updates", "2", "0", "-2"] in lines
    assert ["new", "ERROR", "0", "1", "late"] in lines
    assert ["failing-now", "1"] in lines
    assert "No end of the earlier run was seen" in result.stderr


def test_programs_get_one_object_or_the_figures(two: Synclog) -> None:
    [compared] = json.loads(two("compare", "monday", "tuesday", "--format", "json").stdout)
    figures = list(csv.DictReader(io.StringIO(two("compare", "monday", "tuesday", "--format", "csv").stdout)))

    assert compared["records"]["vanished"] == 1
    assert {"figure": "errors", "a": "0", "b": "1", "difference": "1"} in figures


def test_records_that_differ_are_listed(two: Synclog) -> None:
    result = two("compare", "monday", "tuesday", "--list", "vanished")

    row = json.loads(result.stdout)
    assert (row["record_id"], row["status_a"], row["status_b"], row["operations_a"]) == ("b", "OK", None, "UPDATE")


def test_an_unknown_run_ends_with_1(two: Synclog) -> None:
    result = two("compare", "monday", "nobody")

    assert (result.exit_code, "there is no run nobody" in result.stderr) == (1, True)
