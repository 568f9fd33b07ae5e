"""The front door: whatever is to be remembered goes through a :class:`Recorder`.

When a method returns, what it was given is on disk and in the index. Any number of recorders, in any number of
processes, may work on one data folder.
"""

import io
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, cast

from ingest.action import Progress, Scope, Status
from ingest.awareness import Awareness
from ingest.committer import Committer, Submission
from ingest.compaction import Compactor
from ingest.errors import (
    IdempotencyKeyReused,
    ImpossibleStep,
    NotCancellable,
    RunNotFound,
)
from ingest.formats import Reject
from ingest.idempotency import Digest, InFlight
from ingest.index import Index, KeyTaken
from ingest.inputs import PROTOCOLS, reader_of
from ingest.lake import Lake
from ingest.mending import REPLAYED, Mend, Mended
from ingest.normalise import LineDefaults
from ingest.reading import Reading
from ingest.receipt import Receipt, RunReceipt, receipt_from_json
from ingest.replays import list_lost_notes
from ingest.run_id import check_run_id, require_run_id
from ingest.run_state import EventKind, RunEvent
from ingest.run_totals import RunRow
from ingest.text_faults import cleaned, require_texts
from ingest.timestamps import to_microseconds

__all__ = ["LineDefaults", "Receipt", "Recorder", "Reject", "RunAnnouncement", "RunChange", "RunReceipt"]

logger = logging.getLogger(__name__)

