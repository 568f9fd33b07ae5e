"""Maintenance beside a server: a child process that merges, and that ends with its parent."""

import threading
import time
from collections.abc import Callable
from pathlib import Path

import httpx

from ingest.compaction import FAN_IN
from tests.live.conftest import serving

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
