"""The server when more comes than it can take: it says so, forgets nothing it acknowledged, and stays small."""

import gzip
import io
import select
import socket
import sqlite3
import threading
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

import httpx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from tests.live.conftest import Server, serving

LINE = b'{"run_id":"live","integration":"i","operation":"UPDATE"}\n'
NDJSON = {"Content-Type": "application/x-ndjson"}
HEAD = b"POST /api/v1/actions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-ndjson\r\n"
MIB = 1 << 20


def address_of(server: Server) -> tuple[str, int]:
    return "127.0.0.1", int(server.url.rpartition(":")[2])


def processed(http: httpx.Client) -> int:
    count: int = http.get("/api/v1/runs/live").json()["processed"]
    return count


def assert_told_to_come_back(answer: httpx.Response) -> None:
    assert answer.status_code == 503
    assert 1 <= int(answer.headers["Retry-After"]) <= 5
    assert set(answer.json()["error"]) == {"code", "message", "field", "hint"}


@pytest.fixture
def narrow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server with eight threads: six for senders, one for a sender that waits, one for everybody else."""
    with serving(tmp_path / "data", settings={"SYNCLOG_THREADS": "8"}) as server:
        yield server


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for all that must leave it as it was."""
    with serving(tmp_path_factory.mktemp("standing") / "data") as server:
        yield server


@contextmanager
def locked(index: Path) -> Iterator[None]:
    """Somebody else writes to the index and does not come to an end."""
    with closing(sqlite3.connect(index, isolation_level=None)) as connection:
        connection.execute("begin immediate")
        yield
        connection.execute("rollback")


@contextmanager
def half_bodies(server: Server, count: int) -> Iterator[list[socket.socket]]:
    """Senders that begin a body and then say nothing more."""
    with ExitStack() as open_ones:
        connections = []
        for number in range(count):
            connection = open_ones.enter_context(socket.create_connection(address_of(server), timeout=30))
            framing = (
                b"Content-Length: 5000\r\n\r\n{" if number % 2 else b"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n"
            )
            connection.sendall(HEAD + framing)
            connections.append(connection)
        yield connections


def test_a_locked_index_is_503_at_once_for_most_and_pages_are_still_answered(narrow: Server) -> None:
    requests = (
        ("actions", LINE, NDJSON),
        ("actions", LINE * 5000, NDJSON),
        ("actions", LINE, {**NDJSON, "Idempotency-Key": "k"}),
        ("runs", b'{"integration":"i"}', {"Content-Type": "application/json"}),
    )
    outcomes: Counter[int] = Counter()

    def send(number: int) -> None:
        path, body, headers = requests[number % len(requests)]
        url = f"{narrow.url}/api/v1/{path}"
        assert_told_to_come_back(httpx.post(url, content=body, headers=headers, timeout=60, trust_env=False))
        outcomes[503] += 1

    with httpx.Client(base_url=narrow.url, trust_env=False, timeout=30) as http:
        http.post("/api/v1/actions", content=LINE, headers=NDJSON)
        with locked(narrow.data / "index.sqlite"), ThreadPoolExecutor(24) as senders:
            sent = [senders.submit(send, number) for number in range(24)]
            while outcomes[503] < 12:
                assert http.get("/runs").is_success
                assert http.get("/api/v1/runs/live/actions").is_success
            for each in sent:
                each.result()

        assert processed(http) == 1
        assert http.post("/api/v1/actions", content=LINE, headers={**NDJSON, "Idempotency-Key": "k"}).is_success
        assert processed(http) == 2
        assert not (narrow.data / "lake" / "aside").exists()


def test_half_bodies_do_not_keep_others_from_reading(narrow: Server) -> None:
    with httpx.Client(base_url=narrow.url, trust_env=False, timeout=30) as http:
        with half_bodies(narrow, 20):
            assert http.get("/runs").is_success
            assert_told_to_come_back(wait_for_refusal(http))
        while http.post("/api/v1/actions", content=LINE, headers=NDJSON).status_code == 503:
            threading.Event().wait(0.05)

        assert http.get("/api/v1/runs").json()["items"][0]["processed"] >= 1


def test_a_body_that_does_not_come_is_answered_and_its_thread_is_free_again(tmp_path: Path) -> None:
    with (
        serving(tmp_path / "data", settings={"SYNCLOG_THREADS": "8", "SYNCLOG_BODY_SECONDS": "1"}) as server,
        httpx.Client(base_url=server.url, trust_env=False, timeout=30) as http,
        half_bodies(server, 6) as connections,
    ):
        dribbling, *silent = connections
        for connection in silent:
            assert connection.recv(1000).startswith(b"HTTP/1.1 408")
        with suppress(ConnectionError):
            while not select.select([dribbling], [], [], 0.1)[0]:
                dribbling.sendall(b"1\r\n \r\n")
        assert dribbling.recv(1000).startswith(b"HTTP/1.1 408")

        assert http.post("/api/v1/actions", content=LINE, headers=NDJSON).is_success
        assert processed(http) == 1


def test_a_long_answer_is_not_taken_for_a_body_that_does_not_come(tmp_path: Path) -> None:
    slow = {"sql": "select count(*) from range(3000000) a(x), range(1000) b(y) where (x * y) % 7 = 3"}
    with (
        serving(tmp_path / "data", settings={"SYNCLOG_BODY_SECONDS": "1", "SYNCLOG_SQL_SECONDS": "3"}) as server,
        half_bodies(server, 2),
    ):
        answer = httpx.post(f"{server.url}/api/v1/sql", json=slow, timeout=60, trust_env=False)

        assert answer.status_code in (200, 422), answer.text


