"""The canary: a steady stream of marked actions into a server, and what became of each.

Writers send each request when it is due, whether or not the one before was answered: a server that stalls must show in
the figures, and it would not if the canary stalled with it. Each way of reading has one thread, which looks for
everything that was acknowledged since its last look began. So every action is looked for at once, and a slow way, such
as SQL, is asked as often as it can answer and no more.
"""

import math
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from ingest.canary import CanaryDoor, Marked, Way, Window
from ingest.errors import DeliveryFailed
from web.lookout import Lookout, Tally, Troubles, patiently

WRITERS = 16
"""Requests under way at the same moment, at most."""

COUNTED_AT_ONCE = 500
"""Requests that one look of the last count covers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How much is written, how fast, and what counts as late."""

    seconds: float
    rate: float  # requests a second
    batch: int  # actions in a request
    late_seconds: float
    patience_seconds: float = 10.0
    """How long a request is tried again that a server in trouble did not answer."""
    look_seconds: float = 3.0
    """How long an action that does not show is looked for; whether it is missing, the last count says."""

    @property
    def requests(self) -> int:
        return max(1, round(self.seconds * self.rate))

    @property
    def actions(self) -> int:
        return self.requests * self.batch


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """What one way of reading showed of the acknowledged actions; ``seconds`` from acknowledgement to sight."""

    way: str
    missing: tuple[str, ...] = ()
    doubled: tuple[str, ...] = ()
    late: tuple[str, ...] = ()
    seconds: tuple[float, ...] = ()
    blind: str | None = None
    """Why the last count could not be made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """All that the canary saw. ``acknowledgement`` is the way in; its late ones were acknowledged too slowly."""

    run_id: str
    plan: Plan
    seconds: float
    written: int
    acknowledged: int
    acknowledgement: Sighting
    sightings: tuple[Sighting, ...]
    processed: int | None
    """What the run's own counters say; None when they could not be read."""
    refused: str | None
    """Why the canary stopped before its time."""
    troubles: Troubles

    @property
    def all_sightings(self) -> tuple[Sighting, ...]:
        return (self.acknowledgement, *self.sightings)

    @property
    def counters_agree(self) -> bool:
        """An action whose acknowledgement was lost may have been counted."""
        return self.processed is not None and self.acknowledged <= self.processed <= self.written

    @property
    def is_well(self) -> bool:
        found = any(each.missing or each.doubled or each.late or each.blind for each in self.all_sightings)
        return self.refused is None and self.counters_agree and not found


def percentile(values: Sequence[float], share: float) -> float | None:
    """The smallest value that at least this share of all do not exceed."""
    if not values:
        return None
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def fly(door: CanaryDoor, plan: Plan, *, progress: Callable[[int], None] = lambda acknowledged: None) -> Findings:
    """Write as planned and watch. Raises DeliveryFailed when the server is not there to begin with."""
    run_id = f"canary-{datetime.now(UTC):%Y%m%dT%H%M%S}-{uuid.uuid4().hex[:8]}"
    tally = Tally()
    door.require_ready()
    patiently(lambda: door.announce(run_id, expected=plan.actions), plan.patience_seconds, tally)
    lookouts = [Lookout(door, way, plan.look_seconds, tally) for way in Way]
    writing = Writing(door, plan, run_id, lookouts, tally, progress)
    with _watching(lookouts):
        writing.write_all()
    acknowledged = sum(len(marked.source_ids) for marked in writing.acknowledged)
    patience = 0.0 if writing.refused else plan.patience_seconds  # which was over already
    try:
        patiently(lambda: door.finish(run_id, processed=acknowledged), patience, tally)
        processed = patiently(lambda: door.count_processed(run_id), patience, tally)
    except DeliveryFailed as error:
        tally.note_broken(error)
        processed = None
    return Findings(
        run_id=run_id,
        plan=plan,
        seconds=writing.seconds,
        written=writing.written,
        acknowledged=acknowledged,
        acknowledgement=writing.sighting(),
        sightings=tuple(_count_again(door, lookout, writing.acknowledged, patience, tally) for lookout in lookouts),
        processed=processed,
        refused=writing.refused,
        troubles=tally.troubles(),
    )


