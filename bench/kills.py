"""SIGKILL to the server in the middle of uploads, again and again: what was acknowledged is there, exactly once.

This shows what a dying process loses. That files and folders are synced before the answer, which only a power cut
would show, is not measured here.

The sender does what a careful sender does: an idempotency key with every request, and the same request again when no
answer came. The server is started again after each kill with nothing else done to its data folder.
"""

import http.client
import json
import random
import shutil
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from bench.result import Measurement, Section
from bench.server import HOST, Server, free_port, start

KILLS = 30
SENDERS = 4
SIZES = (1, 20, 2_000, 20_000)  # actions a request, one size a sender
LONGEST_LIFE = 0.6  # seconds from the first request after a start to the kill
SEED = 20_260_601


@dataclass(slots=True, kw_only=True)
class Sender:
    """One sender with its own run: sends until told to stop, remembers what was acknowledged."""

    number: int
    port: int
    size: int
    acknowledged: int = 0
    requests: int = 0
    cut_off: int = 0
    failures: list[str] = field(default_factory=list)

    @property
    def run_id(self) -> str:
        return f"kills-{self.number}"

    def send_until(self, stop: threading.Event) -> None:
        """A request under way when the stop comes is still brought to its acknowledgement."""
        while not stop.is_set() and not self.failures:
            self._deliver(self.requests)
            self.requests += 1

    def _deliver(self, request: int) -> None:
        body = self._body(request)
        headers = {"Content-Type": "application/x-ndjson", "Idempotency-Key": f"{self.run_id}-{request}"}
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            try:
                status, answer = self._post(body, headers)
            except ConnectionRefusedError:  # the server is not up again yet
                time.sleep(0.01)
                continue
            except (OSError, http.client.HTTPException):
                self.cut_off += 1
                continue
            if status == 200 and answer["accepted"] == self.size:
                self.acknowledged += self.size
            else:
                self.failures.append(f"{self.run_id} request {request}: {status} {json.dumps(answer)[:500]}")
            return
        self.failures.append(f"{self.run_id} request {request}: not taken within two minutes")

    def _post(self, body: bytes, headers: dict[str, str]) -> tuple[int, dict]:
        connection = http.client.HTTPConnection(HOST, self.port, timeout=60)
        try:
            connection.request("POST", "/api/v1/actions", body, headers)
            response = connection.getresponse()
            return response.status, json.loads(response.read())
        finally:
            connection.close()

    def _body(self, request: int) -> bytes:
        first = request * self.size
        return b"".join(
            b'{"run_id":"%s","integration":"kills","operation":"UPDATE","source_id":"%d","message":"record %d"}\n'
            % (self.run_id.encode(), number, number)
            for number in range(first, first + self.size)
        )


def measure(scratch: Path) -> Section:
    data, port = scratch / "killed", free_port()
    senders = [Sender(number=n, port=port, size=SIZES[n % len(SIZES)]) for n in range(SENDERS)]
    starts = _kill_again_and_again(data, port, senders)
    failures = [failure for sender in senders for failure in sender.failures]
    if failures:
        raise RuntimeError("\n".join(failures))
    server = start(data, port=port)
    lost, doubled = _compare(server, senders)
    server.stop()
    for derived in data.glob("index.sqlite*"):
        derived.unlink()
    server = start(data, port=port)
    lost_rebuilt, doubled_rebuilt = _compare(server, senders)
    server.stop()
    shutil.rmtree(data)
    acknowledged = sum(sender.acknowledged for sender in senders)
    return Section(
        subject="kills",
        title="Killed while taking actions",
        setting=(
            f"SIGKILL to the server {KILLS} times at random moments (seed {SEED}) while {SENDERS} senders upload "
            f"requests of {', '.join(f'{size:,}' for size in SIZES)} actions with idempotency keys "
            "and send again what was not acknowledged. Nothing but starting it again is done in between."
        ),
        measurements=(
            Measurement(
                name="actions acknowledged",
                value=f"{acknowledged:,}",
                note=(
                    f"{sum(s.requests for s in senders):,} requests; {sum(s.cut_off for s in senders):,} times one was "
                    "cut off under way and sent again"
                ),
            ),
            Measurement(name="acknowledged and lost", value=f"{lost:,}", target="0"),
            Measurement(name="there more than once", value=f"{doubled:,}", target="0"),
            Measurement(
                name="lost or doubled after the index was deleted",
                value=f"{lost_rebuilt + doubled_rebuilt:,}",
                target="0",
                note="rebuilt from batch footers at the next start",
            ),
            Measurement(
                name="answers again after a kill, slowest",
                value=f"{max(starts):.1f} s",
                note=f"fastest {min(starts):.1f} s, start of the process included; {KILLS} of {KILLS} by itself",
            ),
        ),
    )


def _kill_again_and_again(data: Path, port: int, senders: list[Sender]) -> list[float]:
    """Seconds each start took. At the end all senders have brought their last request home."""
    chance = random.Random(SEED)
    stop = threading.Event()
    threads = [threading.Thread(target=sender.send_until, args=(stop,)) for sender in senders]
    starts: list[float] = []
    server = start(data, port=port)
    for thread in threads:
        thread.start()
    try:
        for _ in range(KILLS):
            time.sleep(chance.uniform(0.0, LONGEST_LIFE))
            server.kill()
            begun = time.monotonic()
            server = start(data, port=port)
            starts.append(time.monotonic() - begun)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
        server.kill()
    return starts


def _compare(server: Server, senders: list[Sender]) -> tuple[int, int]:
    """How many acknowledged actions are missing, and how many are there more than once."""
    lost = doubled = 0
    for sender in senders:
        answer = server.ask("GET", f"/api/v1/runs/{sender.run_id}/actions.ndjson")
        if answer.status != 200:
            raise RuntimeError(f"{sender.run_id}: {answer.status} {answer.body[:500].decode(errors='replace')}")
        times = Counter(json.loads(line)["source_id"] for line in answer.body.splitlines())
        lost += sum(str(number) not in times for number in range(sender.acknowledged))
        doubled += sum(count - 1 for count in times.values())
        counted = server.ask("GET", f"/api/v1/runs/{sender.run_id}").json()["processed"]
        if counted != sum(times.values()):
            raise RuntimeError(f"{sender.run_id}: counters say {counted}, rows {sum(times.values())}")
    return lost, doubled
