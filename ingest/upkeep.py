"""What was last done for a lake as a whole: a round of maintenance, a verify, a backup. Kept in the index.

Nobody but the one who did it knows, so an index made anew has forgotten it.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from ingest.database import Database
from ingest.index_tables import upkeep


class Duty(StrEnum):
    """What a lake needs again and again."""

    MAINTENANCE = "maintenance"
    VERIFY = "verify"
    BACKUP = "backup"


@dataclass(frozen=True, slots=True, kw_only=True)
class Upkeep:
    """How it last went: when it was done, and what went wrong since then, if anything did."""

    done_us: int | None = None
    note: str | None = None
    """Of the time it was done: where the backup is."""
    failures: int = 0
    """In a row, since it was done."""
    failed_us: int | None = None
    reason: str | None = None


def note_done(index: Database, duty: Duty, *, now_us: int, note: str | None = None) -> None:
    _write(index, duty, {"done_us": now_us, "note": note, "failures": 0}, failures=0)


def note_failed(index: Database, duty: Duty, *, now_us: int, reason: str) -> None:
    _write(index, duty, {"failed_us": now_us, "reason": reason, "failures": 1}, failures=upkeep.c.failures + 1)


def read_upkeep(index: Database, duty: Duty) -> Upkeep:
    """Of what was never done, nothing."""
    with index.reading() as connection:
        row = connection.execute(sa.select(upkeep).where(upkeep.c.duty == duty)).mappings().first()
    return Upkeep() if row is None else Upkeep(**{name: value for name, value in row.items() if name != "duty"})


def _write(index: Database, duty: Duty, values: dict[str, Any], *, failures: Any) -> None:  # numbers, texts, SQL
    new = index.insert(upkeep).values(duty=duty, **values)
    with index.writing() as connection:
        connection.execute(new.on_conflict_do_update(index_elements=["duty"], set_={**values, "failures": failures}))
