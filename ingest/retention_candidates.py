"""Which batches can hold rows that are due: asked of the index and of footers, no row is read."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from ingest.action import Status
from ingest.batch import received_us_of
from ingest.counts import COUNT_COLUMNS
from ingest.errors import BatchDamaged
from ingest.index import Index
from ingest.index_tables import batch_runs, runs
from ingest.lake import Lake
from ingest.retention_rows import Judge
from ingest.retention_rules import Outcome, Rules

logger = logging.getLogger(__name__)

Outcomes = set[tuple[str | None, Outcome]]
"""Integrations with an outcome; None is the integration of runs nobody knows."""

_OKS = [name for name in COUNT_COLUMNS if name.endswith(f"_{Status.OK}".lower())]
_FAILURES = [name for name in COUNT_COLUMNS if name not in _OKS]


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveBatch:
    """A live batch with rows, as a row of the index's table, and what these may be."""

    kind: str
    row: sa.Row[Any]
    outcomes: Outcomes


def list_live_batches(index: Index, rules: Rules) -> list[LiveBatch]:
    """The batches of actions and of rejects that have rows."""
    outcomes = _outcomes_by_batch(index)
    # Of which integrations rejects are the index does not know: of any that has a rule.
    any_reject: Outcomes = {(integration, Outcome.REJECT) for integration in (None, *rules.integrations)}
    actions = [
        LiveBatch(kind="actions", row=row, outcomes=outcomes.get(row.batch_id, set()))
        for row in index.list_live("actions")
    ]
    rejects = [LiveBatch(kind="rejects", row=row, outcomes=any_reject) for row in index.list_live("rejects")]
    return [batch for batch in (*actions, *rejects) if batch.row.rows]


def may_be_due(lake: Lake, judge: Judge, batch: LiveBatch) -> bool:
    """Whether a rule is about what may be in a batch, and the batch is old enough."""
    limits = [judge.limit_us(integration, outcome) for integration, outcome in batch.outcomes]
    latest_us = max((limit for limit in limits if limit is not None), default=None)
    if latest_us is None:
        return False
    oldest_id = batch.row.batch_id
    if batch.row.is_merged:
        try:
            oldest_id = lake.least_batch_id(batch.kind, batch.row.batch_id)
        except BatchDamaged as error:
            logger.error("batch left as it is", extra={"reason": error.message})
            return False
    return received_us_of(oldest_id) < latest_us


def _outcomes_by_batch(index: Index) -> dict[str, Outcomes]:
    """What each batch may still hold: how many rows are gone is known, but not of which outcome they were."""
    statement = (
        sa.select(
            batch_runs.c.batch_id,
            runs.c.integration,
            _sum_of(_OKS).label("oks"),
            _sum_of(_FAILURES).label("failures"),
            _sum_of(["gone"]).label("gone"),
        )
        .join(runs, runs.c.run_id == batch_runs.c.run_id)
        .group_by(batch_runs.c.batch_id, runs.c.integration)
    )
    found: dict[str, Outcomes] = {}
    with index.reading() as connection:
        for row in connection.execute(statement):
            if row.gone < row.oks + row.failures:
                counted = {Outcome.OK: row.oks, Outcome.FAILURE: row.failures}
                some = {(row.integration, outcome) for outcome, count in counted.items() if count}
                found.setdefault(row.batch_id, set()).update(some)
    return found


def _sum_of(names: Sequence[str]) -> sa.ColumnElement[int]:
    """PostgreSQL sums large numbers to a decimal fraction."""
    added: sa.ColumnElement[int] = sa.literal(0)
    for name in names:
        added = added + batch_runs.c[name]
    return sa.cast(sa.func.sum(added), sa.BigInteger)
