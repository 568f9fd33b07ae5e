"""Processes for SQL of users, each for one request, forked from one that is ready (see ``sandbox_nursery``).

A new process has seen nothing of a lake or of a request. The nursery is started with the first of them, and anew should
it have died; it ends with this process, when its socket does.
"""

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO

from ingest.errors import LakeUnavailable
from query.sandbox_nursery import FORGET, FORK, FRAME, NUMBER, WAIT

_PACKAGES = str(Path(__file__).resolve().parent.parent)
_PROGRAM = """
import sys
sys.modules["numpy"] = None
from query.sandbox_nursery import main
main()
"""
"""Arrow does without numpy when there is none, which saves memory and a third of the start-up time."""

_ENVIRONMENT = {
    "PYTHONPATH": _PACKAGES,  # nothing else of ours: it may hold secrets
    "JE_ARROW_MALLOC_CONF": "background_thread:false",  # what forks must have no second thread
}


class Process:
    """A process for one request, and our ends of its three pipes."""

    def __init__(self, nursery: "_Nursery", pid: int, pipes: tuple[IO[bytes], IO[bytes], IO[bytes]]) -> None:
        self.pid = pid
        self.stdin, self.stdout, self.stderr = pipes
        self._nursery = nursery
        self._lock = threading.Lock()
        self._is_over = False

    def kill(self) -> None:
        """End it now, from any thread. Its number is kept until it is waited for, so this hits nobody else."""
        with self._lock, suppress(ProcessLookupError):
            if not self._is_over:
                os.kill(self.pid, signal.SIGKILL)

    def wait(self) -> int:
        """Its exit code, once it has ended."""
        with self._lock:
            self._is_over = True
            try:
                return self._nursery.ask(WAIT, self.pid)
            except OSError:  # the nursery is gone, so nobody says whether it has ended
                with suppress(ProcessLookupError):
                    os.kill(self.pid, signal.SIGKILL)
                return -signal.SIGKILL

    def end(self) -> None:
        """Whatever it does: it is over."""
        self.kill()
        with self._lock, suppress(OSError):
            if not self._is_over:
                self._is_over = True
                self._nursery.tell(FORGET, self.pid)
        for pipe in (self.stdin, self.stdout, self.stderr):
            with suppress(BrokenPipeError):
                pipe.close()


class SandboxProcesses:
    """Gives out processes whose folder is that of a lake. Safe for many threads."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._nursery: _Nursery | None = None

    @contextmanager
    def one(self) -> Iterator[Process]:
        """A process that waits for a request. It is gone afterwards, whatever happened."""
        process = self._fork()
        try:
            yield process
        finally:
            process.end()

    def prepare(self) -> None:
        """Start what starts them, for somebody who is likely to ask soon."""
        self._living()

    def close(self) -> None:
        with self._lock:
            nursery, self._nursery = self._nursery, None
        if nursery is not None:
            nursery.close()

    def _fork(self) -> Process:
        try:
            return self._living().fork()
        except OSError:  # it died
            self.close()
        try:
            return self._living().fork()
        except OSError as error:
            raise LakeUnavailable(
                f"no process for SQL can be started: {error}", hint="try again in a moment"
            ) from error

    def _living(self) -> "_Nursery":
        with self._lock:
            if self._nursery is None:
                self._nursery = _Nursery(self._folder)
            return self._nursery


class _Nursery:
    """The process that forks, and the socket to it."""

    def __init__(self, folder: Path) -> None:
        self._lock = threading.Lock()
        self._door, theirs = socket.socketpair()
        with theirs:
            self._program = subprocess.Popen(
                [sys.executable, "-P", "-W", "ignore", "-c", _PROGRAM],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                cwd=folder,
                env=_ENVIRONMENT,
            )

    def fork(self) -> Process:
        with ExitStack() as theirs, ExitStack() as ours:
            pipes = [os.pipe() for _ in range(3)]
            (stdin, our_stdin), (our_stdout, stdout), (our_stderr, stderr) = pipes
            for end in (stdin, stdout, stderr):
                theirs.callback(os.close, end)
            files = [
                ours.enter_context(os.fdopen(*end))
                for end in ((our_stdin, "wb"), (our_stdout, "rb"), (our_stderr, "rb"))
            ]
            with self._lock:
                socket.send_fds(self._door, [FRAME.pack(FORK, 0)], [stdin, stdout, stderr])
                pid = self._read_number()
            ours.pop_all()
        return Process(self, pid, (files[0], files[1], files[2]))

    def ask(self, what: bytes, number: int) -> int:
        with self._lock:
            self._door.sendall(FRAME.pack(what, number))
            return self._read_number()

    def tell(self, what: bytes, number: int) -> None:
        with self._lock:
            self._door.sendall(FRAME.pack(what, number))

    def close(self) -> None:
        self._door.close()
        self._program.kill()
        self._program.wait()

    def _read_number(self) -> int:
        answer = self._door.recv(NUMBER.size, socket.MSG_WAITALL)
        if len(answer) < NUMBER.size:
            raise ConnectionResetError("the process that starts others has ended")
        number: int = NUMBER.unpack(answer)[0]
        return number
