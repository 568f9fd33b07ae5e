"""The server as a process: how it starts, what it survives, how it stops."""

import contextlib
import ctypes
import json
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.live.conftest import COMMAND, Server, environment, serving

LINE = b'{"run_id":"live","integration":"i","operation":"UPDATE"}\n'
NDJSON = {"Content-Type": "application/x-ndjson"}


def processed(http: httpx.Client, run_id: str = "live") -> int:
    count: int = http.get(f"/api/v1/runs/{run_id}").json()["processed"]
    return count


def test_what_was_acknowledged_is_there_after_a_restart(tmp_path: Path) -> None:
    with serving(tmp_path / "data") as server:
        assert httpx.post(f"{server.url}/api/v1/actions", content=LINE, headers=NDJSON, trust_env=False).is_success
        assert server.stop() == 0

    with serving(tmp_path / "data") as server:
        assert httpx.get(f"{server.url}/api/v1/runs/live", trust_env=False).json()["processed"] == 1


def test_what_was_acknowledged_survives_a_kill(tmp_path: Path) -> None:
    with serving(tmp_path / "data") as server:
        with httpx.Client(base_url=server.url, trust_env=False) as http:
            acknowledged = sum(
                http.post("/api/v1/actions", content=LINE, headers=NDJSON).json()["accepted"] for _ in range(20)
            )
        server.process.kill()

    with serving(tmp_path / "data") as server, httpx.Client(base_url=server.url, trust_env=False) as http:
        assert processed(http) == acknowledged == 20


def test_stopping_finishes_what_is_under_way(tmp_path: Path) -> None:
    with serving(tmp_path / "data") as server:
        with expecting_connection(server) as connection:
            server.process.terminate()
            wait_until_closed(server)

            connection.sendall(LINE)
            answer = connection.recv(1000)
        assert server.process.wait(timeout=30) == 0

    with serving(tmp_path / "data") as server, httpx.Client(base_url=server.url, trust_env=False) as http:
        assert answer.startswith(b"HTTP/1.1 200")
        assert processed(http) == 1


@contextmanager
def expecting_connection(server: Server) -> Iterator[socket.socket]:
    """A connection on which the server has begun to answer a request and waits for its body."""
    head = (
        "POST /api/v1/actions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-ndjson\r\n"
        f"Content-Length: {len(LINE)}\r\nExpect: 100-continue\r\n\r\n"
    )
    with socket.create_connection(address_of(server), timeout=10) as connection:
        connection.sendall(head.encode())
        assert connection.recv(1000).startswith(b"HTTP/1.1 100")
        yield connection


def wait_until_closed(server: Server) -> None:
    """Until the server takes no more connections."""
    with contextlib.suppress(ConnectionRefusedError, ConnectionResetError):
        while True:
            socket.create_connection(address_of(server), timeout=10).close()


def address_of(server: Server) -> tuple[str, int]:
    return "127.0.0.1", int(server.url.rpartition(":")[2])


def test_an_interrupt_stops_it_as_well(server: Server) -> None:
    server.process.send_signal(signal.SIGINT)

    assert server.process.wait(timeout=30) == 0


def test_a_signal_that_another_thread_is_given_stops_it_as_well(server: Server) -> None:
    pid = server.process.pid
    others = [int(task.name) for task in Path(f"/proc/{pid}/task").iterdir() if int(task.name) != pid]

    ctypes.CDLL(None).tgkill(pid, others[-1], signal.SIGTERM)

    assert server.process.wait(timeout=30) == 0


def test_listeners_do_not_keep_it_from_stopping(server: Server, http: httpx.Client) -> None:
    http.post("/api/v1/runs", json={"integration": "i", "run_id": "live"})
    with http.stream("GET", "/api/v1/runs/live/events") as events:
        assert next(events.iter_lines()) == "retry: 1000"
        begun = time.monotonic()

        assert server.stop() == 0
        assert time.monotonic() - begun < 10


def test_it_says_nothing_but_its_address(server: Server, http: httpx.Client) -> None:
    http.get("/api/v1/runs/nowhere")
    server.stop()

    assert server.process.stdout is not None
    assert server.process.stderr is not None
    assert (server.process.stdout.read(), server.process.stderr.read()) == ("", "")


def test_a_port_that_is_taken_is_a_clear_error(standing: Server, tmp_path: Path) -> None:
    port = standing.url.rpartition(":")[2]

    second = subprocess.run(
        [*COMMAND, "--data", str(tmp_path / "other"), "serve", "--port", port],
        capture_output=True,
        text=True,
        env=environment(),
        timeout=60,
    )

    assert (second.returncode, second.stdout) == (2, "")
    assert f"port {port}" in second.stderr
    assert "--port" in second.stderr


