"""From submissions to an acknowledgement: batches sealed in the lake, one index transaction, receipts.

Small submissions that wait together share their batches; a large one has batches of its own, read and sealed on one of
as many threads as there are cores.
"""

import itertools
import json
import logging
import os
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import IO, Any

import pyarrow as pa
import pyarrow.compute as pc

from ingest.action import UNKNOWN_INTEGRATION
from ingest.batch import BatchIds, received_us_of, seal
from ingest.errors import LakeUnavailable, OutcomeUnknown
from ingest.fault_points import FaultPoint, reach
from ingest.footer import BatchFooter, KeptAnswer
from ingest.formats import Reject
from ingest.group_commit import GroupCommit
from ingest.index import Addition, Index
from ingest.lake import Lake, SealedBatch
from ingest.normalise import table_of
from ingest.reading import AllOrNothing, Piece, Reading, Refusals
from ingest.receipt import Receipt, RunReceipt
from ingest.run_state import RunEvent
from ingest.schema import REJECT_SCHEMA, RUN_EVENT_SCHEMA
from ingest.timestamps import INSTANT

logger = logging.getLogger(__name__)

INDEX_PATIENCE_SECONDS = 5.0
"""How long a commit waits for those before it: if one of them waits for a locked index, this one would in turn."""


@dataclass(slots=True, kw_only=True)
class Submission:
    """What one request wants recorded, and what became of it. Its body is read when it is committed."""

    reading: Reading | None = None
    events: list[RunEvent] = field(default_factory=list)
    source: str = ""
    given: Callable[[], str | None] = lambda: None  # what was said for all its lines, as JSON text
    claims: Sequence[str] = ()
    """Keys that are taken with it: nobody may have used one of them before."""
    key: str | None = None
    digest: Callable[[], str] = str  # asked for once the body has been read
    accepted: Counter[str] = field(default_factory=Counter)  # actions by run
    receipt: Receipt | None = None
    error: Exception | None = None

    @property
    def refusals(self) -> Refusals:
        return Refusals() if self.reading is None else self.reading.refusals

    @property
    def all_events(self) -> list[RunEvent]:
        return self.events if self.reading is None else [*self.events, *self.reading.events]

    def read_whole(self) -> list[Piece]:
        """All its pieces; none, and the error kept, when its body cannot be read."""
        if self.reading is None:
            return []
        try:
            pieces = [piece for piece in self.reading.pieces() if len(piece)]
        except AllOrNothing:
            return [piece for piece in self.reading.rejects_alone() if len(piece)]
        except Exception as error:
            self.error, self.reading = error, None
            return []
        for piece in pieces:
            self.count(piece)
        return pieces

    def tables_alone(self, pieces: list[Piece]) -> list[pa.Table]:
        """Its pieces as tables; none, and the error kept, when they cannot be."""
        try:
            return _tables_of(pieces)
        except Exception as error:
            self.error, self.reading = error, None
            return []

    def count(self, piece: Piece) -> None:
        """Remember how many actions of which run a piece holds."""
        if isinstance(piece, list):
            self.accepted.update(row["run_id"] for row in piece)
            return
        for run in piece["run_id"].value_counts().to_pylist():
            self.accepted[run["values"]] += run["counts"]

    def answer(self) -> Receipt:
        """The receipt, once committed. Raises what made the body unreadable."""
        if self.error is not None:
            raise self.error
        assert self.receipt is not None, "a committed submission has its receipt"
        return self.receipt


