"""Retention: rows that are older than the rules allow are taken out of their batches; what was counted of them stays.

A batch is written anew without its due rows, as compaction merges: the same lease, the same exchange in the index, so
a kill at any point leaves either the old batch live or the new one. Summaries keep their counts and say in ``gone``
how many of the counted rows are not there any more. A batch without rows is left as one that only carries summaries.

On schedule a batch is written anew once :data:`WORTH_SHARE` of its rows are due, or its oldest due row has been so for
:data:`LATE_SECONDS`: a batch of many days would otherwise be written anew every day. Whoever asks by hand gets all.
"""

import logging
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa

from ingest.batch import received_us_of
from ingest.compaction import Compactor, fill
from ingest.errors import BatchDamaged
from ingest.index import Index
from ingest.lake import Lake
from ingest.retention_candidates import LiveBatch, list_live_batches, may_be_due
from ingest.retention_rows import EXAMPLE_COLUMNS, JUDGED_COLUMNS, Judge
from ingest.retention_rules import Outcome, Rules
from ingest.timestamps import to_microseconds

logger = logging.getLogger(__name__)

WORTH_SHARE = 0.05
LATE_SECONDS = 7 * 24 * 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """Rows that go: how many of which integration and outcome, and when the oldest was received.

    ``bytes`` is their share of the files they are in. The integration is None for rejects of a run nobody knows.
    """

    integration: str | None
    outcome: Outcome
    rows: int
    bytes: int
    oldest_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DueBatch:
    """A live batch with rows that are due."""

    kind: str
    batch_id: str
    rows: int
    bytes: int
    runs: int
    answers: int
    problems: int
    dues: tuple[Due, ...]

    @property
    def due_rows(self) -> int:
        return sum(due.rows for due in self.dues)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What would be removed at one moment."""

    batches: tuple[DueBatch, ...]
    judge: Judge

    @property
    def dues(self) -> list[Due]:
        return total(due for batch in self.batches for due in batch.dues)


@dataclass(frozen=True, slots=True, kw_only=True)
class Removal:
    """What was removed by writing some batches anew as one."""

    batches: int
    dues: tuple[Due, ...]
    bytes_before: int
    bytes_after: int


def plan(
    lake: Lake,
    index: Index,
    rules: Rules,
    *,
    now: datetime,
    everything: bool = True,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> Plan:
    """Which batches hold rows that are due, and how many. ``everything``: also where it is hardly worth it yet.

    The index and the footers say which batches can hold any; of these, and for the examples of those with failures,
    a few columns are read.
    """
    judge = Judge(index, rules, now_us=to_microseconds(now))
    if not rules.remove_something:
        return Plan(batches=(), judge=judge)
    live = list_live_batches(index, rules)
    candidates = [batch for batch in live if may_be_due(lake, judge, batch)]
    _keep_examples(lake, judge, live, candidates)
    found = []
    for done, batch in enumerate(candidates, start=1):
        due = _examine(lake, judge, batch)
        if due is not None and (everything or _is_worth_it(judge, due)):
            found.append(due)
        progress(done, len(candidates))
    return Plan(batches=tuple(found), judge=judge)


def carry_out(
    plan: Plan,
    compactor: Compactor,
    *,
    stopping: threading.Event | None = None,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> Iterator[Removal]:
    """Remove what was planned, as long as this process leads.

    Batches of about a full one become one. Where one of them cannot be read each is written anew by itself, and that
    one is left, as is one that another process has changed meanwhile.
    """
    groups = [
        (kind, some)
        for kind in JUDGED_COLUMNS
        for some, _ in fill([batch for batch in plan.batches if batch.kind == kind])
    ]

    def may_go_on() -> bool:
        return not (stopping is not None and stopping.is_set()) and compactor.lead()

    for done, (kind, some) in enumerate(groups, start=1):
        yield from _remove(plan, compactor, kind, some, may_go_on)
        progress(done, len(groups))


def _remove(
    plan: Plan, compactor: Compactor, kind: str, some: Sequence[DueBatch], may_go_on: Callable[[], bool]
) -> Iterator[Removal]:
    if not may_go_on():
        return
    merge = compactor.merge(kind, [batch.batch_id for batch in some], keep=plan.judge.keep)
    if merge is not None:
        yield Removal(
            batches=len(some),
            dues=tuple(total(due for batch in some for due in batch.dues)),
            bytes_before=merge.bytes_before,
            bytes_after=merge.bytes_after,
        )
    elif len(some) > 1:
        for batch in some:
            yield from _remove(plan, compactor, kind, [batch], may_go_on)


def total(dues: Iterable[Due]) -> list[Due]:
    """One for each integration and outcome, in the order of these."""
    sums: dict[tuple[str | None, Outcome], Due] = {}
    for due in dues:
        known = sums.get((due.integration, due.outcome))
        sums[due.integration, due.outcome] = due if known is None else _sum(known, due)
    return [sums[key] for key in sorted(sums, key=lambda key: (key[0] or "", list(Outcome).index(key[1])))]


def _sum(one: Due, other: Due) -> Due:
    return Due(
        integration=one.integration,
        outcome=one.outcome,
        rows=one.rows + other.rows,
        bytes=one.bytes + other.bytes,
        oldest_us=min(one.oldest_us, other.oldest_us),
    )


def _keep_examples(lake: Lake, judge: Judge, live: Sequence[LiveBatch], candidates: Sequence[LiveBatch]) -> None:
    """Let the judge know the examples of the integrations of which failures may be due."""
    integrations = frozenset(
        integration
        for batch in candidates
        for integration, outcome in batch.outcomes
        if outcome is Outcome.FAILURE
        and judge.rules.of(integration).keep_examples
        and judge.limit_us(integration, outcome) is not None
    )
    failed = {(integration, Outcome.FAILURE) for integration in integrations}
    holders = [batch for batch in live if batch.kind == "actions" and failed & batch.outcomes]
    judge.keep_examples((table for batch in holders for table in _read(lake, batch, EXAMPLE_COLUMNS)), integrations)


def _examine(lake: Lake, judge: Judge, batch: LiveBatch) -> DueBatch | None:
    """Count what is due in a batch; None where nothing is."""
    counts: Counter[tuple[str | None, str]] = Counter()
    oldest: dict[tuple[str | None, str], str] = {}
    for judged in map(judge.judge, _read(lake, batch, JUDGED_COLUMNS[batch.kind])):
        groups = judged.filter(judged["due"]).group_by(["integration", "outcome"])
        for group in groups.aggregate([([], "count_all"), ("batch_id", "min")]).to_pylist():
            key = group["integration"], group["outcome"]
            counts[key] += group["count_all"]
            oldest[key] = min(oldest.get(key, group["batch_id_min"]), group["batch_id_min"])
    if not counts:
        return None
    return DueBatch(
        kind=batch.kind,
        batch_id=batch.row.batch_id,
        rows=batch.row.rows,
        bytes=batch.row.bytes,
        runs=batch.row.runs,
        answers=batch.row.answers,
        problems=batch.row.problems,
        dues=tuple(
            total(
                Due(
                    integration=integration,
                    outcome=Outcome(outcome),
                    rows=rows,
                    bytes=batch.row.bytes * rows // batch.row.rows,
                    oldest_us=received_us_of(oldest[integration, outcome]),
                )
                for (integration, outcome), rows in counts.items()
            )
        ),
    )


def _read(lake: Lake, batch: LiveBatch, columns: Sequence[str]) -> Iterator[pa.Table]:
    """Some columns of a batch; of one that cannot be read nothing, so that it stays."""
    try:
        yield from lake.read_in_parts(batch.kind, [batch.row.batch_id], columns)
    except BatchDamaged as error:
        logger.error("batch left as it is", extra={"reason": error.message})


def _is_worth_it(judge: Judge, batch: DueBatch) -> bool:
    limits = ((judge.limit_us(due.integration, due.outcome), due.oldest_us) for due in batch.dues)
    late_us = max(limit_us - oldest_us for limit_us, oldest_us in limits if limit_us is not None)
    return batch.due_rows >= batch.rows * WORTH_SHARE or late_us > LATE_SECONDS * 1_000_000
