"""What upload takes, what it says and how it exits."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
import zstandard
from click.testing import Result

from tests.web.commands.conftest import LINES, Synclog

CSV = b"sys_id,operation\n1,create\n2,update\n"
BAD_LINE = b'{"run_id":"nightly","operation":"FROB"}\n'


def rows(result: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_a_file_is_recorded_and_its_runs_are_said(synclog: Synclog, tmp_path: Path) -> None:
    (tmp_path / "a.ndjson").write_bytes(LINES)

    result = synclog("upload", "a.ndjson")

    assert (result.exit_code, result.stderr) == (0, "")
    assert rows(result) == [{"file": "a.ndjson", "run_id": "nightly", "accepted": 2, "refused": 0, "note": ""}]


def test_the_same_file_is_recognised_even_packed(synclog: Synclog, tmp_path: Path) -> None:
    (tmp_path / "a.ndjson").write_bytes(LINES)
    (tmp_path / "a.ndjson.gz").write_bytes(gzip.compress(LINES))

    first, second, third = (synclog("upload", name) for name in ("a.ndjson", "a.ndjson", "a.ndjson.gz"))

    notes = [rows(result)[0]["note"] for result in (first, second, third)]
    assert notes == ["", "already recorded", "already recorded"]
    assert json.loads(synclog("runs").stdout)["processed"] == 2


def test_a_file_without_run_ids_is_a_run_of_its_own(synclog: Synclog, tmp_path: Path) -> None:
    (tmp_path / "July export.csv").write_bytes(CSV)

    row = rows(synclog("upload", "July export.csv", "--map", "source_id=sys_id", "--integration", "signavio"))[0]

    assert row["run_id"].startswith("July export-")
    assert len(row["run_id"]) == len("July export-") + 8
    assert json.loads(synclog("runs").stdout)["integration"] == "signavio"


def test_folders_globs_and_packed_files_are_taken(synclog: Synclog, tmp_path: Path) -> None:
    folder = tmp_path / "logs" / "deep"
    folder.mkdir(parents=True)
    (folder / "a.csv.gz").write_bytes(gzip.compress(CSV))
    (folder / ".hidden").write_bytes(b"not taken")
    (tmp_path / "b1.csv.zst").write_bytes(zstandard.compress(CSV + b"3,delete\n"))

    result = synclog("upload", "logs", "b*.zst")

    assert result.exit_code == 0
    assert [(row["file"], row["accepted"]) for row in rows(result)] == [("logs/deep/a.csv.gz", 2), ("b1.csv.zst", 3)]


def test_standard_input_is_taken(synclog: Synclog) -> None:
    result = synclog("upload", "-", stdin=gzip.compress(LINES))

    assert [(row["run_id"], row["accepted"]) for row in rows(result)] == [("nightly", 2)]


def test_refused_lines_are_said_with_their_reasons_and_fail(synclog: Synclog, tmp_path: Path) -> None:
    (tmp_path / "a.ndjson").write_bytes(LINES + BAD_LINE)

    result = synclog("upload", "a.ndjson")

    assert result.exit_code == 1
    assert rows(result)[0] | {"accepted": 2, "refused": 1} == rows(result)[0]
    assert result.stderr.startswith("a.ndjson line 3, operation: 'FROB' is none of CREATE")
    assert json.loads(json.loads(synclog("rejects").stdout)["raw"]) == json.loads(BAD_LINE)


def test_atomic_takes_nothing_of_a_file_with_a_bad_line(synclog: Synclog, tmp_path: Path) -> None:
    (tmp_path / "a.ndjson").write_bytes(LINES + BAD_LINE)

    result = synclog("upload", "a.ndjson", "--atomic")

    assert (result.exit_code, sum(row["accepted"] for row in rows(result))) == (1, 0)
    assert synclog("runs").stdout == ""


def test_one_bad_file_does_not_stop_the_others(synclog: Synclog, tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(bytes(range(256)))
    (tmp_path / "b.csv.gz").write_bytes(gzip.compress(CSV)[:-9])
    (tmp_path / "c.ndjson").write_bytes(LINES)

    result = synclog("upload", "a.bin", "b.csv.gz", "missing.csv", "c.ndjson")

    assert result.exit_code == 1
    assert [row["accepted"] for row in rows(result)] == [None, None, None, 2]
    assert [line.partition(":")[0] for line in result.stderr.splitlines()] == ["a.bin", "b.csv.gz", "missing.csv"]


def test_the_same_file_with_other_options_is_not_counted_twice(synclog: Synclog, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(CSV)
    synclog("upload", "a.csv")

    result = synclog("upload", "a.csv", "--integration", "signavio")

    assert result.exit_code == 1
    assert "recorded before" in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("upload",),
        ("upload", "a.csv", "--map", "nonsense"),
        ("upload", "a.csv", "--map", "sourceid=x"),
        ("upload", "a.csv", "--input", "xlsx"),
        ("upload", "a.csv", "b.csv", "--idempotency-key", "k"),
        ("upload", "a.csv", "--idempotency-key", ""),
    ],
)
def test_wrong_usage_exits_2(synclog: Synclog, arguments: tuple[str, ...]) -> None:
    result = synclog(*arguments)

    assert (result.exit_code, result.stdout) == (2, "")


def test_an_rclone_log_is_recognised(synclog: Synclog) -> None:
    logs = Path(__file__).parents[3] / "web" / "demo_logs" / "rclone"

    result = synclog("upload", str(logs / "run3.ndjson.gz"), "--run-id", "docs-3", "--configuration", "docs")

    run = json.loads(synclog("runs").stdout)
    assert (result.exit_code, rows(result)[0]["run_id"]) == (0, "docs-3")
    assert (run["integration"], run["creates"], run["errors"], run["unchanged"]) == ("rclone", 2, 2, 4116)


def test_a_log_of_several_runs_keeps_them_apart(synclog: Synclog) -> None:
    logs = Path(__file__).parents[3] / "web" / "demo_logs" / "rclone"

    result = synclog("upload", str(logs / "sync_json.log"))

    assert (result.exit_code, [row["accepted"] for row in rows(result)]) == (0, [10, 10])