class Committer:
    """Makes submissions durable. Safe for many threads."""

    def __init__(self, lake: Lake, index: Index, *, now: Callable[[], datetime]) -> None:
        self._lake = lake
        self._index = index
        self._ids = BatchIds(now)
        self._group: GroupCommit[Submission] = GroupCommit(self._commit_group)
        self._large = ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="large body")
        self._index_turn = threading.Lock()

    def close(self) -> None:
        self._group.close()
        self._large.shutdown()

    def commit_together(self, submission: Submission) -> Receipt:
        """Share a commit with whoever else waits: for small submissions, which are also read on the commit's thread.

        Reading them there, one after the other, keeps many small requests from fighting for the interpreter.
        """
        self._group.submit(submission)
        return submission.answer()

    def commit_alone(self, submission: Submission) -> Receipt:
        """Read and commit without waiting for others: for large submissions.

        There is a thread for each core, however many senders there are: more would only fight for them, and each would
        fault in memory of its own that another has just given back.
        """
        self._large.submit(self._commit_large, submission).result()
        return submission.answer()

    def _commit_large(self, submission: Submission) -> None:
        try:
            self._commit([submission], lambda additions: self._tables_as_read(submission, additions))
        except AllOrNothing:
            submission.accepted.clear()
            self._commit_group([submission])

    def _commit_group(self, submissions: Sequence[Submission]) -> None:
        self._commit(submissions, lambda _: self._one_table(submissions))

    def _commit(self, submissions: Sequence[Submission], read: Callable[[list[Addition]], Iterator[pa.Table]]) -> None:
        additions: list[Addition] = []
        is_sealed = False
        try:
            self._seal_actions(submissions, read(additions), additions)
            reach(FaultPoint.SEALED)
            is_sealed = True
            self._tell_index(additions)
        except OutcomeUnknown:
            raise  # deleting what may have been recorded would lose it; whoever opens or maintains the lake can tell
        except BaseException as error:
            is_known = self._take_back(additions)
            if not (is_known and is_sealed and isinstance(error, LakeUnavailable)):
                raise  # else somebody who opened the lake just now has told the index of all of it
        reach(FaultPoint.INDEXED)

    def _tell_index(self, additions: Sequence[Addition]) -> None:
        if not self._index_turn.acquire(timeout=INDEX_PATIENCE_SECONDS):
            raise LakeUnavailable("the index is busy", hint="try again in a moment")
        try:
            self._index.add_new(additions)
        except OutcomeUnknown as error:
            if not self._was_told(additions):
                raise LakeUnavailable(error.message, hint="try again in a moment") from error
        finally:
            self._index_turn.release()

    def _was_told(self, additions: Sequence[Addition]) -> bool:
        """Whether the index took these although it did not say so. Raises OutcomeUnknown when that cannot be asked."""
        try:
            return self._index.has_all([addition.batch_id for addition in additions])
        except LakeUnavailable as error:
            raise OutcomeUnknown(
                f"nobody can tell whether this was recorded: {error.message}",
                hint="send it again with the same idempotency key; without one it may count twice",
            ) from error

    def _take_back(self, additions: Sequence[Addition]) -> bool:
        """Nobody will be told that these are safe. They are not kept aside: a full disk would never be less full.

        Only for what this process has certainly not made known. What the index has all the same, because somebody who
        opened the lake just now told it, stays; returns whether that is all of it.
        """
        known = self._known_among(additions)
        for footer in (addition.batch.footer for addition in additions):
            if footer.batch_id in known:
                continue
            try:
                self._lake.remove(footer.kind, [footer.batch_id])
            except OSError as error:
                logger.warning("refused batch left in the lake", extra={"reason": str(error)})
        return len(known) == len(additions)

    def _known_among(self, additions: Sequence[Addition]) -> set[str]:
        try:
            return self._index.find_known([addition.batch_id for addition in additions])
        except LakeUnavailable:  # then nobody else can have told it just now
            return set()

    def _seal_actions(
        self, submissions: Sequence[Submission], tables: Iterator[pa.Table], additions: list[Addition]
    ) -> None:
        """Seal the actions last: by then what was refused of them is safe, and the answers are known."""
        batch_id = self._ids.next()
        first = next(tables, None)
        if first is None:
            self._seal_rest(submissions, additions, None)
            return

        def write(sink: IO[bytes]) -> BatchFooter:
            return seal(
                sink,
                "actions",
                batch_id,
                itertools.chain([first], tables),
                lambda: self._seal_rest(submissions, additions, batch_id),
            )

        additions.append(Addition(batch=self._lake.put("actions", batch_id, write)))

    def _one_table(self, submissions: Sequence[Submission]) -> Iterator[pa.Table]:
        """What several small submissions hold together, as one table."""
        read = [(submission, submission.read_whole()) for submission in submissions]
        try:
            tables = _tables_of([piece for _, pieces in read for piece in pieces])
        except Exception:  # whoever sent what no table can hold fails, and nobody else
            tables = [table for submission, pieces in read for table in submission.tables_alone(pieces)]
        if tables:
            yield self._with_integrations(pa.concat_tables(tables).combine_chunks())

    def _tables_as_read(self, submission: Submission, additions: list[Addition]) -> Iterator[pa.Table]:
        if submission.reading is None:
            return
        for piece in submission.reading.pieces():
            if submission.refusals.are_many:
                rejects = [(submission, reject) for reject in submission.refusals.release()]
                additions.append(self._seal_rejects(self._ids.next(), rejects, []))
            if len(piece):
                submission.count(piece)
                yield self._with_integrations(table_of(piece) if isinstance(piece, list) else piece)

    def _with_integrations(self, table: pa.Table) -> pa.Table:
        """Lines that do not name their integration have that of their run, as far as it is known."""
        column = table["integration"]
        if column.null_count == 0:
            return table
        runs = table["run_id"].combine_chunks().dictionary_encode()
        named = table.select(["run_id", "integration"]).filter(column.is_valid()).group_by("run_id", use_threads=False)
        known = {row["run_id"]: row["integration_min"] for row in named.aggregate([("integration", "min")]).to_pylist()}
        recorded = self._index.find_integrations(runs.dictionary.to_pylist())
        known |= {run_id: name for run_id, name in recorded.items() if name != UNKNOWN_INTEGRATION}
        said = pa.array([known.get(run_id, UNKNOWN_INTEGRATION) for run_id in runs.dictionary.to_pylist()], pa.string())
        filled = pc.coalesce(column, said.take(runs.indices))
        return table.set_column(table.schema.get_field_index("integration"), "integration", filled)

    def _seal_rest(
        self, submissions: Sequence[Submission], additions: list[Addition], actions_id: str | None
    ) -> list[KeptAnswer]:
        """Seal events and rejects, settle the receipts, and return the answers the last batch has to keep."""
        events = [event for submission in submissions for event in submission.all_events]
        rejects = [(submission, reject) for submission in submissions for reject in submission.refusals.release()]
        events_id = self._ids.next() if events else None
        rejects_id = self._ids.next() if rejects else None
        submissions = [submission for submission in submissions if submission.error is None]
        for submission in submissions:
            submission.receipt = _receipt(submission, actions_id or events_id)
        answers = [
            KeptAnswer(key=submission.key, digest=submission.digest(), answer=submission.answer().as_json())
            for submission in submissions
            if submission.key is not None
        ]
        answers += [
            KeptAnswer(key=claim, digest="", answer="") for submission in submissions for claim in submission.claims
        ]
        keeper = actions_id or events_id or rejects_id
        if rejects_id:
            additions.append(self._seal_rejects(rejects_id, rejects, answers if keeper == rejects_id else []))
        if events_id:
            kept = answers if keeper == events_id else []
            batch = self._put("runs", events_id, event_table(events), kept)
            additions.append(Addition(batch=batch, events=tuple(events)))
        return answers if actions_id else []

    def _seal_rejects(
        self, batch_id: str, rejects: list[tuple[Submission, Reject]], kept: list[KeptAnswer]
    ) -> Addition:
        table = _reject_table(rejects, received_us_of(batch_id))
        return Addition(batch=self._put("rejects", batch_id, table, kept))

    def note_replayed(self, notes: Sequence[Mapping[str, Any]]) -> None:
        """Put rows into the lake that say which rejects were recorded after all."""
        batch_id = self._ids.next()
        table = _reject_rows(notes, received_us_of(batch_id))

        def seal_notes(additions: list[Addition]) -> Iterator[pa.Table]:
            additions.append(Addition(batch=self._put("rejects", batch_id, table, [])))
            yield from ()

        self._commit([], seal_notes)

    def _put(self, kind: str, batch_id: str, table: pa.Table, answers: list[KeptAnswer]) -> SealedBatch:
        return self._lake.put(kind, batch_id, lambda sink: seal(sink, kind, batch_id, iter([table]), lambda: answers))


