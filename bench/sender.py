"""Many senders of single actions from one process: raw sockets and epoll, because it shares the cores with the server.

Run as ``python -m bench.sender PORT PATH SENDERS ACTIONS``; prints one JSON object.
"""

import json
import selectors
import socket
import subprocess
import sys
import time
from dataclasses import dataclass

import numpy as np

from bench.generate import Generator, Workload, ndjson
from bench.server import HOST


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How long single actions took to be acknowledged, and how many were."""

    acknowledged: int
    seconds: float
    median_ms: float
    p95_ms: float
    p99_ms: float
    slowest_ms: float


def run_senders(port: int, path: str, *, senders: int, actions: int) -> Outcome:
    """The senders in a process of their own."""
    command = [sys.executable, "-m", "bench.sender", str(port), path, str(senders), str(actions)]
    done = subprocess.run(command, check=True, capture_output=True, timeout=600)
    return Outcome(**json.loads(done.stdout))


def requests(path: str, actions: int) -> list[bytes]:
    """One whole HTTP request for each action."""
    workload = Workload(actions=actions, runs=1, records=10_000, seed=77)
    table = Generator(workload).table(0, actions).drop_columns(["run_id"])
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {HOST}\r\nContent-Type: application/x-ndjson\r\n"
        "Accept: application/json\r\nContent-Length: "
    ).encode()
    return [b"%s%d\r\n\r\n%s" % (head, len(line), line) for line in ndjson(table).splitlines()]


def send_all(port: int, requests: list[bytes], *, senders: int) -> Outcome:
    """Each sender keeps one connection and has one request under way."""
    waiting = iter(requests)
    taken_seconds: list[float] = []
    with selectors.EpollSelector() as selector:
        for _ in range(senders):
            connection = socket.create_connection((HOST, port), timeout=60)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            selector.register(connection, selectors.EVENT_READ, [0.0])
        begun = time.perf_counter()
        busy = sum(_send_next(key.fileobj, key.data, waiting) for key in list(selector.get_map().values()))
        while busy:
            for key, _ in selector.select(timeout=60):
                _check_answer(key.fileobj)
                taken_seconds.append(time.perf_counter() - key.data[0])
                busy -= not _send_next(key.fileobj, key.data, waiting)
        seconds = time.perf_counter() - begun
        for key in list(selector.get_map().values()):
            key.fileobj.close()
    return _outcome(taken_seconds, seconds)


def _send_next(connection: socket.socket, sent_at: list[float], waiting) -> bool:
    request = next(waiting, None)
    if request is None:
        return False
    sent_at[0] = time.perf_counter()
    connection.sendall(request)
    return True


def _check_answer(connection: socket.socket) -> None:
    """Reads one answer to its end and insists on 200."""
    answer = connection.recv(65_536)
    while b"\r\n\r\n" not in answer:
        answer += _more(connection)
    head, _, body = answer.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200"):
        raise RuntimeError(answer[:2000].decode(errors="replace"))
    length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
    while len(body) < length:
        body += _more(connection)


def _more(connection: socket.socket) -> bytes:
    received = connection.recv(65_536)
    if not received:
        raise RuntimeError("the server hung up")
    return received


def _outcome(taken_seconds: list[float], seconds: float) -> Outcome:
    median, p95, p99 = np.percentile(np.array(taken_seconds) * 1000, [50, 95, 99])
    return Outcome(
        acknowledged=len(taken_seconds),
        seconds=seconds,
        median_ms=float(median),
        p95_ms=float(p95),
        p99_ms=float(p99),
        slowest_ms=max(taken_seconds) * 1000,
    )


def main() -> None:
    port, path, senders, actions = sys.argv[1:]
    outcome = send_all(int(port), requests(path, int(actions)), senders=int(senders))
    print(json.dumps({name: getattr(outcome, name) for name in Outcome.__slots__}))


if __name__ == "__main__":
    main()
