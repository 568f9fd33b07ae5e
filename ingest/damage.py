"""Batches that are not what was written: what is wrong with them, and what the index had known of them.

A damaged batch stays in the index with its counts, so that a run tells how many of its actions cannot be read, and in
the table ``damaged``, so that nobody reads it. Once it is set aside a note beside its file says the same, which an
index made anew is told.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from ingest.batch import WRITER
from ingest.counts import COUNT_COLUMNS, Counts
from ingest.errors import BatchDamaged
from ingest.footer import BatchFooter, KeptAnswer, RunSummary, footer_from_metadata
from ingest.index_database import IndexDatabase
from ingest.index_tables import batch_runs, batches, damaged, idempotency, replaced, run_events, runs
from ingest.lake import Lake, SealedBatch
from ingest.problem_rows import list_batch_problems
from ingest.run_outline import outline_from_text


@dataclass(frozen=True, slots=True, kw_only=True)
class Damage:
    """A damaged batch. ``batch`` is what is known of it, if anything; ``events`` are its rows of ``run_events``."""

    kind: str
    batch_id: str
    problem: str
    since_us: int
    batch: SealedBatch | None = None
    events: tuple[dict[str, Any], ...] = ()  # column values of several types


def mark_damaged(index: IndexDatabase, damage: Damage) -> bool:
    """Let nobody read a batch any more. False when it is not live: another one has its rows now."""
    with index.writing() as connection:
        if connection.scalar(sa.select(batches.c.batch_id).where(batches.c.batch_id == damage.batch_id)) is None:
            return False
        insert_damaged(index, connection, [damage])
    return True


def insert_damaged(index: IndexDatabase, connection: sa.Connection, damages: Iterable[Damage]) -> None:
    """One that is known to be damaged stays as it is."""
    rows = [
        {"batch_id": each.batch_id, "kind": each.kind, "since_us": each.since_us, "problem": each.problem}
        for each in damages
    ]
    if rows:
        connection.execute(index.insert(damaged).on_conflict_do_nothing(), rows)


def list_damaged(index: IndexDatabase) -> Sequence[sa.Row[Any]]:
    """The rows of ``damaged``, oldest batch first."""
    with index.reading() as connection:
        return connection.execute(sa.select(damaged).order_by(damaged.c.batch_id)).all()


def unmark_damaged(index: IndexDatabase, batch_id: str) -> None:
    """Once its file is whole again, or not missed any more."""
    with index.writing() as connection:
        connection.execute(sa.delete(damaged).where(damaged.c.batch_id == batch_id))


def recall(index: IndexDatabase, damage: Damage) -> Damage:
    """The same with all that the index knows of the batch."""
    with index.reading() as connection:
        row = connection.execute(sa.select(batches).where(batches.c.batch_id == damage.batch_id)).first()
        return damage if row is None else _recall(connection, damage, row)


def _recall(connection: sa.Connection, damage: Damage, row: sa.Row[Any]) -> Damage:
    replaces = tuple(connection.scalars(sa.select(replaced.c.batch_id).where(replaced.c.by == row.batch_id)))
    answers = connection.execute(_what_came_in(idempotency, row)).all() if row.answers else ()
    events = connection.execute(_what_came_in(run_events, row)).mappings() if row.kind == "runs" else ()
    footer = BatchFooter(
        batch_id=row.batch_id,
        kind=row.kind,
        writer=WRITER,
        rows=row.rows,
        first_us=row.first_us,
        last_us=row.last_us,
        runs=tuple(_summaries(connection, row.batch_id, is_merged=row.is_merged)),
        answers=tuple(KeptAnswer(key=each.key, digest=each.digest, answer=each.answer) for each in answers),
        replaces=replaces,
        problems=tuple(list_batch_problems(connection, row.batch_id)) if row.kind == "actions" else None,
    )
    return replace(
        damage,
        batch=SealedBatch(footer=footer, size=row.bytes, crc=row.crc),
        events=tuple(dict(event) for event in events),
    )


def _what_came_in(table: sa.Table, row: sa.Row[Any]) -> sa.Select[Any]:
    """What a batch had brought, by the batch it first came in. Of a merged one: all that is in merged ones, for nobody
    knows in which; what is in others too is there once.
    """
    ids = table.c.batch_id
    if row.is_merged:
        return sa.select(table).where(ids <= row.batch_id, ids.not_in(_UNMERGED))
    return sa.select(table).where(ids == row.batch_id)


_UNMERGED = sa.select(batches.c.batch_id).where(sa.not_(batches.c.is_merged))


def _summaries(connection: sa.Connection, batch_id: str, *, is_merged: bool) -> Iterable[RunSummary]:
    """What a batch had added to its runs. Names, and when a merged one was heard of, are those of the whole run."""
    chosen = sa.select(batch_runs, runs.c.configuration, runs.c.trigger, runs.c.heard_us).join(
        runs, runs.c.run_id == batch_runs.c.run_id
    )
    for row in connection.execute(chosen.where(batch_runs.c.batch_id == batch_id).order_by(batch_runs.c.run_id)):
        yield RunSummary(
            run_id=row.run_id,
            integration=row.integration,
            configuration=row.configuration,
            trigger=row.trigger,
            first_us=row.first_us,
            last_us=row.last_us,
            counts=Counts(**{name: getattr(row, name) for name in COUNT_COLUMNS}),
            gone=row.gone,
            heard_us=row.heard_us if is_merged else None,
            outline=None if row.outline is None else outline_from_text(row.outline),
        )


def write_note(lake: Lake, damage: Damage) -> None:
    """Say beside the file set aside what is wrong with it and what was in it."""
    known = damage.batch
    body = {
        "kind": damage.kind,
        "batch_id": damage.batch_id,
        "problem": damage.problem,
        "since_us": damage.since_us,
        "bytes": None if known is None else known.size,
        "crc": None if known is None else known.crc,
        "metadata": None if known is None else known.footer.as_metadata(),
        "events": list(damage.events),
    }
    lake.write_note(damage.kind, damage.batch_id, json.dumps(body, ensure_ascii=False, indent=1) + "\n")


def read_note(lake: Lake, kind: str, batch_id: str) -> Damage:
    """What is known of a batch set aside; of one without a readable note, that it is there."""
    try:
        body = json.loads(lake.read_note(kind, batch_id))
        batch = None
        if body["metadata"] is not None:
            metadata = {name.encode(): value.encode() for name, value in body["metadata"].items()}
            footer = footer_from_metadata(metadata, "the note")
            batch = SealedBatch(footer=footer, size=body["bytes"], crc=body["crc"])
        return Damage(
            kind=kind,
            batch_id=batch_id,
            problem=body["problem"],
            since_us=body["since_us"],
            batch=batch,
            events=tuple(body["events"]),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, BatchDamaged):
        return Damage(kind=kind, batch_id=batch_id, problem="it was set aside, nobody noted why", since_us=0)
