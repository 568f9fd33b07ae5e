"""Compaction: many small batches become few large ones, sorted so that what is read together lies together.

A merged batch names those it replaces. The index takes the one and lets go of the others in one transaction; their
files stay for a grace, because somebody may still be reading them. A kill at any point leaves either the old batches
live or the new one: a sealed merged batch that the index does not know is found when the lake is next opened, and
takes its place then. Only the holder of a lease in the index merges and removes.
"""

import itertools
import logging
import os
import socket
import threading
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import IO, Any, Protocol

import pyarrow as pa
import pyarrow.compute as pc

from ingest.batch import BatchIds, batch_id_at, received_us_of, seal_merged
from ingest.errors import BatchDamaged, LakeUnavailable
from ingest.fault_points import FaultPoint, reach
from ingest.footer import BatchFooter, KeptAnswer, RunSummary
from ingest.index import Addition, Index, NotReplaceable
from ingest.index_database import COMPACTION, COMPACTION_WANTED
from ingest.lake import MERGING, Lake, SealedBatch
from ingest.merged_blocks import FEW_ROWS, action_blocks, blocks_as_recorded
from ingest.missing_problems import with_problems
from ingest.problem_summary import ProblemSummary, merged_problems
from ingest.run_outline import RunOutline
from ingest.suspects import mark_if_damaged
from ingest.timestamps import to_microseconds
from ingest.token_index import TokenIndexWriter

logger = logging.getLogger(__name__)

MERGED_KINDS = ("actions", "runs", "rejects")
FULL_ROWS = 1_000_000
"""Rows a merged batch is meant to have."""
SETTLED_ROWS = FULL_ROWS // 2
"""A merged batch of so many rows is left as it is."""
FAN_IN = 64
"""Batches of about one size that are worth a merge."""
MOST_INPUTS = 1000
MOST_RUNS = 10_000
MOST_ANSWERS = 20_000
MOST_PROBLEMS = 20_000
"""Summaries, problems and answers are read whole with every footer: a merged batch has no more than so many."""

GRACE_SECONDS = 600.0
"""How long the files of replaced batches stay for those who read them."""
ANSWERS_SECONDS = 24 * 3600
"""How long a request with an idempotency key is remembered, at least."""
CATCH_UP_SECONDS = 3600
"""How often the leader looks for batches that were sealed and that the index was not told of."""
LEASE_SECONDS = 60.0
KEEP_FILES = "keep files"
"""The lease of whoever needs the files of replaced batches for longer than the grace."""

Keep = Callable[[pa.Table], pa.Array]
"""Says of each row of a table whether it stays: booleans without nulls."""

_REMOVED_AT_ONCE = 2000
_ALL = 1 << 62


class Batch(Protocol):
    """What choosing needs to know of a live batch: a row of the index's table."""

    batch_id: str
    rows: int
    bytes: int
    runs: int
    answers: int
    problems: int
    is_merged: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Leftover:
    """The files of replaced batches that are still there: how large, and when the last was replaced."""

    bytes: int
    replaced_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Merge:
    """A merge that was done: how many batches and bytes went in, and what came out."""

    kind: str
    batches: int
    rows: int
    bytes_before: int
    bytes_after: int


def choose(live: Sequence[Any], *, everything: bool = False) -> list[list[str]]:
    """Which batches to merge, each list into one; ``live`` are :class:`Batch` es, oldest first.

    Batches of about one size are merged once there are many of them, or enough for a full one: so every action is
    written again a few times at most. ``everything`` merges whatever is not settled.
    """
    groups: dict[int, list[Any]] = {}
    for batch in live:
        if not (batch.is_merged and batch.rows >= SETTLED_ROWS):
            groups.setdefault(0 if everything else _size_class(batch.rows), []).append(batch)
    chosen: list[list[str]] = []
    for group in groups.values():
        for some, is_full in fill(group):
            is_alone = len(some) == 1
            if is_alone and (some[0].is_merged or not (everything or is_full)):
                continue
            if everything or is_full or len(some) >= FAN_IN:
                chosen.append([batch.batch_id for batch in some])
    return chosen


def _size_class(rows: int) -> int:
    size_class = 0
    while rows >= FAN_IN:
        rows //= FAN_IN
        size_class += 1
    return size_class


def fill(group: Iterable[Any]) -> Iterator[tuple[list[Any], bool]]:
    """Cut a group into what fits one batch, and whether that is full."""
    some: list[Any] = []
    sums: Counter[str] = Counter()
    for batch in group:
        figures = {"inputs": 1} | {name: getattr(batch, name) for name in ("rows", "runs", "answers", "problems")}
        limits = {
            "inputs": MOST_INPUTS,
            "rows": FULL_ROWS,
            "runs": MOST_RUNS,
            "answers": MOST_ANSWERS,
            "problems": MOST_PROBLEMS,
        }
        if some and any(sums[name] + figures[name] > limits[name] for name in limits):
            yield some, True
            some, sums = [], Counter()
        some.append(batch)
        sums.update(figures)
    if some:
        yield some, sums["rows"] >= FULL_ROWS * 9 // 10


