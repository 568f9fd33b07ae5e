"""Batches that somebody could not read: those that are damaged are marked, so that nobody stumbles over them again."""

import logging
from collections.abc import Sequence

import sqlalchemy as sa

from ingest.batch_check import find_damage
from ingest.damage import Damage, mark_damaged
from ingest.index_database import IndexDatabase
from ingest.index_tables import batches
from ingest.lake import Lake

logger = logging.getLogger(__name__)

MOST_BYTES = 4 << 30
"""Read to find the damaged one, a few seconds; among more than that ``synclog verify`` finds it."""


def mark_if_damaged(
    lake: Lake, index: IndexDatabase, kind: str, batch_ids: Sequence[str], *, now_us: int
) -> list[Damage]:
    """Mark those of the batches that are damaged, and give them. Raises LakeUnavailable when that cannot be told."""
    found = []
    left = MOST_BYTES
    for batch_id in batch_ids:
        with index.reading() as connection:
            row = connection.execute(sa.select(batches).where(batches.c.batch_id == batch_id)).first()
        if row is None:
            continue  # another one has its rows now
        if row.bytes > left:
            break
        left -= row.bytes
        if problem := find_damage(lake, kind, batch_id, row.crc):
            damage = Damage(kind=kind, batch_id=batch_id, problem=problem, since_us=now_us)
            if mark_damaged(index, damage):
                logger.error("batch damaged", extra={"batch_id": batch_id, "reason": problem})
                found.append(damage)
    return found
