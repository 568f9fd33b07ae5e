"""The canary against a real server: directly, and through a middleman that does to it what must be found."""

import json
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from ingest.canary import CanaryDoor
from tests.live.conftest import COMMAND, Server, environment, in_background, run_doctor
from web.canary import Findings, Plan, fly

WAYS = ["acknowledgement", "run actions", "run page", "search", "sql", "counters"]
PLAN = Plan(seconds=0.5, rate=10, batch=2, late_seconds=60, look_seconds=0.5)
ACTIONS, SEARCH = ("POST", "/api/v1/actions"), ("GET", "/api/v1/actions")


class Middleman(ThreadingHTTPServer):
    """Passes requests on to a server, except that one, the first of a method and path, suffers something."""

    daemon_threads = True

    def __init__(self, url: str, victim: tuple[str, str], fault: "Fault") -> None:
        super().__init__(("127.0.0.1", 0), Passing)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.http = httpx.Client(base_url=url, trust_env=False, timeout=30)
        self._victim = victim
        self._fault = fault
        self._lock = threading.Lock()
        self.suffered: list[bytes] = []

    def fault_for(self, method: str, path: str, body: bytes) -> "Fault | None":
        with self._lock:
            if self.suffered or (method, path.partition("?")[0]) != self._victim:
                return None
            self.suffered.append(body)
            return self._fault


