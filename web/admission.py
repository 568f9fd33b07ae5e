"""How many may send at once, and how much of what they send is held in memory.

Each request takes a thread of the server from its head to its answer. If all could be taken by senders, no page would
be answered while the disk is slow, so some are kept free of them. A sender that finds no place waits as long as others
keep being served; when nobody has been for a while, it is told to come back, at once and before its body is read.
"""

import logging
import threading
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

from ingest.errors import Overloaded

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

logger = logging.getLogger(__name__)

SENDING_METHODS = frozenset(("POST", "PUT", "PATCH"))
MET_ERROR = "synclog.met_error"
"""Where an environment tells Flask's error pages what happened before Flask was asked."""

PATIENCE_SECONDS = 1.0
HELD_BYTES = 256 * 1024 * 1024


class Admission:
    """A WSGI application that lets only so many senders into another one at a time."""

    def __init__(self, inside: "WSGIApplication", *, threads: int) -> None:
        self._inside = inside
        spare = threads // 8
        self._places = max(1, threads - 2 * spare)
        self._seats = spare  # where senders wait for a place; as many threads are left to everybody else
        self._sending = 0
        self._waiting = 0
        self._last_left = time.monotonic()
        self._is_refusing = False
        self._changed = threading.Condition()

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] not in SENDING_METHODS:
            return self._inside(environ, start_response)
        if not self._enter():
            self._tell_once()
            environ[MET_ERROR] = Overloaded(
                f"{self._places} requests are being taken in and none gets done", hint="send it again in a moment"
            )
            return self._inside(environ, start_response)
        try:
            return self._inside(environ, start_response)
        finally:
            self._leave()

    def _enter(self) -> bool:
        with self._changed:
            if self._sending >= self._places and not self._wait():
                return False
            if not self._sending:
                self._last_left = time.monotonic()  # until now nobody could have left
            self._sending += 1
            self._is_refusing = self._sending >= self._places and self._is_refusing
            return True

    def _wait(self) -> bool:
        """Whether a place became free, given up when nobody has left for too long or too many wait already."""
        if self._waiting >= self._seats:
            return False
        self._waiting += 1
        try:
            while self._sending >= self._places:
                patience = self._last_left + PATIENCE_SECONDS - time.monotonic()
                if patience <= 0:
                    return False
                self._changed.wait(patience)
            return True
        finally:
            self._waiting -= 1

    def _tell_once(self) -> None:
        """In the log: once, until there was a free place again."""
        if not self._is_refusing:
            self._is_refusing = True
            logger.warning("senders are told to come back", extra={"places": self._places})

    def _leave(self) -> None:
        with self._changed:
            self._sending -= 1
            self._last_left = time.monotonic()
            if self._waiting:
                self._changed.notify()


class HeldBytes:
    """So many bytes of bodies may be in memory at once; what does not fit goes to temporary files."""

    def __init__(self, limit: int = HELD_BYTES) -> None:
        self._free = limit
        self._lock = threading.Lock()

    def take(self, size: int) -> bool:
        """Whether there was room for so many more."""
        with self._lock:
            if size > self._free:
                return False
            self._free -= size
            return True

    def give_back(self, size: int) -> None:
        with self._lock:
            self._free += size