class Compactor:
    """Merges the batches of a lake while others write and read. One process leads; the others do nothing."""

    def __init__(
        self,
        lake: Lake,
        index: Index,
        *,
        now: Callable[[], datetime],
        catch_up: Callable[[], object],
        gives_way: bool = False,
    ) -> None:
        """``gives_way``: it leads only as long as nobody else :meth:`wish` es to."""
        self._lake = lake
        self._index = index
        self._now = now
        self._catch_up = catch_up
        self._ids = BatchIds(now)
        self._gives_way = gives_way
        self._holder = f"{socket.gethostname()} {os.getpid()} {uuid.uuid4()}"
        self._leads = False
        self._wishes = False
        self._up_to_date_us = 0

    @property
    def leads(self) -> bool:
        """Whether it did when that was last looked at."""
        return self._leads

    def wish(self) -> None:
        """Ask a leader that gives way to make room. It stands for a minute, or until this one leads or resigns."""
        now_us = self._now_us()
        self._wishes = self._index.take_lease(COMPACTION_WANTED, self._holder, now_us=now_us, seconds=LEASE_SECONDS)

    def lead(self) -> bool:
        """Become or stay the one that merges; False while another process does.

        Whoever comes to lead first lets the index know what a dead leader had sealed.
        """
        if self._gives_way and self._index.is_leased(COMPACTION_WANTED, now_us=self._now_us()):
            self.resign()
            return False
        may_lead = self._index.take_lease(COMPACTION, self._holder, now_us=self._now_us(), seconds=LEASE_SECONDS)
        if may_lead and not self._leads:
            self._end_wish()
            self._lake.recover()
            self._bring_up_to_date()
        self._leads = may_lead
        return self._leads

    @contextmanager
    def holding(self) -> Iterator[None]:
        """Keep the lead during something that may take longer than a lease, on a thread beside it."""
        ended = threading.Event()

        def hold() -> None:
            while not ended.wait(LEASE_SECONDS / 4):
                with suppress(LakeUnavailable):
                    self._index.take_lease(COMPACTION, self._holder, now_us=self._now_us(), seconds=LEASE_SECONDS)

        thread = threading.Thread(target=hold, name="lease", daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

    def resign(self) -> None:
        self._end_wish()
        if self._leads:
            self._index.end_lease(COMPACTION, self._holder)
            self._leads = False

    def compact(
        self,
        *,
        everything: bool = False,
        stopping: threading.Event | None = None,
        progress: Callable[[int, int], None] = lambda done, of: None,
    ) -> Iterator[Merge]:
        """Merge what is worth it, one merge after the other, as long as this process leads."""
        for kind in MERGED_KINDS:
            chosen = choose(self._index.list_live(kind), everything=everything)
            for done, batch_ids in enumerate(chosen, start=1):
                if (stopping is not None and stopping.is_set()) or not self.lead():
                    return
                if merge := self.merge(kind, batch_ids):
                    yield merge
                progress(done, len(chosen))

    def merge(self, kind: str, batch_ids: Sequence[str], keep: Keep | None = None) -> Merge | None:
        """Make one batch of several, of the rows that stay.

        None when one of them cannot be read, or when another process was faster: then nothing has changed.
        """
        merged_id = self._ids.next()
        reach(FaultPoint.MERGE_CHOSEN)
        try:
            before = [with_problems(self._lake, self._lake.read_footer(kind, batch_id)) for batch_id in batch_ids]
            after = self._lake.put(kind, merged_id, self._writing(merged_id, before, keep), unfinished=MERGING)
        except BatchDamaged as error:
            logger.error("batches not merged", extra={"reason": error.message})
            mark_if_damaged(self._lake, self._index, kind, batch_ids, now_us=self._now_us())
            return None
        reach(FaultPoint.MERGE_SEALED if keep is None else FaultPoint.RETENTION_REWRITTEN)
        try:
            self._index.replace(Addition(batch=after), holder=self._holder, at_us=self._now_us())
        except NotReplaceable:
            self._leads = False
            self._index.discard([merged_id], lambda unknown: self._lake.remove(kind, unknown))
            return None
        except LakeUnavailable:
            self._leads = False  # whoever leads next lets the index know of it, before its inputs are merged again
            raise
        reach(FaultPoint.MERGE_SWAPPED if keep is None else FaultPoint.RETENTION_SWAPPED)
        return Merge(
            kind=kind,
            batches=len(batch_ids),
            rows=after.footer.rows,
            bytes_before=sum(batch.size for batch in before),
            bytes_after=after.size,
        )

    def sweep(self, grace_seconds: float = GRACE_SECONDS) -> int:
        """Delete the files of batches replaced longer ago than the grace; returns the bytes freed.

        In the order they were replaced: a batch goes after those it had itself replaced, or they would seem live again
        to whoever knows the files alone. Every hour it lets the index know of batches that it was not told of.
        """
        now_us = self._now_us()
        if not self.lead() or self._index.is_leased(KEEP_FILES, now_us=now_us):
            return 0
        freed = 0
        before_us = now_us - int(grace_seconds * 1_000_000)
        while rows := self._index.list_replaced(before_us, _REMOVED_AT_ONCE):
            for (_, kind), some in itertools.groupby(rows, key=lambda row: (row.by, row.kind)):
                freed += self._lake.remove(kind, [row.batch_id for row in some])
            self._index.forget_replaced([row.batch_id for row in rows])
            if not self.lead():
                break
        if now_us - self._up_to_date_us >= CATCH_UP_SECONDS * 1_000_000:
            self._bring_up_to_date()  # what was sealed and not made known is told by its keys only while they are kept
        self._index.forget_answers(batch_id_at(now_us - ANSWERS_SECONDS * 1_000_000))
        return freed

    def _bring_up_to_date(self) -> None:
        self._catch_up()
        self._up_to_date_us = self._now_us()

    def find_leftover(self) -> Leftover | None:
        """What a later sweep will delete."""
        rows = self._index.list_replaced(self._now_us() + 1, _ALL)
        if not rows:
            return None
        size = sum(self._lake.size_on_disk(row.kind, row.batch_id) for row in rows)
        return Leftover(bytes=size, replaced_us=rows[-1].at_us)

    def _end_wish(self) -> None:
        if self._wishes:
            self._index.end_lease(COMPACTION_WANTED, self._holder)
            self._wishes = False

    def _writing(
        self, merged_id: str, before: Sequence[SealedBatch], keep: Keep | None
    ) -> Callable[[IO[bytes]], BatchFooter]:
        footers = [batch.footer for batch in before]
        kind = footers[0].kind
        gone: Counter[str] = Counter()

        def write(sink: IO[bytes]) -> BatchFooter:
            merged = merged_summaries(footers)
            outlines: dict[str, RunOutline] = {}
            rows = _Kept(keep, gone).of(self._lake.read_in_parts(kind, [footer.batch_id for footer in footers]))
            blocks = action_blocks(rows, merged, outlines) if kind == "actions" else blocks_as_recorded(rows)
            tokens = TokenIndexWriter() if kind == "actions" and _rows_of(footers) >= FEW_ROWS else None
            footer = seal_merged(
                sink,
                kind,
                merged_id,
                blocks if tokens is None else _indexed(blocks, tokens),
                summaries=lambda: (
                    replace(run, gone=run.gone + gone[run.run_id], outline=outlines.get(run.run_id)) for run in merged
                ),
                problems=_problems_of(footers) if kind == "actions" else None,
                answers=self._young_answers(footers),
                replaces=[footer.batch_id for footer in footers],
            )
            if tokens is not None:
                self._lake.put_token_index(merged_id, tokens.write)
            return footer

        return write

    def _young_answers(self, footers: Iterable[BatchFooter]) -> list[KeptAnswer]:
        """The answers that a request sent again may still ask for."""
        oldest = batch_id_at(self._now_us() - ANSWERS_SECONDS * 1_000_000)
        return [answer for footer in footers if footer.batch_id >= oldest for answer in footer.answers]

    def _now_us(self) -> int:
        return to_microseconds(self._now())


def merged_summaries(footers: Iterable[BatchFooter]) -> list[RunSummary]:
    """What batches say of their runs, added up: a summary a run, in the order the runs began."""
    merged: dict[str, RunSummary] = {}
    for footer in footers:
        for summary in footer.runs:
            heard_us = received_us_of(footer.batch_id) if summary.heard_us is None else summary.heard_us
            summary = replace(summary, heard_us=heard_us)
            known = merged.get(summary.run_id)
            merged[summary.run_id] = summary if known is None else known + summary
    return sorted(merged.values(), key=lambda summary: (summary.first_us, summary.run_id))


def _problems_of(footers: Iterable[BatchFooter]) -> list[ProblemSummary]:
    return merged_problems(problem for footer in footers for problem in footer.problems or ())


class _Kept:
    """Lets rows pass that stay, and counts the others by run."""

    def __init__(self, keep: Keep | None, gone: Counter[str]) -> None:
        self._keep = keep
        self._gone = gone

    def of(self, tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
        if self._keep is None:
            yield from tables
            return
        for table in tables:
            stays = self._keep(table)
            if "run_id" in table.column_names:
                for run in table["run_id"].filter(pc.invert(stays)).value_counts().to_pylist():
                    self._gone[run["values"]] += run["counts"]
            yield table.filter(stays)


def _rows_of(footers: Iterable[BatchFooter]) -> int:
    return sum(footer.rows for footer in footers)


def _indexed(blocks: Iterable[pa.Table], tokens: TokenIndexWriter) -> Iterator[pa.Table]:
    for block in blocks:
        tokens.add_block(block)
        yield block