def _tables_of(pieces: Sequence[Piece]) -> list[pa.Table]:
    """Pieces as tables, what came as rows as one."""
    tables = [piece for piece in pieces if not isinstance(piece, list)]
    rows = [row for piece in pieces if isinstance(piece, list) for row in piece]
    return [*tables, table_of(rows)] if rows else tables


def event_table(events: Sequence[RunEvent]) -> pa.Table:
    """Run events as rows of RUN_EVENT_SCHEMA without batch_id and row."""
    names = [name for name in RUN_EVENT_SCHEMA.names if name not in ("batch_id", "row")]
    rows = []
    for event in events:
        row = {name: getattr(event, name) for name in names}
        row["claimed"] = None if event.claimed is None else json.dumps(event.claimed)
        row["attributes"] = None if event.attributes is None else json.dumps(event.attributes, ensure_ascii=False)
        rows.append(row)
    return pa.Table.from_pylist(rows, pa.schema([RUN_EVENT_SCHEMA.field(name) for name in names]))


def _reject_table(rejects: Sequence[tuple[Submission, Reject]], received_us: int) -> pa.Table:
    given = {id(submission): submission.given() for submission in {id(each): each for each, _ in rejects}.values()}
    rows = [
        {"source": submission.source, "given": given[id(submission)], **asdict(reject)}
        for submission, reject in rejects
    ]
    return _reject_rows(rows, received_us)


def _reject_rows(rows: Sequence[Mapping[str, Any]], received_us: int) -> pa.Table:
    """Rows of REJECT_SCHEMA without batch_id and row; what a row does not say is null."""
    received = pa.scalar(received_us, pa.int64()).cast(INSTANT).as_py()
    schema = pa.schema([field for field in REJECT_SCHEMA if field.name not in ("batch_id", "row")])
    return pa.Table.from_pylist([{**row, "received_at": received} for row in rows], schema)


def _receipt(submission: Submission, batch_id: str | None) -> Receipt:
    accepted = submission.accepted.total()
    return Receipt(
        batch_id=batch_id if accepted or submission.all_events else None,
        accepted=accepted,
        rejected=submission.refusals.total,
        rejects=tuple(submission.refusals.shown),
        runs=tuple(RunReceipt(run_id=run_id, accepted=count) for run_id, count in sorted(submission.accepted.items())),
    )
