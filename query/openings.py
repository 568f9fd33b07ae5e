"""The first page of a run: merged batches have the oldest actions of each large run ready, in a row group of few."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from query.lake_view import LakeView
from query.run_batches import RunBatch


def read_openings(
    view: LakeView, run_id: str, batches: Sequence[RunBatch], wanted: int
) -> tuple[list[dict[str, Any]], list[RunBatch]]:  # a row's columns, of several types
    """The oldest actions of the run in these batches, so many of each; and the batches that have none ready, or fewer.

    Raises BatchDamaged, LakeUnavailable.
    """
    found: list[dict[str, Any]] = []
    others: list[RunBatch] = []
    for batch in batches:
        rows = [] if batch.outline is None or batch.outline.opening is None else _read_opening(view, run_id, batch)
        if rows and len(rows) >= min(wanted, batch.rows):
            found += rows
        else:
            others.append(batch)
    return found, others


def _read_opening(view: LakeView, run_id: str, batch: RunBatch) -> list[dict[str, Any]]:
    assert batch.outline is not None
    assert batch.outline.opening is not None
    block = view.batches.block(view.batches.open(batch.batch_id), batch.outline.opening, is_named=True)
    run_ids = block.column("run_id")
    assert run_ids is not None  # every batch of actions has it
    return block.take(np.flatnonzero(run_ids.one_of([run_id], np.arange(block.rows))).tolist())
