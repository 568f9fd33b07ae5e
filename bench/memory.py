"""What a process and all that descend from it hold in memory at their highest, looked at many times a second.

The kernel's own high-water marks are of one process each: they miss children that have ended, and count memory that
processes share once for each of them. Here what is a process's own is added up, what is shared counts once.
"""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.server import family

_EVERY_SECONDS = 0.02
_PAGE = os.sysconf("SC_PAGE_SIZE")


class Watch:
    """The highest memory seen so far, in bytes."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._over = threading.Event()
        self.peak = 0

    def run(self) -> None:
        while not self._over.wait(_EVERY_SECONDS):
            self.peak = max(self.peak, _held(self._pid))

    def end(self) -> None:
        self._over.set()


@contextmanager
def watching(pid: int) -> Iterator[Watch]:
    """Watches until the block ends."""
    watch = Watch(pid)
    thread = threading.Thread(target=watch.run, name="memory watch")
    thread.start()
    try:
        yield watch
    finally:
        watch.end()
        thread.join()


def _held(pid: int) -> int:
    own, shared = 0, 0
    for each in family(pid):
        try:
            resident, of_these_shared = map(int, Path(f"/proc/{each}/statm").read_text().split()[1:3])
        except (OSError, ValueError):
            continue  # it has ended meanwhile
        own += resident - of_these_shared
        shared = max(shared, of_these_shared)
    return (own + shared) * _PAGE
