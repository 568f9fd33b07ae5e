"""A database that is told to commit and is not heard any more: what was recorded stays, and nothing is there twice."""

import json
import socket
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import sqlalchemy as sa

from ingest.care import verify
from ingest.errors import LakeUnavailable, OutcomeUnknown
from ingest.recorder import Recorder
from tests.builders import line, ndjson
from tests.live.postgresql import serving_postgresql
from web.app import create_app
from web.settings import Settings
from web.workspace import open_workspace

SOCKET = ".s.PGSQL.5432"


class Link:
    """Between synclog and PostgreSQL; once told to, it cuts every connection as soon as one commits."""

    def __init__(self, folder: Path, server: Path) -> None:
        self._server = server
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._opened: list[socket.socket] = []
        self._cuts = self._passes_on = self._stays_down = self.is_down = False
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(folder / SOCKET))
        self._listener.listen(20)
        threading.Thread(target=self._accept, daemon=True).start()

    def cut_at_commit(self, *, passes_on: bool, stays_down: bool) -> None:
        self._cuts, self._passes_on, self._stays_down = True, passes_on, stays_down

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        for each in (self._listener, *self._opened):
            each.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self.is_down:
                client.close()
                continue
            server = socket.socket(socket.AF_UNIX)
            server.connect(str(self._server))
            self._pairs.append((client, server))
            self._opened += (client, server)
            threading.Thread(target=self._carry, args=(client, server, True), daemon=True).start()
            threading.Thread(target=self._carry, args=(server, client, False), daemon=True).start()

    def _carry(self, one: socket.socket, other: socket.socket, is_asking: bool) -> None:
        with suppress(OSError):
            while data := one.recv(1 << 16):
                if is_asking and self._cuts and b"COMMIT" in data:
                    self._cut(other, data)
                    return
                other.sendall(data)
        for end in (one, other):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _cut(self, server: socket.socket, data: bytes) -> None:
        self._cuts, self.is_down = False, self._stays_down
        pairs, self._pairs = self._pairs, []  # whoever comes from now on is not cut off
        for client, _ in pairs:
            with suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)
        if self._passes_on:
            server.sendall(data)
        for _, each in pairs:
            with suppress(OSError):
                each.shutdown(socket.SHUT_WR)  # what was sent before is still done


@pytest.fixture(scope="module")
def postgresql() -> Iterator[str]:
    with serving_postgresql() as url:
        yield url


@pytest.fixture
def link(postgresql: str) -> Iterator[tuple[Link, str]]:
    engine = sa.create_engine(postgresql)
    with engine.begin() as connection:
        connection.exec_driver_sql("drop schema public cascade")
        connection.exec_driver_sql("create schema public")
    engine.dispose()
    with TemporaryDirectory(prefix="synclog-link-") as folder:  # a socket's path is short
        made = Link(Path(folder), Path(postgresql.partition("host=")[2]) / SOCKET)
        yield made, f"postgresql+psycopg://postgres@/postgres?host={folder}"
        made.close()


def record(recorder: Recorder, source_id: str, key: str | None) -> Any:
    return recorder.record(ndjson([line(run_id="x", source_id=source_id)]), "ndjson", idempotency_key=key)


def counted(recorder: Recorder) -> int:
    run = recorder.index.find_run("x")
    return 0 if run is None else int(run["update_ok"])


def batches(data: Path) -> int:
    return len(list((data / "lake" / "actions").rglob("*.parquet")))


def test_what_was_committed_unheard_is_acknowledged_once_the_index_answers(
    link: tuple[Link, str], tmp_path: Path
) -> None:
    between, url = link
    recorder = Recorder.open(tmp_path, index_url=url)
    record(recorder, "1", "k1")

    between.cut_at_commit(passes_on=True, stays_down=False)
    answer = record(recorder, "2", "k2")

    assert (answer.accepted, answer.repeated) == (1, False)
    assert record(recorder, "2", "k2").repeated
    assert (counted(recorder), batches(tmp_path), verify(recorder)) == (2, 2, [])
    recorder.close()