def wait_for_refusal(http: httpx.Client) -> httpx.Response:
    """Connections are taken up one after another: until then a sender may still find a place."""
    while (answer := http.post("/api/v1/actions", content=LINE, headers=NDJSON)).is_success:
        threading.Event().wait(0.05)
    return answer


def test_silent_connections_do_not_keep_others_waiting(server: Server, http: httpx.Client) -> None:
    with ExitStack() as open_ones:
        for number in range(700):
            connection = open_ones.enter_context(socket.create_connection(address_of(server), timeout=10))
            connection.sendall(HEAD[:20] if number % 2 else b"")

        assert http.post("/api/v1/actions", content=LINE, headers=NDJSON, timeout=20).is_success
        assert http.get("/runs", timeout=20).is_success


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/actions/",
        "/api/v1/runs/",
        "//api/v1/actions",
        "/api/v1//actions",
        "/api/v1/runs/live/actions/",
        "/api/v1/runs//actions",
        "/api/v1/runs/live//actions",
        "/api/v1/runs/live/",
        "/api/v1/actions/more",
        "/api/v1/runs/live/nothing",
        "/api/v1",
        "/api/v1/",
    ],
)
def test_no_address_redirects(standing: Server, path: str) -> None:
    for method in ("POST", "PATCH", "PUT", "DELETE", "HEAD", "OPTIONS", "GET"):
        body = LINE if method in ("POST", "PATCH") else None
        answer = httpx.request(method, standing.url + path, content=body, headers=NDJSON, trust_env=False)

        assert answer.status_code in (200, 400, 404, 405, 415), (method, path, answer.text)


def high_water_mark(server: Server) -> int:
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) * 1024


def zeros_as_arrow(size: int, *, codec: str, is_file: bool) -> bytes:
    offsets = pa.array([0, size], pa.int64()).buffers()[1]
    text = pa.Array.from_buffers(pa.large_string(), 1, [None, offsets, pa.py_buffer(bytes(size))])
    batch = pa.record_batch([text], names=["message"])
    sink = io.BytesIO()
    new = pa.ipc.new_file if is_file else pa.ipc.new_stream
    with new(sink, batch.schema, options=pa.ipc.IpcWriteOptions(compression=codec)) as writer:
        writer.write_batch(batch)
    return sink.getvalue()


def zeros_as_parquet(size: int, *, codec: str) -> bytes:
    sink = io.BytesIO()
    text = pa.array(["0" * (size // 512)] * 512, pa.large_string())
    pq.write_table(pa.table({"message": text}), sink, compression=codec, use_dictionary=False)
    return sink.getvalue()


ZEROS = 600 * MIB
BOMBS: dict[str, tuple[Callable[[], bytes], dict[str, str]]] = {
    "gzip": (lambda: gzip.compress(bytes(ZEROS), 1), {"Content-Encoding": "gzip"}),
    "deflate": (lambda: zlib.compress(bytes(ZEROS), 1), {"Content-Encoding": "deflate"}),
    "zstd": (lambda: zstandard.compress(bytes(ZEROS)), {"Content-Encoding": "zstd"}),
    "arrow stream, zstd": (lambda: zeros_as_arrow(ZEROS, codec="zstd", is_file=False), {}),
    "arrow stream, lz4": (lambda: zeros_as_arrow(ZEROS, codec="lz4", is_file=False), {}),
    "arrow file, zstd": (lambda: zeros_as_arrow(ZEROS, codec="zstd", is_file=True), {}),
    "parquet, zstd": (lambda: zeros_as_parquet(ZEROS, codec="zstd"), {}),
    "parquet, gzip": (lambda: zeros_as_parquet(ZEROS, codec="gzip"), {}),
}


@pytest.mark.parametrize("kind", BOMBS)
def test_a_bomb_is_cut_with_bounded_memory(standing: Server, kind: str) -> None:
    make, headers = BOMBS[kind]
    first = httpx.post(f"{standing.url}/api/v1/actions", content=LINE * 5000, headers=NDJSON, trust_env=False)
    before = high_water_mark(standing)

    headers = {"Content-Type": "application/octet-stream", **headers}
    answer = httpx.post(f"{standing.url}/api/v1/actions", content=make(), headers=headers, trust_env=False, timeout=60)

    assert answer.status_code in (413, 415), answer.text  # zeros are of no format, if that is seen first
    assert high_water_mark(standing) - before < 200 * MIB
    assert first.is_success
    assert httpx.get(f"{standing.url}/api/v1/runs", trust_env=False).is_success


def test_a_body_without_end_is_cut_at_the_limit(tmp_path: Path) -> None:
    line = b'{"run_id":"live","message":"%s"}\n' % (b"x" * 65_000)
    ended = threading.Event()

    def endless() -> Iterator[bytes]:
        while not ended.is_set():
            yield line

    with (
        serving(tmp_path / "data", settings={"SYNCLOG_MAX_BODY_BYTES": str(80 * MIB)}) as server,
        httpx.Client(base_url=server.url, trust_env=False, timeout=30) as http,
    ):
        before = high_water_mark(server)
        answer = http.post("/api/v1/actions", content=endless(), headers=NDJSON)
        ended.set()

        assert (answer.status_code, answer.json()["error"]["code"]) == (413, "too-large")
        assert high_water_mark(server) - before < 70 * MIB
        assert http.get("/api/v1/runs").json()["items"] == []
