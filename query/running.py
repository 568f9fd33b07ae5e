"""The statements of users that are being run: how old each is, and the end of those that are late or not wanted."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from uuid import uuid4

from ingest.errors import LakeUnavailable, Overloaded, QueryCancelled, QueryError, QueryTimedOut, StatementNotFound

MOST_RUNNING = 16
"""At once, because each may take all the memory a statement may have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningStatement:
    """One of them."""

    statement_id: str
    sql: str
    age: timedelta


@dataclass(slots=True, kw_only=True)
class _Watched:
    """What is known of a statement while it runs; ``end`` stops it, and may be called by any thread."""

    sql: str
    begun: float
    end: Callable[[], None]
    is_late: bool = False
    is_cancelled: bool = False

    def be_late(self) -> None:
        self.is_late = True
        self.end()

    def cancel(self) -> None:
        self.is_cancelled = True
        self.end()


class RunningStatements:
    """The statements of one process. Safe for many threads."""

    def __init__(self, *, most: int = MOST_RUNNING) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._watched: dict[str, _Watched] = {}

    def list_running(self) -> Sequence[RunningStatement]:
        """The oldest first."""
        now = time.monotonic()
        with self._lock:
            return [
                RunningStatement(statement_id=statement_id, sql=each.sql, age=timedelta(seconds=now - each.begun))
                for statement_id, each in self._watched.items()
            ]

    def cancel(self, statement_id: str) -> None:
        """End it at once; whoever waits for it gets QueryCancelled. Raises StatementNotFound."""
        with self._lock:
            watched = self._watched.get(statement_id)
        if watched is None:
            raise StatementNotFound(f"no statement {statement_id} is running", hint="it may have ended by itself")
        watched.cancel()

    @contextmanager
    def watch(self, sql: str, end: Callable[[], None], *, seconds: float, statement_id: str | None) -> Iterator[None]:
        """Ends it when its time is up; whatever its silence then leads to becomes QueryTimedOut or QueryCancelled."""
        watched = _Watched(sql=sql, begun=time.monotonic(), end=end)
        known_as = self._add(statement_id, watched)
        clock = threading.Timer(seconds, watched.be_late)
        clock.start()
        try:
            yield
        except (QueryError, LakeUnavailable):
            if not (watched.is_late or watched.is_cancelled):
                raise
        finally:
            clock.cancel()
            with self._lock:
                del self._watched[known_as]
        if watched.is_cancelled:
            raise QueryCancelled("the query was cancelled")
        if watched.is_late:
            raise QueryTimedOut(
                f"the query took longer than {seconds:g} seconds", hint="ask for less: a shorter time, one run"
            )

    def _add(self, statement_id: str | None, watched: _Watched) -> str:
        """What it is known as: the id it was given, unless another one that runs has it."""
        with self._lock:
            if len(self._watched) >= self._most:
                raise Overloaded(
                    f"{self._most} statements are running already, as many as may at once",
                    hint="try again in a moment, or cancel one: the page /sql/statements lists them",
                )
            known_as = statement_id if statement_id and statement_id not in self._watched else uuid4().hex
            self._watched[known_as] = watched
        return known_as