TOGETHER_BYTES = 64 << 10
"""Bodies in memory of at most this size share a commit; larger ones gain nothing by it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunAnnouncement:
    """What a sender says of a run before its actions."""

    run_id: str
    integration: str
    configuration: str | None = None
    trigger: str | None = None
    scope: Scope | None = None
    progress: Progress = Progress.RUNNING
    expected: int | None = None
    cancellable: bool = False
    attributes: dict[str, Any] = field(default_factory=dict)  # the sender's own JSON object


@dataclass(frozen=True, slots=True, kw_only=True)
class RunChange:
    """What a sender says of a run later on; None where nothing."""

    progress: Progress | None = None
    expected: int | None = None
    message: str | None = None
    status: Status | None = None
    claimed: dict[str, int] | None = None


class Recorder:
    """Takes actions and run events in. Safe for many threads."""

    def __init__(self, lake: Lake, index: Index, *, now: Callable[[], datetime]) -> None:
        self.lake = lake
        self.index = index
        self._now = now
        self._committer = Committer(lake, index, now=now)
        self._in_flight = InFlight()
        self._awareness = Awareness(lake, index, now_us=self.now_us)
        index.follow_file(before=lake.require_there, then=self.catch_up)

    @classmethod
    def open(
        cls, data: Path, *, index_url: str | None = None, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> "Recorder":
        """The recorder of a data folder, after recovering what a dead one left. Raises LakeError."""
        lake = Lake.open(data / "lake")
        recorder = cls(lake, Index(index_url or f"sqlite:///{data / 'index.sqlite'}"), now=now)
        try:
            lake.recover()
            recorder.catch_up()
            recorder.note_lost_replays()
        except BaseException:
            recorder.close()
            raise
        return recorder

    @classmethod
    def open_to_look(
        cls, data: Path, *, index_url: str, is_shared: bool, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> "Recorder":
        """Over a lake that may not be written, with an index elsewhere: nothing is recovered. Raises LakeError.

        The index is brought up to the lake, unless it is ``is_shared`` with those who write.
        """
        recorder = cls(Lake.open_to_look(data / "lake"), Index(index_url), now=now)
        try:
            if not is_shared:
                recorder.catch_up()
        except BaseException:
            recorder.close()
            raise
        return recorder

    def compactor(self, *, gives_way: bool = False) -> Compactor:
        """Whoever merges the batches of this lake; many may exist, one leads."""
        return Compactor(self.lake, self.index, now=self._now, catch_up=self.catch_up, gives_way=gives_way)

    def close(self) -> None:
        self._committer.close()
        self.index.close()

    def record(
        self,
        stream: BinaryIO,
        input_name: str,
        *,
        defaults: LineDefaults = LineDefaults(),  # noqa: B008 - frozen
        mapping: Mapping[str, str] | None = None,
        idempotency_key: str | None = None,
        atomic: bool = False,
        source: str = "",
        claims: Sequence[str] = (),
    ) -> Receipt:
        """Record a body of actions.

        ``mapping`` maps our fields to the sender's columns; ``atomic`` refuses everything when one line is refused;
        ``source`` says whence it came, for the rejects; ``claims`` are further keys it takes. Raises InvalidInput when
        the body as a whole is unusable, IdempotencyKeyReused when the key was used for another body, KeyTaken when a
        claim was, LakeUnavailable when it cannot be made durable.
        """
        if defaults.run_id is not None:
            require_run_id(defaults.run_id)
        require_texts({**_fields_of(defaults), "Idempotency-Key": idempotency_key})
        reader = reader_of(input_name)
        digest = Digest(stream, f"{input_name} {defaults} {mapping}") if idempotency_key else None
        body = stream if digest is None else cast(BinaryIO, digest)
        with self._in_flight.alone(idempotency_key):
            if idempotency_key and digest and (answered := self._find_answer(idempotency_key, digest)):
                return answered
            submission = Submission(
                reading=Reading(
                    reader(body),
                    defaults,
                    mapping or {},
                    received_us=self.now_us(),
                    is_protocol=input_name in PROTOCOLS,
                    atomic=atomic,
                ),
                source=cleaned(source),  # a file's name may be any bytes
                given=partial(_given, input_name, defaults, mapping or {}),
                claims=claims,
                key=idempotency_key,
                digest=str if digest is None else digest.hex,
            )
            commit = (
                self._committer.commit_together if _is_small(stream) and not claims else self._committer.commit_alone
            )
            try:
                return commit(submission)
            except KeyTaken:
                # By this request, or by another one it shared its commit with.
                if idempotency_key and digest and (answered := self._find_answer(idempotency_key, digest)):
                    return answered
                raise

    def replay(self, mended: Sequence[Mended], mend: Mend) -> int:
        """Record rejects that are right now, each once for ever; returns how many were not recorded before.

        Raises KeyTaken when another process replays one of them at this moment.
        """
        self.note_lost_replays()
        right = {each.reject.claim: each for each in mended if each.line is not None}
        taken = self.index.find_taken(list(right))
        fresh = [each for claim, each in sorted(right.items()) if claim not in taken]
        if fresh:
            body = "".join(json.dumps(each.line, ensure_ascii=False) + "\n" for each in fresh)
            claims = [each.reject.claim for each in fresh]
            receipt = self.record(io.BytesIO(body.encode()), "ndjson", source=REPLAYED, claims=claims)
            assert receipt.rejected == 0, "what was mended is right"
            self._committer.note_replayed([_note(each, mend) for each in fresh])
        return len(fresh)

    def note_lost_replays(self) -> None:
        """Say of rejects that they were replayed, where whoever replayed them could not any more."""
        lost = list_lost_notes(self.lake, self.index, now_us=self.now_us())
        if lost:
            self._committer.note_replayed(
                [{"code": REPLAYED, "message": "recorded after all", "replayed": reject_id} for reject_id in lost]
            )

    def announce_run(self, announcement: RunAnnouncement) -> bool:
        """Make a run known. False, and nothing changed, when it was announced before. Raises InvalidInput."""
        run_id = require_run_id(announcement.run_id)
        require_texts(_fields_of(announcement))
        with self._in_flight.alone(f"run {run_id}"):
            known = self.index.find_run(run_id)
            if known is not None and known["announced_us"] is not None:
                return False
            self._say(
                RunEvent(
                    run_id=run_id,
                    kind=EventKind.ANNOUNCED,
                    happened_at=self._now(),
                    integration=announcement.integration,
                    configuration=announcement.configuration,
                    trigger=announcement.trigger,
                    scope=announcement.scope,
                    progress=announcement.progress,
                    expected=announcement.expected,
                    cancellable=announcement.cancellable,
                    attributes=announcement.attributes or None,
                )
            )
            return True

    def change_run(self, run_id: str, change: RunChange) -> None:
        """Say how a run goes on. Raises RunNotFound, InvalidInput, ImpossibleStep for a progress it cannot come to."""
        require_texts(_fields_of(change))
        with self._in_flight.alone(f"run {run_id}"):
            now = Progress(self._require_run(run_id)["progress"])
            if change.progress is not None and not _can_step(now, change.progress):
                raise ImpossibleStep(f"run {run_id} is {now}, it cannot become {change.progress}", field="progress")
            self._say(
                RunEvent(
                    run_id=run_id,
                    kind=_KIND_OF_PROGRESS.get(change.progress, EventKind.PROGRESS),
                    happened_at=self._now(),
                    progress=change.progress,
                    status=change.status,
                    message=change.message,
                    expected=change.expected,
                    claimed=change.claimed,
                )
            )

    def request_cancel(self, run_id: str) -> None:
        """Ask the sender of a run to stop it. Raises RunNotFound, NotCancellable."""
        with self._in_flight.alone(f"run {run_id}"):
            row = self._require_run(run_id)
            if Progress(row["progress"]).is_over:
                raise NotCancellable(f"run {run_id} is over: {row['progress']}")
            if not row["cancellable"]:
                raise NotCancellable(f"run {run_id} was not announced as cancellable")
            self._say(RunEvent(run_id=run_id, kind=EventKind.ABORT_REQUESTED, happened_at=self._now()))

    def catch_up(self, progress: Callable[[int, int], None] = lambda done, of: None) -> int:
        """Index the batches in the lake that it does not know, and return how many: footers are read, not actions."""
        return self._awareness.catch_up(progress)

    def reindex(self, progress: Callable[[int, int], None] = lambda done, of: None) -> int:
        """Derive the index anew from the lake; returns how many batches it now knows, but for damaged ones.

        Pages show the old index until the new one is complete, and nothing that is recorded meanwhile is left out.
        Raises IndexDamaged.
        """
        return self._awareness.reindex(progress)

    def now_us(self) -> int:
        """Now, in microseconds since 1970 UTC."""
        return to_microseconds(self._now())

    def _find_answer(self, key: str, digest: Digest) -> Receipt | None:
        known = self.index.find_answer(key)
        if known is None:
            return None
        if digest.hex() != known.digest:
            raise IdempotencyKeyReused(
                "this idempotency key was used for another body",
                field="Idempotency-Key",
                hint="a new request needs a new key; the same key is for sending the same request again",
            )
        return receipt_from_json(known.answer)

    def _say(self, event: RunEvent) -> None:
        self._committer.commit_together(Submission(events=[event]))

    def _require_run(self, run_id: str) -> RunRow:
        row = None if check_run_id(run_id) else self.index.find_run(run_id)
        if row is None:
            raise RunNotFound(f"there is no run {run_id}", hint="GET /api/v1/runs lists the runs there are")
        return row


def _note(mended: Mended, mend: Mend) -> dict[str, Any]:
    """The row that says a reject was replayed, and how it was mended."""
    return {
        "source": mended.reject.source,
        "run_id": mended.action and mended.action["run_id"],
        "line": mended.reject.line,
        "code": REPLAYED,
        "message": "recorded after all",
        "given": mend.as_json(),
        "replayed": mended.reject.reject_id,
    }


def _fields_of(said: LineDefaults | RunAnnouncement | RunChange) -> dict[str, Any]:
    return {each.name: getattr(said, each.name) for each in fields(said)}


def _given(input_name: str, defaults: LineDefaults, mapping: Mapping[str, str]) -> str:
    """What a request says for all its lines, as JSON text."""
    said = {name: value for name, value in asdict(defaults).items() if value is not None}
    return json.dumps({"input": input_name, **said, **({"map": dict(mapping)} if mapping else {})}, ensure_ascii=False)


def _is_small(stream: BinaryIO) -> bool:
    """Whether a body is in memory and small. Asked by seeking: a view of its buffer would copy it."""
    if not isinstance(stream, io.BytesIO):
        return False
    place = stream.tell()
    size = stream.seek(0, io.SEEK_END) - place
    stream.seek(place)
    return size <= TOGETHER_BYTES


_KIND_OF_PROGRESS: Mapping[Progress | None, EventKind] = {
    Progress.RUNNING: EventKind.STARTED,
    Progress.ABORTION_PENDING: EventKind.ABORT_REQUESTED,
    Progress.ABORTED: EventKind.ABORTED,
    Progress.FINISHED: EventKind.FINISHED,
}


def _can_step(now: Progress, to: Progress) -> bool:
    """Forward, or nowhere; a sender that has not heard of an abortion yet may still say that it runs."""
    if now == to or (now, to) == (Progress.ABORTION_PENDING, Progress.RUNNING):
        return True
    return not now.is_over and list(Progress).index(to) > list(Progress).index(now)
