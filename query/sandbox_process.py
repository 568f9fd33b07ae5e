"""Processes for SQL of users: one waits in readiness, because to start one takes longer than most queries.

Each answers one request. The one that waits has seen nothing of a lake or of a request; it ends with this process, when
its standard input does.
"""

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PACKAGES = str(Path(__file__).resolve().parent.parent)
_PROGRAM = """
import sys
sys.modules["numpy"] = None
from query.sandbox_child import main
main()
"""
"""Arrow does without numpy when there is none, which saves a third of the start-up time."""

Process = subprocess.Popen[bytes]


class SandboxProcesses:
    """Gives out processes whose folder is that of a lake. Safe for many threads."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._waiting: Process | None = None
        self._closed = False

    @contextmanager
    def one(self) -> Iterator[Process]:
        """A process that waits for a request. It is gone afterwards, whatever happened."""
        process = self._take() or self._start()
        try:
            yield process
        finally:
            _end(process)
            self._prepare()

    def close(self) -> None:
        self._closed = True
        if (process := self._take()) is not None:
            _end(process)

    def _take(self) -> Process | None:
        with self._lock:
            process, self._waiting = self._waiting, None
        if process is not None and process.poll() is not None:
            _end(process)
            return None
        return process

    def _prepare(self) -> None:
        """Once an answer is given: while a query runs, the start of another process would take its time."""
        with self._lock:
            if self._waiting is None and not self._closed:
                self._waiting = self._start()

    def _start(self) -> Process:
        return subprocess.Popen(
            [sys.executable, "-P", "-W", "ignore", "-c", _PROGRAM],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=self._folder,
            env={"PYTHONPATH": _PACKAGES},  # nothing else of ours: it may hold secrets
        )


def _end(process: Process) -> None:
    process.kill()
    with process:  # closes its pipes, waits for its end
        pass