@contextmanager
def _watching(lookouts: Sequence[Lookout]) -> Iterator[None]:
    for lookout in lookouts:
        lookout.start()
    try:
        yield
    except BaseException:
        for lookout in lookouts:
            lookout.give_up()
        raise
    finally:
        for lookout in lookouts:
            lookout.close()


class Writing:
    """The requests of a plan, each written when it is due."""

    def __init__(
        self,
        door: CanaryDoor,
        plan: Plan,
        run_id: str,
        lookouts: Sequence[Lookout],
        tally: Tally,
        progress: Callable[[int], None],
    ) -> None:
        self.acknowledged: list[Marked] = []
        self.written = 0
        self.seconds = 0.0
        self.refused: str | None = None
        self._door = door
        self._plan = plan
        self._run_id = run_id
        self._lookouts = lookouts
        self._tally = tally
        self._progress = progress
        self._acknowledged_in: list[float] = []
        self._late: list[str] = []
        self._stopping = threading.Event()
        self._free = threading.BoundedSemaphore(WRITERS)
        self._lock = threading.Lock()

    def write_all(self) -> None:
        """Until the time is over or a request was given up, for the next would fare no better."""
        begun = due = time.monotonic()
        under_way: list[Future[None]] = []
        with ThreadPoolExecutor(WRITERS) as writers:
            try:
                for number in range(self._plan.requests):
                    self._stopping.wait(max(0.0, due - time.monotonic()))
                    self._free.acquire()
                    if self._stopping.is_set() or (number and time.monotonic() - begun > self._plan.seconds):
                        break
                    under_way.append(writers.submit(self._write, self._mark(number)))
                    due = max(due + 1 / self._plan.rate, time.monotonic())
            except BaseException:
                self._stopping.set()
                raise
        for each in under_way:
            each.result()
        self.seconds = time.monotonic() - begun

    def sighting(self) -> Sighting:
        return Sighting(way="acknowledgement", late=tuple(sorted(self._late)), seconds=tuple(self._acknowledged_in))

    def _mark(self, number: int) -> Marked:
        first, width = number * self._plan.batch, len(str(self._plan.actions))
        self.written += self._plan.batch
        return Marked(
            run_id=self._run_id,
            source_ids=tuple(f"{self._run_id}-{first + offset:0{width}}" for offset in range(self._plan.batch)),
            happened_at=datetime.now(UTC),
        )

    def _write(self, marked: Marked) -> None:
        try:
            seconds = patiently(
                lambda: self._door.write(marked), self._plan.patience_seconds, self._tally, self._stopping
            )
        except DeliveryFailed as error:
            self._stopping.set()
            with self._lock:
                self.refused = self.refused or error.message
            return
        finally:
            self._free.release()
        acknowledged_at = time.monotonic()
        for lookout in self._lookouts:
            lookout.expect(marked, acknowledged_at)
        with self._lock:
            self.acknowledged.append(marked)
            self._acknowledged_in.append(seconds)
            if seconds > self._plan.late_seconds:
                self._late.extend(marked.source_ids)
        self._progress(len(marked.source_ids))


def _count_again(
    door: CanaryDoor, lookout: Lookout, acknowledged: Sequence[Marked], patience_seconds: float, tally: Tally
) -> Sighting:
    """What a way shows in the end: an action it showed once may be gone by now, or may be there twice."""
    missing: set[str] = set()
    doubled = set(lookout.doubled)
    blind = None
    ordered = sorted(acknowledged, key=lambda marked: marked.happened_at)
    for start in range(0, len(ordered), COUNTED_AT_ONCE):
        part = ordered[start : start + COUNTED_AT_ONCE]
        try:
            seen = patiently(partial(door.look, lookout.way, Window.of(part)), patience_seconds, tally)
        except DeliveryFailed as error:
            blind = error.message
            break
        missing |= {source_id for marked in part for source_id in marked.source_ids if source_id not in seen}
        doubled |= {source_id for source_id, copies in seen.items() if copies > 1}
    return Sighting(
        way=lookout.way,
        missing=tuple(sorted(missing)),
        doubled=tuple(sorted(doubled)),
        late=tuple(sorted(lookout.late - missing)),
        seconds=tuple(lookout.seconds),
        blind=blind,
    )
