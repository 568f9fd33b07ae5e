"""The index is deleted, exchanged or damaged while real servers run, or before they start."""

import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import httpx

from ingest.index import Index
from ingest.index_database import COMPACTION
from ingest.recorder import Recorder
from tests.builders import line, ndjson
from tests.live.conftest import COMMAND, Server, environment, serving


def test_a_server_and_its_maintenance_go_on_when_the_index_is_deleted(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with serving(data, settings={"SYNCLOG_MAINTAIN_SECONDS": "1"}) as server:
        for number in range(3):
            post_one(server, number)
        wait_for_leader(data)
        for file in data.glob("index.sqlite*"):
            file.unlink()
        with closing(Recorder.open(data)) as other:
            other.record(ndjson([line(source_id="other")]), "ndjson")
            wait_for_leader(data)  # in the new one
            assert not other.compactor().lead()
        post_one(server, 3)

        assert httpx.get(f"{server.url}/api/v1/runs/nightly").json()["processed"] == 5
        assert len(httpx.get(f"{server.url}/api/v1/runs/nightly/actions").json()["items"]) == 5
        assert httpx.get(f"{server.url}/api/v1/health").json()["status"] != "ERROR"


def test_a_server_starts_on_a_damaged_index_and_says_so(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with closing(Recorder.open(data)) as recorder:
        recorder.record(ndjson([line()]), "ndjson")
    (data / "index.sqlite").write_bytes(b"no database" * 1000)

    with serving(data) as server:
        assert httpx.get(f"{server.url}/api/v1/runs/nightly").json()["processed"] == 1
        server.stop()
        assert "index was damaged, it was made anew" in server.process.stderr.read()


def test_a_running_server_with_a_damaged_index_goes_on_after_reindex(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with serving(data) as server:
        post_one(server, 0)
        (data / "index.sqlite-wal").write_bytes(b"")
        (data / "index.sqlite").write_bytes(b"no database" * 1000)
        answer = httpx.get(f"{server.url}/api/v1/runs")
        subprocess.run([*COMMAND, "--data", str(data), "reindex"], check=True, env=environment(), capture_output=True)
        post_one(server, 1)

        assert answer.status_code == 200 or "synclog reindex" in answer.text
        assert httpx.get(f"{server.url}/api/v1/runs/nightly").json()["processed"] == 2


def post_one(server: Server, number: int) -> None:
    body = ndjson([line(source_id=str(number))]).read()
    answer = httpx.post(f"{server.url}/api/v1/actions", content=body, headers={"Content-Type": "application/x-ndjson"})
    assert answer.status_code < 300, answer.text


def wait_for_leader(data: Path) -> None:
    index = Index(f"sqlite:///{data / 'index.sqlite'}")
    assert wait_until(lambda: index.is_leased(COMPACTION, now_us=time.time_ns() // 1000))
    index.close()


def wait_until(is_so: Callable[[], bool], seconds: float = 20) -> bool:
    pause, until = threading.Event(), time.monotonic() + seconds
    while not (said := is_so()) and time.monotonic() < until:
        pause.wait(0.05)
    return said
