"""Replays that were recorded, but not noted: what a process leaves that dies between the two."""

import sqlalchemy as sa

from ingest.batch import batch_id_at
from ingest.errors import BatchDamaged
from ingest.index import Index
from ingest.index_tables import idempotency
from ingest.lake import Lake
from ingest.mending import CLAIM

_CLAIMS_US = 25 * 3600 * 1_000_000
"""Keys are forgotten after a day, so a note that goes with one is no older than this."""


def list_lost_notes(lake: Lake, index: Index, *, now_us: int) -> list[str]:
    """The ids of rejects whose replay took its key lately, and of which no row says that they were replayed."""
    claimed = _claimed(index)
    if not claimed:
        return []
    oldest = batch_id_at(now_us - _CLAIMS_US)
    for batch in index.list_live("rejects"):
        if batch.batch_id >= oldest:
            claimed -= _noted(lake, batch.batch_id)
    return sorted(claimed)


def _claimed(index: Index) -> set[str]:
    end = CLAIM[:-1] + chr(ord(CLAIM[-1]) + 1)
    with index.reading() as connection:
        keys = connection.scalars(
            sa.select(idempotency.c.key).where(idempotency.c.key >= CLAIM, idempotency.c.key < end)
        )
        return {key.removeprefix(CLAIM) for key in keys}


def _noted(lake: Lake, batch_id: str) -> set[str]:
    try:
        table = lake.read("rejects", batch_id)
    except BatchDamaged:
        return set()  # noted twice is noted once
    return set(table["replayed"].drop_null().to_pylist()) if "replayed" in table.column_names else set()
