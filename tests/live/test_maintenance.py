"""Maintenance beside a server: a child process that merges, and that ends with its parent."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx

from ingest.compaction import FAN_IN
from ingest.index_database import COMPACTION_WANTED
from ingest.recorder import RunAnnouncement
from tests.builders import line
from tests.live.conftest import COMMAND, environment, serving
from tests.web.pages.cast import record, recorder_at

NDJSON = {"Content-Type": "application/x-ndjson"}
PATIENCE_SECONDS = 60.0


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        assert time.monotonic() < deadline
        threading.Event().wait(0.1)


def batches(http: httpx.Client) -> int:
    answer = http.post("/api/v1/sql", json={"sql": "select count(*) as n from batches where kind = 'actions'"})
    count: int = answer.raise_for_status().json()["rows"][0]["n"]
    return count


def children_of(process_id: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{process_id}/task/{process_id}/children").read_text().split()] + [
        int(word)
        for task in Path(f"/proc/{process_id}/task").iterdir()
        if task.name != str(process_id)
        for word in (task / "children").read_text().split()
    ]


def is_maintenance(process_id: int) -> bool:
    try:
        return b"maintain" in Path(f"/proc/{process_id}/cmdline").read_bytes()
    except FileNotFoundError:
        return False


def test_a_server_merges_small_batches_by_itself_and_takes_its_child_along(tmp_path: Path) -> None:
    (tmp_path / "synclog.toml").write_text("maintain_seconds = 1\n")
    with serving(tmp_path / "data") as server, httpx.Client(base_url=server.url, trust_env=False, timeout=30) as http:
        for number in range(FAN_IN):
            line = f'{{"run_id":"live","integration":"i","operation":"UPDATE","source_id":"{number}"}}\n'
            assert http.post("/api/v1/actions", content=line, headers=NDJSON).is_success

        wait_until(lambda: batches(http) < FAN_IN)

        assert http.get("/api/v1/runs/live").json()["processed"] == FAN_IN
        actions = http.get("/api/v1/runs/live/actions", params={"limit": 200}).json()["items"]
        assert sorted(int(action["source_id"]) for action in actions) == list(range(FAN_IN))
        wait_until(lambda: any(map(is_maintenance, children_of(server.process.pid))))
        [child] = filter(is_maintenance, children_of(server.process.pid))
        server.process.kill()
        server.process.wait()

        wait_until(lambda: not is_maintenance(child))


def test_a_server_removes_by_itself_what_is_too_old(tmp_path: Path) -> None:
    """Its rules reach the child even from a file that only the server was told of."""
    rules = tmp_path / "rules.toml"
    rules.write_text("maintain_seconds = 1\n[retention.default]\nok_days = 30\n")
    with recorder_at(tmp_path / "data", datetime.now(UTC) - timedelta(days=40)) as recorder:
        record(recorder, "old", [line(), line(source_id="a2", status="ERROR", message="no")])
    elsewhere = {"SYNCLOG_SETTINGS_FILE": str(rules)}
    with (
        serving(tmp_path / "data", settings=elsewhere) as server,
        httpx.Client(base_url=server.url, trust_env=False, timeout=30) as http,
    ):
        wait_until(lambda: http.get("/api/v1/runs/old").json()["gone"] == 1)

        assert http.get("/api/v1/runs/old").json()["processed"] == 2
        actions = http.get("/api/v1/runs/old/actions").json()["items"]
        assert [action["source_id"] for action in actions] == ["a2"]


def send(http: httpx.Client, number: int) -> None:
    content = f'{{"run_id":"run {number}","integration":"i","operation":"UPDATE","source_id":"{number}"}}\n'
    assert http.post("/api/v1/actions", content=content, headers=NDJSON).is_success


def run_command(data: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [*COMMAND, "--data", str(data), *arguments],
        capture_output=True,
        text=True,
        env=environment(),
        cwd=data.parent,
        timeout=90,
    )


def health_of(http: httpx.Client, name: str) -> dict[str, str]:
    checks = {check["name"]: check for check in http.get("/api/v1/health").raise_for_status().json()["checks"]}
    found: dict[str, str] = checks[name]
    return found


def test_a_server_makes_way_for_commands_and_goes_on_afterwards(tmp_path: Path) -> None:
    (tmp_path / "synclog.toml").write_text("maintain_seconds = 1\n[retention.default]\nok_days = 30\n")
    data = tmp_path / "data"
    with recorder_at(data, datetime.now(UTC) - timedelta(days=40)) as recorder:
        recorder.announce_run(RunAnnouncement(run_id="old", integration="i"))
    with serving(data) as server, httpx.Client(base_url=server.url, trust_env=False, timeout=30) as http:
        for number in range(3):
            send(http, number)
        wait_until(lambda: health_of(http, "maintenance")["message"].startswith("last round"))

        compacted, retained = run_command(data, "compact"), run_command(data, "retain")

        assert (compacted.returncode, retained.returncode) == (0, 0), compacted.stderr + retained.stderr
        assert "waiting for it to make way" in compacted.stderr
        assert "batches became" in compacted.stderr
        assert batches(http) == 1
        for number in range(FAN_IN):
            send(http, number)
        wait_until(lambda: batches(http) < FAN_IN)
        assert health_of(http, "maintenance")["status"] == "OK"


def test_a_command_that_waits_hears_ctrl_c(tmp_path: Path) -> None:
    with recorder_at(tmp_path / "data", datetime.now(UTC)) as recorder:
        assert recorder.compactor().lead()
        command = [*COMMAND, "--data", str(recorder.lake.root.parent), "compact"]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment(), cwd=tmp_path) as process:
            assert process.stderr is not None
            assert "waiting" in process.stderr.readline()

            process.send_signal(signal.SIGINT)

            assert process.wait(30) == 130
        assert not recorder.index.is_leased(COMPACTION_WANTED, now_us=recorder.now_us())


def test_maintenance_that_fails_is_seen_in_health_until_it_succeeds(tmp_path: Path) -> None:
    (tmp_path / "synclog.toml").write_text("maintain_seconds = 1\n")
    with serving(tmp_path / "data") as server, httpx.Client(base_url=server.url, trust_env=False, timeout=30) as http:
        wait_until(lambda: health_of(http, "maintenance")["message"].startswith("last round"))
        for number in range(FAN_IN):
            send(http, number)
        (tmp_path / "data/lake").rename(tmp_path / "data/elsewhere")

        wait_until(lambda: health_of(http, "maintenance")["status"] == "WARNING")

        assert "rounds failed since" in health_of(http, "maintenance")["message"]
        (tmp_path / "data/elsewhere").rename(tmp_path / "data/lake")
        wait_until(lambda: health_of(http, "maintenance")["status"] == "OK")


def test_a_maintenance_process_that_is_killed_is_noted(tmp_path: Path) -> None:
    (tmp_path / "synclog.toml").write_text("maintain_seconds = 1\n")
    with serving(tmp_path / "data") as server, httpx.Client(base_url=server.url, trust_env=False, timeout=30) as http:
        wait_until(lambda: any(map(is_maintenance, children_of(server.process.pid))))
        [child] = filter(is_maintenance, children_of(server.process.pid))
        os.kill(child, signal.SIGKILL)

        wait_until(lambda: "was killed by signal 9" in health_of(http, "maintenance")["message"])
