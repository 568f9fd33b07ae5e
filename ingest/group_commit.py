"""Senders that wait at the same moment share one commit.

One thread commits: it takes everyone who waits, commits for all of them, and takes whoever came meanwhile. A lone
sender pays for its own commit and two switches of thread, nothing else. In a crowd most of a commit's cost is the same
for one sender as for many, so there the thread gives those just answered a moment to come again.
"""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

Item = TypeVar("Item")

GROUP_LIMIT = 1024
"""Most senders in one commit, so that none waits for an endless one."""

CROWD = 4
"""Senders in one commit that make it worth waiting for more."""

MOMENT_SECONDS = 0.001
PATIENCE_SECONDS = 0.004


@dataclass(slots=True)
class _Seat(Generic[Item]):
    """A sender that waits: its gate is opened when its item is committed, or failed to be."""

    item: Item
    gate: threading.Lock = field(default_factory=threading.Lock)
    error: BaseException | None = None


class GroupCommit(Generic[Item]):
    """``submit`` returns when ``commit`` has returned for a group that holds the item, or raises what it raised."""

    def __init__(self, commit: Callable[[Sequence[Item]], None]) -> None:
        self._commit = commit
        self._waiting: SimpleQueue[_Seat[Item] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._commit_groups, name="group commit", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Commit what waits and stop."""
        self._waiting.put(None)
        self._thread.join()

    def submit(self, item: Item) -> None:
        seat = _Seat(item)
        seat.gate.acquire()
        self._waiting.put(seat)
        seat.gate.acquire()
        if seat.error is not None:
            raise seat.error

    def _commit_groups(self) -> None:
        size = 0
        while (first := self._waiting.get()) is not None:
            if size >= CROWD:
                self._gather()
            group = [first, *self._others()]
            size = len(group)
            try:
                self._commit([seat.item for seat in group])
            except BaseException as raised:
                for seat in group:
                    seat.error = raised
            for seat in group:
                seat.gate.release()

    def _gather(self) -> None:
        """Wait while more keep coming, a few moments at most."""
        patience = time.monotonic() + PATIENCE_SECONDS
        seen = self._waiting.qsize()
        while time.monotonic() < patience:
            time.sleep(MOMENT_SECONDS)
            if self._waiting.qsize() == seen:
                break
            seen = self._waiting.qsize()

    def _others(self) -> list[_Seat[Item]]:
        """Whoever waits too, without waiting for anybody."""
        others: list[_Seat[Item]] = []
        while len(others) < GROUP_LIMIT - 1:
            try:
                seat = self._waiting.get_nowait()
            except Empty:
                break
            if seat is None:
                self._waiting.put(None)  # the end, met again once these are committed
                break
            others.append(seat)
        return others
