"""What goes wrong around the server: the clock, another server, its end. What was acknowledged stays."""

import io
import json
import socket
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from ingest.recorder import Recorder
from tests.builders import all_rows, line, ndjson
from tests.live.conftest import Server, serving

NDJSON = {"Content-Type": "application/x-ndjson"}
LINE = b'{"run_id":"live","integration":"i","operation":"UPDATE"}\n'
REQUEST = (
    b"POST /api/v1/actions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-ndjson\r\n"
    b"Content-Length: %d\r\n\r\n%s" % (len(LINE), LINE)
)


def send(http: httpx.Client, lines: int = 1, **headers: str) -> httpx.Response:
    return http.post("/api/v1/actions", content=LINE * lines, headers={**NDJSON, **headers})


def test_a_clock_that_is_put_back_changes_no_order_and_loses_nothing(tmp_path: Path) -> None:
    now = datetime(2026, 11, 22, 12, tzinfo=UTC)
    recorder = Recorder.open(tmp_path, now=lambda: now)
    for number in range(6):
        recorder.record(ndjson([line(run_id=f"run-{number}", source_id=str(number))]), "ndjson")
        now -= timedelta(days=1) if number == 2 else timedelta(seconds=-1)
    rows = all_rows(recorder)
    runs = [recorder.index.find_run(f"run-{number}") for number in range(6)]

    assert [row["source_id"] for row in rows] == [str(number) for number in range(6)]
    assert len({row["batch_id"] for row in rows}) == 6
    assert recorder.reindex() == 6
    assert [recorder.index.find_run(f"run-{number}") for number in range(6)] == runs
    recorder.close()


def test_a_run_goes_on_when_the_clock_was_put_back_between_two_starts(tmp_path: Path) -> None:
    """Ids of the second start are older; what the run came to must not depend on their order."""
    now = datetime(2026, 11, 22, 12, tzinfo=UTC)
    for number, moment in enumerate((now, now - timedelta(days=1))):
        recorder = Recorder.open(tmp_path, now=lambda moment=moment: moment)  # type: ignore[misc]
        recorder.record(ndjson([line(source_id=str(number))]), "ndjson", idempotency_key=f"k{number}")
        recorder.close()
    recorder = Recorder.open(tmp_path)
    before = recorder.index.find_run("nightly")

    recorder.reindex()

    assert recorder.index.find_run("nightly") == before
    assert sorted(row["source_id"] for row in all_rows(recorder)) == ["0", "1"]
    for number in range(2):
        assert recorder.record(ndjson([line(source_id=str(number))]), "ndjson", idempotency_key=f"k{number}").repeated
    recorder.close()


def test_two_servers_on_one_folder_lose_and_double_nothing(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with serving(data) as one, serving(data) as two:

        def send_ten(sender: int) -> int:
            server = (one, two)[sender % 2]
            with httpx.Client(base_url=server.url, trust_env=False, timeout=60) as http:
                return sum(send(http, 1 + 2000 * (number % 5 == 0)).json()["accepted"] for number in range(10))

        with ThreadPoolExecutor(12) as senders:
            acknowledged = sum(senders.map(send_ten, range(12)))
        shown = [
            httpx.get(f"{server.url}/api/v1/runs/live", trust_env=False).json()["processed"] for server in (one, two)
        ]

    assert shown == [acknowledged] * 2
    recorder = Recorder.open(data)
    rows = all_rows(recorder)
    assert len({(row["batch_id"], row["row"]) for row in rows}) == len(rows) == acknowledged
    recorder.close()


class Overtaken(io.BytesIO):
    """A body during whose reading something else happens first."""

    def __init__(self, body: bytes, first: Callable[[], object]) -> None:
        super().__init__(body)
        self._first: Callable[[], object] | None = first

    def read(self, size: int | None = -1, /) -> bytes:
        first, self._first = self._first, None
        if first is not None:
            first()
        return super().read(size)


@pytest.mark.parametrize("lines", [1, 5000])
def test_a_key_sent_to_two_processes_at_once_counts_once(tmp_path: Path, lines: int) -> None:
    one, two = Recorder.open(tmp_path), Recorder.open(tmp_path)
    winners = []

    def win() -> None:
        winners.append(one.record(io.BytesIO(LINE * lines), "ndjson", idempotency_key="k"))

    loser = two.record(Overtaken(LINE * lines, win), "ndjson", idempotency_key="k")

    (winner,) = winners
    assert (winner.repeated, loser.repeated) == (False, True)
    assert (winner.batch_id, winner.accepted) == (loser.batch_id, loser.accepted)
    assert len(all_rows(one)) == lines
    assert one.reindex() == 1
    one.close()
    two.close()


class Sender(threading.Thread):
    """Sends one action after the other and keeps how it ended."""

    def __init__(self, server: Server) -> None:
        super().__init__()
        self._address = ("127.0.0.1", int(server.url.rpartition(":")[2]))
        self.acknowledged = 0
        self.statuses: Counter[int] = Counter()
        self.broken_answers = 0

    def run(self) -> None:
        with suppress(OSError), socket.create_connection(self._address, timeout=60) as connection:
            while True:
                connection.sendall(REQUEST)
                answer = self._read_answer(connection)
                if answer is None:
                    return
                status, body = answer
                self.statuses[status] += 1
                self.acknowledged += json.loads(body)["accepted"] if status == 200 else 0

    def _read_answer(self, connection: socket.socket) -> tuple[int, bytes] | None:
        with connection.makefile("rb") as stream:
            status = stream.readline()
            if not status:
                return None
            headers = dict(name.lower().split(b": ", 1) for name in iter(stream.readline, b"\r\n") if b": " in name)
            size = int(headers.get(b"content-length", -1))
            body = stream.read(size)
        if len(body) != size:
            self.broken_answers += 1
            return None
        return int(status.split()[1]), body


def test_a_stop_under_load_keeps_what_was_acknowledged_and_breaks_no_answer(tmp_path: Path) -> None:
    with serving(tmp_path / "data") as server:
        senders = [Sender(server) for _ in range(32)]
        for sender in senders:
            sender.start()
        while sum(sender.acknowledged for sender in senders) < 500:
            threading.Event().wait(0.01)

        assert server.stop() == 0
        for sender in senders:
            sender.join(60)

    acknowledged = sum(sender.acknowledged for sender in senders)
    with serving(tmp_path / "data") as server:
        shown = httpx.get(f"{server.url}/api/v1/runs/live", trust_env=False).json()["processed"]

    assert sum(sender.broken_answers for sender in senders) == 0
    assert {status for sender in senders for status in sender.statuses} <= {200, 503}
    # An answer may be lost with its connection; what it would have acknowledged is there all the same.
    assert acknowledged <= shown <= acknowledged + len(senders)
