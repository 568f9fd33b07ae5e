"""The HTTP client against real servers: the one it is for, and one that is in trouble."""

import io
import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from ingest.client import RemoteRecorder
from ingest.errors import DeliveryFailed
from ingest.recorder import LineDefaults
from tests.live.conftest import COMMAND, Server, environment, in_background

LINES = b'{"operation":"UPDATE","source_id":"a1"}\n{"operation":"FROB"}\n'
RECEIPT = {"batch_id": "b", "accepted": 1, "rejected": 0, "rejects": [], "runs": [{"run_id": "r", "accepted": 1}]}


class Troubled(ThreadingHTTPServer):
    """Gives the answers it was told, one after the other, and remembers what it was sent."""

    def __init__(self, answers: list[tuple[int, dict[str, str]] | None]) -> None:
        super().__init__(("127.0.0.1", 0), Answering)
        self.answers = answers
        self.keys: list[str | None] = []
        self.bodies: list[bytes] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Answering(BaseHTTPRequestHandler):
    server: Troubled

    def do_POST(self) -> None:
        self.server.keys.append(self.headers["Idempotency-Key"])
        self.server.bodies.append(self._read_chunks())
        answer = self.server.answers.pop(0)
        if answer is None:
            self.close_connection = True
            return
        status, headers = answer
        body = json.dumps(RECEIPT if status == 200 else {"error": {"message": "in trouble"}}).encode()
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def _read_chunks(self) -> bytes:
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def log_message(self, *_: object) -> None:
        """Quiet."""


@contextmanager
def troubled(*answers: tuple[int, dict[str, str]] | None) -> Iterator[Troubled]:
    with Troubled(list(answers)) as server, in_background(server):
        yield server


def test_the_receipt_of_a_server_is_that_of_a_recorder(standing: Server) -> None:
    with RemoteRecorder(standing.url) as remote:
        receipt = remote.record(
            io.BytesIO(LINES), "ndjson", defaults=LineDefaults(run_id="r", integration="i"), idempotency_key="k"
        )
        again = remote.record(
            io.BytesIO(LINES), "ndjson", defaults=LineDefaults(run_id="r", integration="i"), idempotency_key="k"
        )

    assert (receipt.accepted, receipt.rejected, receipt.repeated) == (1, 1, False)
    assert receipt.rejects[0].line == 2
    assert (again.accepted, again.repeated) == (1, True)


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_server_in_trouble_is_asked_again_with_the_same_key_and_body(status: int) -> None:
    waits: list[float] = []
    with troubled((status, {"Retry-After": "3"}), (status, {}), (200, {})) as server:
        receipt = RemoteRecorder(server.url, sleep=waits.append).record(io.BytesIO(LINES), "ndjson")

    assert receipt.accepted == 1
    assert server.bodies == [LINES] * 3
    assert len(set(server.keys)) == 1
    assert waits[0] == 3.0
    assert 0 < waits[1] < 1


def test_a_connection_that_breaks_is_tried_again() -> None:
    with troubled(None, (200, {})) as server:
        receipt = RemoteRecorder(server.url, sleep=lambda _: None).record(io.BytesIO(LINES), "ndjson")

    assert receipt.accepted == 1
    assert len(set(server.keys)) == 1


@pytest.mark.parametrize("status", [302, 400, 401, 404, 409, 413, 500])
def test_what_would_not_help_again_is_raised_at_once(status: int) -> None:
    with troubled((status, {})) as server, pytest.raises(DeliveryFailed, match=f"{status}: in trouble"):
        RemoteRecorder(server.url).record(io.BytesIO(LINES), "ndjson")


def test_patience_ends_in_an_error_that_says_so() -> None:
    with troubled((503, {}), (503, {})) as server, pytest.raises(DeliveryFailed, match="tried 2 times"):
        RemoteRecorder(server.url, attempts=2, sleep=lambda _: None).record(io.BytesIO(LINES), "ndjson")


@pytest.mark.parametrize("url", ["nonsense", "http://127.0.0.1:1", "ftp://127.0.0.1"])
def test_a_server_that_is_not_there_is_an_error(url: str) -> None:
    with pytest.raises(DeliveryFailed):
        RemoteRecorder(url, attempts=2, sleep=lambda _: None).record(io.BytesIO(LINES), "ndjson")


def upload(url: str, file: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [*COMMAND, "upload", str(file), "--url", url],
        capture_output=True,
        text=True,
        env=environment(),
        cwd=file.parent,
    )


def test_the_command_uploads_to_a_server(standing: Server, tmp_path: Path) -> None:
    file = tmp_path / "a.ndjson"
    file.write_bytes(LINES)

    first, second = upload(standing.url, file), upload(standing.url, file)

    row = json.loads(first.stdout)
    assert (first.returncode, row["accepted"], row["refused"]) == (1, 1, 1)
    assert row["run_id"].startswith("a-")
    assert "line 2, operation" in first.stderr
    assert json.loads(second.stdout)["note"] == "already recorded"
    assert not (tmp_path / "synclog-data").exists()


def test_a_real_log_uploads_packed_as_it_is(server: Server) -> None:
    log = Path(__file__).parents[2] / "web" / "demo_logs" / "rclone" / "run2.ndjson.gz"

    result = upload(server.url, log)

    assert (result.returncode, json.loads(result.stdout)["accepted"]) == (0, 300 + 429 + 428 + 3429)
