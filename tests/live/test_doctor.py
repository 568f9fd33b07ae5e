"""The doctor beside a real server, and where there is none."""

import json
import subprocess
from pathlib import Path

import httpx

from tests.live.conftest import COMMAND, Server, environment, run_doctor


def test_the_doctor_finds_a_served_folder_well(server: Server, http: httpx.Client) -> None:
    http.post("/api/v1/actions", json=[{"run_id": "r", "integration": "i", "operation": "UPDATE"}])

    done = subprocess.run(
        [*COMMAND, "--data", str(server.data), "doctor", "--url", server.url],
        capture_output=True,
        text=True,
        env=environment(),
        timeout=60,
    )

    checks = {row["check"]: row for row in map(json.loads, done.stdout.splitlines())}
    assert (done.returncode, list(checks)) == (
        0,
        [
            *("data folder", "disk space", "index", "batches", "damage", "newest batch"),
            *("maintenance", "last verify", "last backup", "server"),
        ],
    )
    said = http.get("/api/v1/health").json()["checks"]
    assert [check["name"] for check in said] == list(checks)[:-1]
    assert "1 run" in checks["index"]["message"]
    assert checks["batches"]["message"].startswith("1 live (1 of actions), 1 small")
    assert checks["newest batch"]["message"] == "sealed just now, a run was last heard of just now"


def test_the_doctor_names_what_is_not_well(server: Server, tmp_path: Path) -> None:
    server.stop()

    done = run_doctor("--url", server.url, folder=tmp_path)

    checks = {row["check"]: row for row in map(json.loads, done.stdout.splitlines())}
    assert (done.returncode, {name: row["status"] for name, row in checks.items()}) == (
        1,
        {"data folder": "ERROR", "server": "ERROR"},
    )
    assert "not well: data folder, server" in done.stderr
    assert not (tmp_path / "synclog-data").exists()


def test_an_index_that_cannot_be_read_is_an_error_of_the_index(tmp_path: Path) -> None:
    (tmp_path / "synclog-data").mkdir()
    (tmp_path / "synclog-data" / "index.sqlite").write_bytes(b"this is no database" * 100)

    done = run_doctor(folder=tmp_path)

    checks = {row["check"]: row for row in map(json.loads, done.stdout.splitlines())}
    assert (done.returncode, checks["index"]["status"]) == (1, "ERROR")


def test_options_of_the_canary_are_refused_without_it(tmp_path: Path) -> None:
    done = run_doctor("--seconds", "5", folder=tmp_path)

    assert (done.returncode, done.stdout) == (2, "")
    assert "--seconds is for --canary" in done.stderr
