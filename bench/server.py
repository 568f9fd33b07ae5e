"""A real ``synclog serve`` process: started on a free port, watched, asked, killed."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HOST = "127.0.0.1"
BEGINS_WITHIN = 60.0  # seconds until a started server must answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An HTTP answer, read to its end."""

    status: int
    headers: dict[str, str]
    body: bytes
    seconds: float

    def json(self) -> Any:  # whatever the server said
        return json.loads(self.body)


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A running server process and the way to ask it."""

    process: subprocess.Popen[bytes]
    port: int

    def ask(
        self, method: str, path: str, *, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> Answer:
        """One request on a connection of its own."""
        connection = http.client.HTTPConnection(HOST, self.port, timeout=600)
        try:
            begun = time.perf_counter()
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            read = response.read()
            seconds = time.perf_counter() - begun
            names = {name.lower(): value for name, value in response.getheaders()}
            return Answer(status=response.status, headers=names, body=read, seconds=seconds)
        finally:
            connection.close()

    def peak_memory(self) -> int:
        """Bytes of resident memory at their highest, summed over the server's processes."""
        return sum(_high_water_mark(pid) for pid in family(self.process.pid))

    def written(self) -> int:
        """Bytes handed to the kernel, summed over the server's processes and those of them that have ended."""
        return sum(_bytes_written(pid) for pid in family(self.process.pid))

    def kill(self) -> None:
        """SIGKILL to every process of the server: what it had not yet handed to the kernel is gone."""
        for pid in family(self.process.pid):
            os.kill(pid, signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                self.kill()


@contextmanager
def serving(data: Path, *, port: int | None = None, environment: dict[str, str] | None = None) -> Iterator[Server]:
    """``synclog serve`` over this data folder until the block ends."""
    server = start(data, port=port, environment=environment)
    try:
        yield server
    finally:
        server.stop()


def start(data: Path, *, port: int | None = None, environment: dict[str, str] | None = None) -> Server:
    chosen = port or free_port()
    command = [synclog(), "--data", str(data), "serve", "--host", HOST, "--port", str(chosen)]
    return start_command(command, port=chosen, log=data.with_suffix(".log"), environment=environment)


def start_command(command: Sequence[str], *, port: int, log: Path, environment: dict[str, str] | None = None) -> Server:
    """Starts any server and waits until it answers ``/healthz``."""
    with log.open("ab") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out, env={**os.environ, **(environment or {})})
    server = Server(process=process, port=port)
    deadline = time.monotonic() + BEGINS_WITHIN
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"{command[0]} ended with {process.returncode}; its words are in {log}")
        try:
            if server.ask("GET", "/healthz").status == 200:
                return server
        except OSError:
            time.sleep(0.02)
    server.stop()
    raise RuntimeError(f"{command[0]} did not answer within {BEGINS_WITHIN:.0f} s; its words are in {log}")


def synclog() -> str:
    """The command of the environment this bench runs in."""
    return str(Path(sys.executable).with_name("synclog"))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def family(pid: int) -> list[int]:
    """A process and all that descend from it."""
    children: list[int] = []
    with suppress(OSError):  # the process, or one of its threads, has ended meanwhile
        for task in Path(f"/proc/{pid}/task").glob("*/children"):
            children += [int(child) for child in task.read_text().split()]
    return [pid, *(descendant for child in children for descendant in family(child))]


def wait_until_idle(pid: int) -> None:
    """Until a process has used less than a tenth of a core for three seconds."""
    before = _processor_seconds(pid)
    while True:
        time.sleep(3)
        used, before = _processor_seconds(pid) - before, _processor_seconds(pid)
        if used < 0.3:
            return


def _processor_seconds(pid: int) -> float:
    in_user, in_kernel = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return (int(in_user) + int(in_kernel)) / os.sysconf("SC_CLK_TCK")


def _high_water_mark(pid: int) -> int:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    found = next((line for line in status.splitlines() if line.startswith("VmHWM:")), "VmHWM: 0 kB")
    return int(found.split()[1]) * 1024


def _bytes_written(pid: int) -> int:
    try:
        counts = Path(f"/proc/{pid}/io").read_text()
    except OSError:
        return 0
    found = next((line for line in counts.splitlines() if line.startswith("wchar:")), "wchar: 0")
    return int(found.split()[1])
