"""Senders that wait at the same moment share one commit.

There is no thread of its own and no timer: whoever comes while nobody commits leads, takes everyone who waits along,
and hands the lead to the next one waiting. A lone sender therefore pays for its own commit and nothing else.
"""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

Item = TypeVar("Item")

GROUP_LIMIT = 1024
"""Most senders in one commit, so that none waits for an endless one."""


@dataclass(slots=True)
class _Seat(Generic[Item]):
    item: Item
    woken: threading.Event = field(default_factory=threading.Event)
    committed: bool = False
    error: BaseException | None = None


class GroupCommit(Generic[Item]):
    """``submit`` returns when ``commit`` has returned for a group that holds the item, or raises what it raised."""

    def __init__(self, commit: Callable[[Sequence[Item]], None]) -> None:
        self._commit = commit
        self._lock = threading.Lock()
        self._waiting: deque[_Seat[Item]] = deque()
        self._led = False

    def submit(self, item: Item) -> None:
        seat = _Seat(item)
        with self._lock:
            self._waiting.append(seat)
            leads = not self._led
            self._led = True
        if not leads:
            seat.woken.wait()
        if not seat.committed:
            self._lead()
        if seat.error is not None:
            raise seat.error

    def _lead(self) -> None:
        with self._lock:
            group = [self._waiting.popleft() for _ in range(min(len(self._waiting), GROUP_LIMIT))]
        error: BaseException | None = None
        try:
            self._commit([seat.item for seat in group])
        except BaseException as raised:
            error = raised
        for seat in group:
            seat.committed, seat.error = True, error
        with self._lock:
            successor = self._waiting[0] if self._waiting else None
            self._led = successor is not None
        for seat in group:
            seat.woken.set()
        if successor is not None:
            successor.woken.set()
