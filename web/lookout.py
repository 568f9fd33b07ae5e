"""A thread for each way of reading, which looks for what the canary wrote; and patience with a server in trouble."""

import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from ingest.canary import CanaryDoor, Marked, ToldToWait, Unreachable, Way, Window
from ingest.errors import DeliveryFailed

Answer = TypeVar("Answer")

FIRST_PAUSE_SECONDS = 0.05
LONGEST_PAUSE_SECONDS = 1.0
LOOK_AGAIN_SECONDS = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Troubles:
    """What went wrong on the way and was tried again."""

    told_to_wait: int
    waited_seconds: float
    broken: Counter[str]


class Tally:
    """Counts what went wrong on the way. Safe for many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._told_to_wait = 0
        self._waited_seconds = 0.0
        self._broken: Counter[str] = Counter()

    def note_told_to_wait(self, error: ToldToWait) -> None:
        with self._lock:
            self._told_to_wait += 1
            self._waited_seconds += error.seconds

    def note_broken(self, error: DeliveryFailed) -> None:
        with self._lock:
            self._broken[error.message] += 1

    def troubles(self) -> Troubles:
        with self._lock:
            return Troubles(
                told_to_wait=self._told_to_wait, waited_seconds=self._waited_seconds, broken=self._broken.copy()
            )


def patiently(
    ask: Callable[[], Answer], patience_seconds: float, tally: Tally, stopping: threading.Event | None = None
) -> Answer:
    """An answer, asked for again for as long as the server says to wait or cannot be reached. Raises DeliveryFailed."""
    stopping = stopping or threading.Event()
    deadline = time.monotonic() + patience_seconds
    next_pause = FIRST_PAUSE_SECONDS
    while True:
        try:
            return ask()
        except ToldToWait as error:
            tally.note_told_to_wait(error)
            pause = error.seconds
            if stopping.is_set() or time.monotonic() + pause > deadline:
                raise
        except Unreachable as error:
            tally.note_broken(error)
            pause, next_pause = next_pause, min(2 * next_pause, LONGEST_PAUSE_SECONDS)
            if stopping.is_set() or time.monotonic() + pause > deadline:
                raise
        stopping.wait(pause)


@dataclass(slots=True, kw_only=True)
class Awaited:
    """An acknowledged request that a way has not shown yet."""

    marked: Marked
    acknowledged_at: float
    is_first_look: bool = True


class Lookout:
    """A thread that looks by one way for what was acknowledged, one look at a time."""

    def __init__(self, door: CanaryDoor, way: Way, look_seconds: float, tally: Tally) -> None:
        self.way = way
        self.late: set[str] = set()
        self.doubled: set[str] = set()
        self.seconds: list[float] = []
        self._door = door
        self._look_seconds = look_seconds
        self._tally = tally
        self._changed = threading.Condition()
        self._arrived: list[Awaited] = []
        self._is_closed = False
        self._thread = threading.Thread(target=self._watch, name=f"canary {way}")

    def start(self) -> None:
        self._thread.start()

    def expect(self, marked: Marked, acknowledged_at: float) -> None:
        with self._changed:
            self._arrived.append(Awaited(marked=marked, acknowledged_at=acknowledged_at))
            self._changed.notify()

    def close(self) -> None:
        """Return once all that is expected was seen or given up."""
        with self._changed:
            self._is_closed = True
            self._changed.notify()
        self._thread.join()

    def give_up(self) -> None:
        """Look for nothing a second time."""
        self._look_seconds = 0

    def _watch(self) -> None:
        unseen: list[Awaited] = []
        while awaited := self._next(unseen):
            unseen = self._look(awaited)

    def _next(self, unseen: list[Awaited]) -> list[Awaited]:
        """What to look for now; nothing when there is nothing more to come."""
        with self._changed:
            if unseen and not self._arrived:
                self._changed.wait(LOOK_AGAIN_SECONDS)
            elif not unseen:
                self._changed.wait_for(lambda: self._arrived or self._is_closed)
            arrived, self._arrived = self._arrived, []
        return [*unseen, *arrived]

    def _look(self, awaited: list[Awaited]) -> list[Awaited]:
        """Look once for all of these; what is to be looked for again."""
        try:
            seen = self._door.look(self.way, Window.of(each.marked for each in awaited))
        except ToldToWait as error:
            self._tally.note_told_to_wait(error)
            time.sleep(min(error.seconds, self._look_seconds))
            return self._still_worth_it(awaited)
        except DeliveryFailed as error:
            self._tally.note_broken(error)
            return self._still_worth_it(awaited)
        self.doubled.update(source_id for source_id, copies in seen.items() if copies > 1)
        return self._still_worth_it([each for each in awaited if not self._is_seen(each, seen)])

    def _is_seen(self, awaited: Awaited, seen: Counter[str]) -> bool:
        unseen = [source_id for source_id in awaited.marked.source_ids if source_id not in seen]
        if awaited.is_first_look:
            self.late.update(unseen)
            awaited.is_first_look = False
        if unseen:
            return False
        self.seconds.append(time.monotonic() - awaited.acknowledged_at)
        return True

    def _still_worth_it(self, unseen: list[Awaited]) -> list[Awaited]:
        oldest = time.monotonic() - self._look_seconds
        return [each for each in unseen if each.acknowledged_at > oldest]
