"""Batches of older writers do not say which problems they hold: that is found out from their rows, once for each.

Such a batch is read when an index comes to know it, and when it is merged; the merged one says.
"""

from dataclasses import replace

from ingest.batch_problems import COLUMNS, BatchProblems
from ingest.lake import Lake, SealedBatch


def with_problems(lake: Lake, batch: SealedBatch) -> SealedBatch:
    """The batch with the problems its footer would have today. Raises BatchDamaged."""
    footer = batch.footer
    if footer.kind != "actions" or footer.problems is not None:
        return batch
    found = BatchProblems()
    if any(run.counts.oks < run.counts.processed for run in footer.runs):
        for table in lake.read_in_parts("actions", [footer.batch_id], COLUMNS):
            found.add(table)
    return replace(batch, footer=replace(footer, problems=found.kept()))
