"""Senders as careful as a sender should be: each remembers what was acknowledged and sends the rest again.

Every action, accepted or refused, has a ``source_id`` of its own: a whole number that tells sender, request and line.
"""

import http.client
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

Ids = npt.NDArray[np.int64]

HOST = "127.0.0.1"
APART = 10**9  # more actions than one sender ever sends
GIVES_UP_AFTER = 120.0  # seconds for one request, over all the times it is sent
PAUSE = 0.01  # seconds before a request is sent again
NDJSON = {"Content-Type": "application/x-ndjson"}
TRY_AGAIN = {429, 503}


class Gate:
    """Where servers are, and whether senders may go to them now."""

    def __init__(self) -> None:
        self.stopping = threading.Event()
        self._changed = threading.Condition()
        self._ports: tuple[int, ...] = ()
        self._senders = 0
        self._waiting = 0

    def open(self, *ports: int) -> None:
        with self._changed:
            self._ports = ports
            self._changed.notify_all()

    def close(self) -> None:
        """Let nobody pass, and return when every sender waits or has ended."""
        with self._changed:
            self._ports = ()
            if not self._changed.wait_for(lambda: self._waiting == self._senders, GIVES_UP_AFTER):
                raise TimeoutError("a sender hangs")

    @contextmanager
    def passing(self) -> Iterator[None]:
        """The life of a sender."""
        with self._changed:
            self._senders += 1
        try:
            yield
        finally:
            with self._changed:
                self._senders -= 1
                self._changed.notify_all()

    def wait(self) -> tuple[int, ...]:
        """The ports, once the gate is open."""
        with self._changed:
            self._waiting += 1
            self._changed.notify_all()
            is_open = self._changed.wait_for(lambda: self._ports, GIVES_UP_AFTER)
            self._waiting -= 1
            if not is_open:
                raise TimeoutError("the gate stayed closed")
            return self._ports


class NotTaken(Exception):
    """An answer a careful sender cannot make good by sending again."""


@dataclass(slots=True, kw_only=True)
class Sender:
    """Sends requests of one size, one after the other, until told to stop.

    Without a key a request that was cut off is not sent again: nobody could say whether it counts. ``refused`` lines
    of each request are unacceptable. ``tells_runs`` announces a run for each request and says that it has finished.
    """

    number: int
    size: int
    gate: Gate
    has_key: bool = True
    refused: int = 0
    tells_runs: bool = False
    rest: float = 0.06  # seconds after a request, so that a lake stays small enough to be read after every kill
    begun: int = 0
    acknowledged: list[int] = field(default_factory=list)
    cut_off: int = 0
    put_off: int = 0
    failures: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        return f"sender-{self.number}"

    @property
    def first_id(self) -> int:
        return self.number * APART

    @property
    def accepted(self) -> int:
        return self.size - self.refused

    def run_id(self, request: int) -> str:
        return f"{self.name}-{request}" if self.tells_runs else self.name

    def ids_of(self, requests: list[int]) -> tuple[Ids, Ids]:
        """The actions of requests, and their refused lines."""
        firsts = np.array(requests, np.int64)[:, None] * self.size + self.first_id
        ids = firsts + np.arange(self.size, dtype=np.int64)
        return ids[:, self.refused :].ravel(), ids[:, : self.refused].ravel()

    def send_until_stopped(self) -> None:
        """A request under way when the stop comes is still brought to its end."""
        with self.gate.passing():
            try:
                while not self.gate.stopping.is_set():
                    request = self.begun
                    self.begun += 1
                    if self._deliver(request):
                        self.acknowledged.append(request)
                    self.gate.stopping.wait(self.rest)
            except Exception as error:  # a thread's own is seen by nobody
                self.failures.append(f"{self.name} request {self.begun - 1}: {error!r}")

    def _deliver(self, request: int) -> bool:
        run = f"/api/v1/runs/{self.run_id(request)}"
        if self.tells_runs:
            announcement = {"run_id": self.run_id(request), "integration": "crash", "expected": self.accepted}
            self._send("POST", "/api/v1/runs", json.dumps(announcement).encode(), {}, {200, 201})
        headers = NDJSON | ({"Idempotency-Key": f"{self.name}-{request}"} if self.has_key else {})
        answer = self._send("POST", f"{run}/actions", self.body(request), headers, {200} if self.accepted else {422})
        if answer is None:
            return False
        if (answer["accepted"], answer["rejected"]) != (self.accepted, self.refused):
            raise NotTaken(json.dumps(answer)[:500])
        if self.tells_runs:
            change = {"progress": "FINISHED", "claimed": {"processed": self.accepted}}
            self._send("PATCH", run, json.dumps(change).encode(), {}, {200})
        return True

    def body(self, request: int) -> bytes:
        first = self.first_id + request * self.size
        return b"".join(
            b'{"integration":"crash","operation":"UPDATE","status":"%s","source_id":"%d","message":"record %d"}\n'
            % (b"purple" if line < self.refused else b"OK", first + line, first + line)
            for line in range(self.size)
        )

    def _send(self, method: str, path: str, body: bytes, headers: dict[str, str], fine: set[int]) -> Any:
        """The answer, as JSON; None when the request was cut off and must not be sent again."""
        tries = int(GIVES_UP_AFTER / PAUSE)
        for number in range(self.number, self.number + tries):
            ports = self.gate.wait()
            try:
                status, answer = _ask(ports[number % len(ports)], method, path, body, headers)
            except ConnectionRefusedError:
                self.gate.stopping.wait(PAUSE)  # dead, and the gate not closed yet
                continue
            except (OSError, http.client.HTTPException):
                self.cut_off += 1
                if not (self.has_key or self.tells_runs):
                    return None
                continue
            if status in fine:
                return answer
            if status not in TRY_AGAIN:
                raise NotTaken(f"{status} {json.dumps(answer)[:500]}")
            self.put_off += 1
            self.gate.stopping.wait(PAUSE)
        raise NotTaken(f"not answered in {tries} tries")


def _ask(port: int, method: str, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, Any]:
    connection = http.client.HTTPConnection(HOST, port, timeout=60)
    try:
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()


def crowd(gate: Gate) -> list[Sender]:
    """One of each kind."""
    kinds: tuple[Callable[[int], Sender], ...] = (
        lambda n: Sender(number=n, gate=gate, size=1),
        lambda n: Sender(number=n, gate=gate, size=20, refused=2),
        lambda n: Sender(number=n, gate=gate, size=3, refused=3),
        lambda n: Sender(number=n, gate=gate, size=5, tells_runs=True),
        lambda n: Sender(number=n, gate=gate, size=1_000, refused=1, rest=0.25),
        lambda n: Sender(number=n, gate=gate, size=1, has_key=False),
        lambda n: Sender(number=n, gate=gate, size=1_200, has_key=False, rest=0.25),
    )
    return [kind(number) for number, kind in enumerate(kinds, start=1)]