def test_many_senders_at_once_are_all_counted(server: Server) -> None:
    def send(sender: int) -> int:
        with httpx.Client(base_url=server.url, trust_env=False, timeout=60) as own:
            return sum(own.post("/api/v1/actions", content=LINE, headers=NDJSON).json()["accepted"] for _ in range(10))

    with ThreadPoolExecutor(64) as senders:
        acknowledged = sum(senders.map(send, range(64)))

    with httpx.Client(base_url=server.url, trust_env=False) as http:
        assert processed(http) == acknowledged == 640


def test_a_sender_that_hangs_up_half_way_leaves_no_trace(server: Server, http: httpx.Client) -> None:
    head = b"POST /api/v1/actions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-ndjson\r\n"
    for framing in (
        b"Content-Length: 5000\r\n\r\n" + LINE,
        b"Transfer-Encoding: chunked\r\n\r\n10\r\n" + LINE[:16] + b"\r\n",
    ):
        with socket.create_connection(address_of(server)) as connection:
            connection.sendall(head + framing)

    assert http.get("/healthz").is_success
    assert http.get("/api/v1/runs").json()["items"] == []


def test_a_chunked_body_whose_sender_hung_up_before_its_end_is_not_recorded(server: Server, http: httpx.Client) -> None:
    """Half closed, so that the answer can be read."""
    head = b"POST /api/v1/actions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-ndjson\r\n"
    with socket.create_connection(address_of(server)) as connection:
        connection.sendall(head + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n" % len(LINE) + LINE + b"\r\n")
        connection.shutdown(socket.SHUT_WR)

        assert connection.recv(1000).startswith(b"HTTP/1.1 503")
    assert http.get("/api/v1/runs").json()["items"] == []


def test_a_sender_that_expects_100_is_not_kept_waiting(standing: Server) -> None:
    with expecting_connection(standing) as connection:
        connection.sendall(LINE)

        assert connection.recv(1000).startswith(b"HTTP/1.1 200")


def test_a_chunked_body_is_taken(standing: Server) -> None:
    answer = httpx.post(
        f"{standing.url}/api/v1/actions",
        content=iter([LINE, LINE[:10], LINE[10:]]),
        headers=NDJSON,
        trust_env=False,
        timeout=30,
    )

    assert answer.json()["accepted"] == 2


def test_a_body_over_the_limit_is_answered_while_it_is_being_sent(standing: Server) -> None:
    answer = httpx.post(
        f"{standing.url}/api/v1/actions",
        content=(b" " * 1_000_000 for _ in range(300)),
        headers=NDJSON,
        trust_env=False,
        timeout=30,
    )

    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "too-large")


def test_events_follow_a_run_to_its_end(server: Server, http: httpx.Client) -> None:
    http.post("/api/v1/runs", json={"integration": "i", "run_id": "live"})
    seen = []
    with http.stream("GET", "/api/v1/runs/live/events") as events:
        for line in events.iter_lines():
            if line.startswith("data: "):
                run = json.loads(line.removeprefix("data: "))
                seen.append((run["progress"], run["processed"]))
                with httpx.Client(base_url=server.url, trust_env=False) as other:
                    if seen == [("RUNNING", 0)]:
                        other.post("/api/v1/actions", content=LINE, headers=NDJSON)
                    elif run["progress"] == "RUNNING":
                        other.patch("/api/v1/runs/live", json={"progress": "FINISHED"})

    assert seen == [("RUNNING", 0), ("RUNNING", 1), ("FINISHED", 1), ("FINISHED", 1)]


def test_the_demo_fills_a_fresh_folder_and_says_what_to_look_at(tmp_path: Path) -> None:
    with serving(tmp_path / "demo", "demo") as server:
        runs = httpx.get(f"{server.url}/api/v1/runs", trust_env=False).json()["items"]
        server.stop()
        assert server.process.stderr is not None
        said = server.process.stderr.read()

    failed = next(run for run in runs if run["run_id"] == "docs-3-failed")
    assert {"docs-1-first", "docs-2-changes", "docs-3-failed"} < {run["run_id"] for run in runs}
    assert (failed["status"], failed["creates"], failed["unchanged"]) == ("ERROR", 2, 4116)
    assert f"{server.url}/runs/docs-3-failed" in said
