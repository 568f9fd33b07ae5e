"""A real server process for the tests of this folder."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from socketserver import BaseServer

import httpx
import pytest

from web.serve import GRACE_SECONDS

ROOT = Path(__file__).parents[2]
COMMAND = (sys.executable, "-c", "from web.cli import main; main(prog_name='synclog')")
ENDS_WITHIN = GRACE_SECONDS + 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A process that serves, and where."""

    process: "subprocess.Popen[str]"
    url: str
    data: Path

    def stop(self) -> int:
        self.process.terminate()
        return self.process.wait(timeout=30)


@contextmanager
def in_background(server: BaseServer) -> Iterator[None]:
    """A server of this process answers on a thread of its own until the block ends."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()


def environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SYNCLOG_")}
    return {**kept, "PYTHONPATH": str(ROOT), "PYTHONFAULTHANDLER": "1"}


@contextmanager
def serving(data: Path, *arguments: str, settings: Mapping[str, str] | None = None) -> Iterator[Server]:
    """``synclog serve`` on a free port, until the block ends. ``settings`` are variables of the environment."""
    command = [*COMMAND, "--data", str(data), *(arguments or ("serve",)), "--port", "0"]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**environment(), **(settings or {})},
        cwd=data.parent,
    ) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            assert url.startswith("http://127.0.0.1:"), process.stderr.read() if process.stderr else ""
            yield Server(process=process, url=url, data=data)
        finally:
            if process.poll() is None:
                end(process)


def end(process: "subprocess.Popen[str]") -> None:
    """Stop a server. One that goes on for longer than its grace is made to say what its threads are at."""
    process.terminate()
    try:
        process.wait(ENDS_WITHIN)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGABRT)
        said = process.communicate(timeout=ENDS_WITHIN)[1]
        raise AssertionError(f"the server does not stop: {said}") from None


def run_doctor(*arguments: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [*COMMAND, "doctor", *arguments], capture_output=True, text=True, env=environment(), cwd=folder, timeout=60
    )


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with serving(tmp_path / "data") as started:
        yield started


@pytest.fixture(scope="session")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for all who leave it running and do not mind what others have sent it."""
    with serving(tmp_path_factory.mktemp("standing") / "data") as started:
        yield started


@pytest.fixture
def http(server: Server) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, trust_env=False, timeout=30) as client:
        yield client