def test_what_was_not_committed_is_refused_and_taken_back(link: tuple[Link, str], tmp_path: Path) -> None:
    between, url = link
    recorder = Recorder.open(tmp_path, index_url=url)
    record(recorder, "1", "k1")

    between.cut_at_commit(passes_on=False, stays_down=False)
    with pytest.raises(LakeUnavailable) as refused:
        record(recorder, "2", "k2")

    assert not isinstance(refused.value, OutcomeUnknown)
    assert (counted(recorder), batches(tmp_path)) == (1, 1)
    assert record(recorder, "2", "k2").accepted == 1
    assert (counted(recorder), verify(recorder)) == (2, [])
    recorder.close()


@pytest.mark.parametrize("is_committed", [True, False])
@pytest.mark.parametrize("is_sent_again", [True, False])
def test_what_nobody_can_tell_is_kept_and_counts_once(
    link: tuple[Link, str], tmp_path: Path, is_committed: bool, is_sent_again: bool
) -> None:
    between, url = link
    recorder = Recorder.open(tmp_path, index_url=url)
    record(recorder, "1", "k1")

    between.cut_at_commit(passes_on=is_committed, stays_down=True)
    with pytest.raises(OutcomeUnknown):
        record(recorder, "2", "k2")
    assert batches(tmp_path) == 2

    between.is_down = False
    if is_sent_again:
        again = record(recorder, "2", "k2")
        assert (again.accepted, again.repeated) == (1, is_committed)
    recorder.close()
    recorder = Recorder.open(tmp_path, index_url=url)

    assert (counted(recorder), batches(tmp_path), verify(recorder)) == (2, 2, [])
    assert record(recorder, "2", "k2").repeated
    recorder.close()


def test_a_sender_is_told_that_nobody_can_tell(link: tuple[Link, str], tmp_path: Path) -> None:
    between, url = link
    with open_workspace(Settings(data=tmp_path, index_url=url)) as workspace:
        client = create_app(workspace).test_client()
        between.cut_at_commit(passes_on=True, stays_down=True)

        answer = client.post("/api/v1/actions", data=line(run_id="x"), content_type="application/x-ndjson")

        assert (answer.status_code, json.loads(answer.data)["error"]["code"]) == (504, "outcome-unknown")
        assert "idempotency key" in json.loads(answer.data)["error"]["hint"]
        assert "Retry-After" not in answer.headers


def test_metrics_say_503_while_the_index_cannot_be_asked(link: tuple[Link, str], tmp_path: Path) -> None:
    between, url = link
    with open_workspace(Settings(data=tmp_path, index_url=url)) as workspace:
        client = create_app(workspace).test_client()
        assert client.get("/metrics").status_code == 200
        between.cut_at_commit(passes_on=True, stays_down=True)
        with suppress(LakeUnavailable):
            record(workspace.recorder, "1", None)

        answer = client.get("/metrics")

        assert (answer.status_code, answer.mimetype) == (503, "text/plain")
        assert answer.headers["Retry-After"]
        assert all(said.startswith("# ") for said in answer.text.splitlines())


@pytest.mark.parametrize("is_committed", [True, False])
def test_sqlite_is_asked_too_when_it_fails_to_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_committed: bool
) -> None:
    recorder = Recorder.open(tmp_path)
    record(recorder, "1", "k1")

    with monkeypatch.context() as patch:
        _fail_next_commit(patch, recorder, is_committed=is_committed)
        if is_committed:
            assert not record(recorder, "2", "k2").repeated
        else:
            with pytest.raises(LakeUnavailable, match="disk I/O error"):
                record(recorder, "2", "k2")

    assert (counted(recorder), batches(tmp_path)) == ((2, 2) if is_committed else (1, 1))
    assert record(recorder, "2", "k2").repeated is is_committed
    assert (counted(recorder), verify(recorder)) == (2, [])
    recorder.close()


def _fail_next_commit(patch: pytest.MonkeyPatch, recorder: Recorder, *, is_committed: bool) -> None:
    dialect = recorder.index.engine.dialect
    commit = dialect.do_commit

    def fail(connection: Any) -> None:
        patch.setattr(dialect, "do_commit", commit)
        if is_committed:
            commit(connection)
        raise sqlite3.OperationalError("disk I/O error")

    patch.setattr(dialect, "do_commit", fail)