class Passing(BaseHTTPRequestHandler):
    server: Middleman
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._pass()

    def do_POST(self) -> None:
        self._pass()

    def do_PATCH(self) -> None:
        self._pass()

    def _pass(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        fault = self.server.fault_for(self.command, self.path, body)
        if fault is None:
            self.answer(self.forward(body))
        else:
            fault(self, body)

    def forward(self, body: bytes, **headers: str) -> httpx.Response:
        names = ("Content-Type", "Idempotency-Key", "Accept")
        passed = {name: value for name in names if (value := self.headers.get(name)) is not None}
        return self.server.http.request(self.command, self.path, content=body, headers={**passed, **headers})

    def answer(self, response: httpx.Response) -> None:
        self.send_response(response.status_code)
        for name, value in response.headers.items():
            if name.lower() not in ("content-encoding", "content-length", "transfer-encoding", "connection"):
                self.send_header(name.title(), value)
        self.send_header("Content-Length", str(len(response.content)))
        self.end_headers()
        self.wfile.write(response.content)

    def log_message(self, *_: object) -> None:
        """Quiet."""


Fault = Callable[[Passing, bytes], None]


def drop(passing: Passing, body: bytes) -> None:
    """Acknowledged, and never passed on."""
    passing.answer(httpx.Response(200, json={"accepted": body.count(b"\n"), "rejected": 0}))


def double(passing: Passing, body: bytes) -> None:
    passing.forward(body, **{"Idempotency-Key": "another"})
    passing.answer(passing.forward(body))


def hide(passing: Passing, body: bytes) -> None:
    """An answer as if nothing were there."""
    passing.answer(httpx.Response(200, json={"items": [], "next_cursor": None}))


def refuse(passing: Passing, body: bytes) -> None:
    passing.answer(httpx.Response(503, json={"error": {"message": "full"}}, headers={"Retry-After": "1"}))


def fail(passing: Passing, body: bytes) -> None:
    passing.answer(httpx.Response(500, json={"error": {"message": "broken inside"}}))


def lose_acknowledgement(passing: Passing, body: bytes) -> None:
    passing.forward(body)
    passing.connection.shutdown(socket.SHUT_RDWR)
    passing.close_connection = True


@contextmanager
def between(server: Server, victim: tuple[str, str], fault: Fault) -> Iterator[Middleman]:
    with Middleman(server.url, victim, fault) as middleman, middleman.http, in_background(middleman):
        yield middleman


def fly_through(server: Server, victim: tuple[str, str], fault: Fault) -> tuple[Findings, tuple[str, ...]]:
    """What the canary found, and the source ids of the actions that suffered."""
    with between(server, victim, fault) as middleman, CanaryDoor(middleman.url) as door:
        findings = fly(door, PLAN)
    [body] = middleman.suffered
    return findings, tuple(json.loads(line)["source_id"] for line in body.splitlines())


@pytest.fixture
def server(standing: Server) -> Server:
    """Each canary has a run of its own."""
    return standing


def canary(url: str, *arguments: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    return run_doctor("--canary", "--url", url, "--seconds", "0.5", *arguments, folder=folder)


def rows_of(done: "subprocess.CompletedProcess[str]") -> dict[str, dict[str, Any]]:  # rows of several types
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    return {row["way"]: row for row in rows}


def test_the_canary_of_a_well_server_sees_every_action_by_every_way(server: Server, tmp_path: Path) -> None:
    done = canary(server.url, "--late", "60", "--batch", "3", folder=tmp_path)

    rows = rows_of(done)
    assert (done.returncode, list(rows)) == (0, WAYS)
    assert {way: (row["actions"], row["missing"], row["doubled"], row["late"]) for way, row in rows.items()} == {
        way: (15, 0, 0, 0) for way in WAYS
    }
    assert all(row["p50_ms"] <= row["p95_ms"] <= row["max_ms"] for row in [*rows.values()][:-1])
    assert "all is well" in done.stderr


def test_a_run_of_the_canary_is_marked_and_finished(server: Server, http: httpx.Client, tmp_path: Path) -> None:
    done = canary(server.url, "--late", "60", folder=tmp_path)

    run = http.get("/api/v1/runs").json()["items"][0]
    assert run["run_id"] == rows_of(done)["search"]["run_id"]
    assert run["run_id"].startswith("canary-")
    assert (run["integration"], run["progress"], run["processed"]) == ("synclog-canary", "FINISHED", 5)
    sources = {action["source_id"] for action in http.get(f"/api/v1/runs/{run['run_id']}/actions").json()["items"]}
    assert len(sources) == 5


def test_without_a_url_the_canary_has_a_server_of_its_own_over_the_data_folder(tmp_path: Path) -> None:
    (tmp_path / "synclog-data").mkdir()

    done = run_doctor("--canary", "--seconds", "0.5", "--late", "60", folder=tmp_path)
    runs = subprocess.run([*COMMAND, "runs"], capture_output=True, text=True, env=environment(), cwd=tmp_path)

    assert (done.returncode, len(rows_of(done))) == (0, len(WAYS))
    assert json.loads(runs.stdout)["run_id"] == rows_of(done)["sql"]["run_id"]


def test_a_dropped_action_is_missing_by_every_way_and_fails_the_command(server: Server, tmp_path: Path) -> None:
    with between(server, ACTIONS, drop) as middleman:
        done = canary(middleman.url, "--late", "60", folder=tmp_path)

    rows = rows_of(done)
    lost = json.loads(middleman.suffered[0])["source_id"]
    assert done.returncode == 1
    assert {way: row["missing"] for way, row in rows.items()} == {way: int(way != WAYS[0]) for way in WAYS}
    assert [rows[way]["missing_ids"] for way in WAYS[1:5]] == [[lost]] * 4
    assert f"1 action missing in the search across runs though acknowledged: {lost}" in done.stderr
    assert "not well" in done.stderr


def test_a_doubled_request_is_doubled_by_every_way(server: Server) -> None:
    findings, suffered = fly_through(server, ACTIONS, double)

    assert [each.doubled for each in findings.sightings] == [suffered] * 4
    assert [each.missing for each in findings.sightings] == [()] * 4
    assert (findings.processed, findings.acknowledged) == (12, 10)
    assert not findings.is_well


def test_what_is_not_there_at_the_first_look_is_late_and_not_missing(server: Server) -> None:
    with between(server, SEARCH, hide) as middleman, CanaryDoor(middleman.url) as door:
        findings = fly(door, PLAN)

    late = {each.way: len(each.late) for each in findings.sightings}
    assert {way: bool(count) for way, count in late.items()} == {way: way == "search" for way in WAYS[1:5]}
    assert [each.missing for each in findings.sightings] == [()] * 4
    assert not findings.is_well


def test_a_slow_acknowledgement_is_late(server: Server, tmp_path: Path) -> None:
    done = canary(server.url, "--late", "0.000001", folder=tmp_path)

    rows = rows_of(done)
    assert (done.returncode, rows["acknowledgement"]["late"], rows["sql"]["late"]) == (1, 5, 0)
    assert "5 actions acknowledged later than < 1 ms" in done.stderr


def test_being_told_to_wait_is_counted_and_nothing_is_lost(server: Server) -> None:
    findings, _ = fly_through(server, ACTIONS, refuse)

    assert (findings.troubles.told_to_wait, findings.troubles.waited_seconds) == (1, 1.0)
    assert (findings.acknowledged, findings.processed) == (10, 10)
    assert findings.is_well


def test_a_lost_acknowledgement_is_fetched_again_and_doubles_nothing(server: Server) -> None:
    findings, _ = fly_through(server, ACTIONS, lose_acknowledgement)

    assert findings.troubles.broken.total() == 1
    assert (findings.acknowledged, findings.processed) == (10, 10)
    assert findings.is_well


def test_a_request_that_fails_ends_the_canary_in_words(server: Server) -> None:
    findings, _ = fly_through(server, ACTIONS, fail)

    assert findings.refused is not None
    assert "500: broken inside" in findings.refused
    assert findings.acknowledged < 10
    assert not findings.is_well


def test_nobody_listening_is_a_clear_error(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]

    done = canary(f"http://127.0.0.1:{port}", folder=tmp_path)

    assert (done.returncode, done.stdout) == (1, "")
    assert f"cannot reach http://127.0.0.1:{port}" in done.stderr
    assert "synclog serve" in done.stderr
