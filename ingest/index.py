"""The index: which batches are live, and sums of their footers, in an SQL database.

Running totals are kept in the transaction that adds a batch, so that the run list costs the same however many actions
there are.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import sqlalchemy as sa

from ingest.batch import received_us_of
from ingest.damage import Damage, insert_damaged
from ingest.database import some_at_a_time
from ingest.errors import LakeUnavailable
from ingest.footer import BatchFooter, KeptAnswer
from ingest.index_database import COMPACTION, IndexDatabase
from ingest.index_tables import (
    batch_problems,
    batch_runs,
    batches,
    damaged,
    idempotency,
    is_readable,
    leases,
    problem_totals,
    replaced,
    run_events,
    runs,
)
from ingest.index_totals import fold_events, rows_of, write_totals
from ingest.lake import SealedBatch
from ingest.problem_summary import ProblemSummary
from ingest.problem_totals import record_problems, retire_problems
from ingest.run_state import RunEvent
from ingest.run_totals import RunRow, batch_run_row, event_from_row, event_row, with_summary, without_batch
from ingest.succession import all_replaced_by, find_replacers


@dataclass(frozen=True, slots=True, kw_only=True)
class Addition:
    """A sealed batch for the index; ``events`` are the rows of a batch of run events.

    ``event_ids`` has the batch id and row of each, where they first came in other batches.
    """

    batch: SealedBatch
    events: tuple[RunEvent, ...] = ()
    event_ids: tuple[tuple[str, int], ...] = ()

    @property
    def batch_id(self) -> str:
        return self.batch.footer.batch_id

    @property
    def numbered_events(self) -> list[tuple[tuple[str, int], RunEvent]]:
        """Each event with the batch and row it first came in."""
        ids = self.event_ids or tuple((self.batch.footer.batch_id, row) for row in range(len(self.events)))
        return list(zip(ids, self.events, strict=True))


class KeyTaken(LakeUnavailable):
    """Another process was faster with a request of the same idempotency key; its answer is there now."""


Look = Callable[[Sequence[Addition]], object]
"""Called at the end of a transaction with the whole batches that will be live then; raises to call it off."""


class NotReplaceable(LakeUnavailable):
    """Somebody else has replaced some of these batches meanwhile, or leads now."""


class Index(IndexDatabase):
    """What is known of the lake. Safe for many threads and, by its transactions, for many processes."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self._insert_new_batch = self.insert(batches).on_conflict_do_nothing().returning(batches.c.batch_id)
        self._insert_new_answer = self.insert(idempotency).on_conflict_do_nothing()
        self._insert_new_event = self.insert(run_events).on_conflict_do_nothing()
        self._insert_new_replaced = self.insert(replaced).on_conflict_do_nothing()

    def list_known(self) -> set[str]:
        """The ids of all batches the index has heard of: live, replaced and damaged."""
        with self.reading() as connection:
            return {batch_id for table in _KNOWN_IN for batch_id in connection.scalars(sa.select(table.c.batch_id))}

    def find_known(self, batch_ids: Sequence[str]) -> set[str]:
        """Those of the batches that the index has heard of."""
        with self.reading() as connection:
            return _known_among(connection, batch_ids)

    def find_live(self, batch_ids: Sequence[str]) -> list[str]:
        """Those of the batches that are live."""
        with self.reading() as connection:
            return _live_among(connection, batch_ids)

    def has_all(self, batch_ids: Sequence[str]) -> bool:
        """Whether all the batches are known, once every transaction begun before has ended one way or the other."""
        with self.writing(patient=False) as connection:
            return _known_among(connection, batch_ids) >= set(batch_ids)

    def discard(self, batch_ids: Sequence[str], remove: Callable[[list[str]], object]) -> None:
        """Let ``remove`` delete those that the index does not know, at a moment when nobody can make them known."""
        with self.writing() as connection:
            known = _known_among(connection, batch_ids)
            remove([batch_id for batch_id in batch_ids if batch_id not in known])

    def find_answer(self, key: str) -> KeptAnswer | None:
        """What a request with this idempotency key was answered."""
        with self.reading() as connection:
            row = connection.execute(sa.select(idempotency).where(idempotency.c.key == key)).first()
        return None if row is None else KeptAnswer(key=row.key, digest=row.digest, answer=row.answer)

    def find_run(self, run_id: str) -> RunRow | None:
        """The summary row of a run, column names to values."""
        with self.reading() as connection:
            return rows_of(connection, [run_id]).get(run_id)

    def find_integrations(self, run_ids: Iterable[str]) -> dict[str, str]:
        """The integration of each run that is known."""
        with self.reading() as connection:
            return {run_id: row["integration"] for run_id, row in rows_of(connection, run_ids).items()}

    def add(self, found: Sequence[Addition | Damage], last_look: Look = len) -> int:
        """Make batches part of what every page shows, in one transaction; one that is there already stays as it is.

        A batch that replaces others takes their place: what the index knew of them goes. Returns how many of the given
        are live. What is known of a damaged one counts, but nobody reads it. One stays unknown whose requests were
        recorded again, under their keys, because whoever sealed it died before the index knew: nobody was told of it.
        """
        with self.writing() as connection:
            fresh = [each for each in found if not _is_overtaken(connection, each.batch)]
            return self._add_found(connection, fresh, last_look)

    def add_new(self, additions: Sequence[Addition]) -> None:
        """The same for batches nobody has been told of. Raises KeyTaken, and changes nothing, when another process
        has recorded a request with one of their idempotency keys meanwhile; OutcomeUnknown when nobody can tell.
        """
        with self.writing() as connection:
            if any(_is_overtaken(connection, addition.batch) for addition in additions):
                raise KeyTaken("another process has just recorded a request of this key", hint="send it again")
            self._add(connection, additions)

    def replace(self, addition: Addition, *, holder: str, at_us: int) -> None:
        """Let a merged batch take the place of those it replaces, all of which must be live.

        Raises NotReplaceable, and changes nothing, when they are not, or when ``holder`` does not lead any more.
        """
        replaces = addition.batch.footer.replaces
        with self.writing() as connection:
            if _live_among(connection, [addition.batch.footer.batch_id]):
                return  # whoever opened the lake just now has found it there
            leader = connection.scalar(sa.select(leases.c.holder).where(leases.c.name == COMPACTION))
            if leader != holder or len(_live_among(connection, replaces)) != len(replaces):
                raise NotReplaceable("another process compacts this lake")
            self._add(connection, [addition], at_us=at_us)

    def rebuild(self, read: Callable[[], Sequence[Addition | Damage]], last_look: Look = len) -> int:
        """Forget everything and add what ``read`` gives, in one transaction: pages show the old until then.

        ``read`` is called once nobody else can add, so that what it finds in the lake is all there is.
        """
        with self.writing() as connection:
            found = read()
            for table in _DERIVED:
                connection.execute(sa.delete(table))
            return self._add_found(connection, found, last_look)

    def list_sums(self) -> dict[str, int]:
        """The CRC-32 of each batch of which it is known."""
        with self.reading() as connection:
            chosen = sa.select(batches.c.batch_id, batches.c.crc).where(batches.c.crc.is_not(None))
            return {row.batch_id: row.crc for row in connection.execute(chosen)}

    def keep_sums(self, sums: Mapping[str, int]) -> None:
        """The CRC-32 of batches that were just found whole."""
        update = sa.update(batches).where(batches.c.batch_id == sa.bindparam("whole"), batches.c.crc.is_(None))
        if sums:
            with self.writing() as connection:
                rows = [{"whole": batch_id, "found": crc} for batch_id, crc in sums.items()]
                connection.execute(update.values(crc=sa.bindparam("found")), rows)

    def list_live(self, kind: str) -> Sequence[sa.Row[Any]]:
        """The rows of ``batches`` of a kind that are not damaged, oldest first."""
        chosen = sa.select(batches).where(batches.c.kind == kind, is_readable(batches.c.batch_id))
        with self.reading() as connection:
            return connection.execute(chosen.order_by(batches.c.batch_id)).all()

    def list_replaced(self, before_us: int, limit: int) -> Sequence[sa.Row[Any]]:
        """The rows of ``replaced`` from before a moment, those replaced first first."""
        chosen = sa.select(replaced).where(replaced.c.at_us < before_us)
        with self.reading() as connection:
            return connection.execute(chosen.order_by(replaced.c.at_us, replaced.c.by).limit(limit)).all()

    def forget_replaced(self, batch_ids: Sequence[str]) -> None:
        """Once their files are gone."""
        with self.writing() as connection:
            for some in some_at_a_time(batch_ids):
                connection.execute(sa.delete(replaced).where(replaced.c.batch_id.in_(some)))

    def find_taken(self, keys: Sequence[str]) -> set[str]:
        """Those of these idempotency keys that were used lately."""
        with self.reading() as connection:
            chosen = (sa.select(idempotency.c.key).where(idempotency.c.key.in_(some)) for some in some_at_a_time(keys))
            return {key for each in chosen for key in connection.scalars(each)}

    def forget_answers(self, before_batch_id: str) -> None:
        """Answers of requests that were recorded before this batch was begun."""
        with self.writing() as connection:
            connection.execute(sa.delete(idempotency).where(idempotency.c.batch_id < before_batch_id))

    def _add_found(self, connection: sa.Connection, found: Sequence[Addition | Damage], last_look: Look) -> int:
        whole = [each for each in found if isinstance(each, Addition)]
        damages = [each for each in found if isinstance(each, Damage)]
        self._add(connection, [*whole, *(_addition_of(each) for each in damages if each.batch is not None)])
        gone = _replacements_of(connection, [each.batch_id for each in found])
        insert_damaged(self, connection, [each for each in damages if each.batch_id not in gone])
        live = [each for each in whole if each.batch_id not in gone]
        last_look(live)
        return len(live)

    def _add(self, connection: sa.Connection, additions: Sequence[Addition], at_us: int | None = None) -> None:
        replacers = self._find_replacers(connection, [addition.batch.footer for addition in additions])
        fresh = [
            addition
            for addition in additions
            if addition.batch.footer.batch_id not in replacers and self._insert_batch(connection, addition)
        ]
        retired: list[ProblemSummary] = []
        merges = {each.batch.footer.batch_id: each.batch.footer for each in additions if each.batch.footer.replaces}
        replaced_runs = {
            addition.batch_id: self._retire(
                connection, addition.batch.footer, at_us, retired, all_replaced_by(addition.batch_id, merges)
            )
            for addition in fresh
            if addition.batch_id in merges
        }
        touched = {summary.run_id for addition in fresh for summary in addition.batch.footer.runs}
        touched |= {event.run_id for addition in fresh for event in addition.events}
        known = rows_of(connection, touched)
        totals = dict(known)
        # What is said of a run goes before its actions, however late its batches were merged.
        for addition in sorted(fresh, key=lambda addition: (not addition.events, addition.batch.footer.batch_id)):
            for old in replaced_runs.get(addition.batch.footer.batch_id, ()):
                totals[old.run_id] = without_batch(totals[old.run_id], dict(old._mapping))
            self._add_details(connection, addition, totals)
        write_totals(connection, known, totals)
        footers = [addition.batch.footer for addition in fresh]
        record_problems(self, connection, footers, retired, before=known, after=totals)

    def _find_replacers(self, connection: sa.Connection, footers: Sequence[BatchFooter]) -> dict[str, str]:
        """The batches whose rows are in others, and in which; that is noted, so that their files will go."""
        names = [name for footer in footers for name in (footer.batch_id, *footer.replaces)]
        replacers = find_replacers(footers, _replacements_of(connection, names), partial(_live_among, connection))
        for footer in footers:
            if other := replacers.get(footer.batch_id):
                self._note_replaced(connection, [footer.batch_id], footer.kind, other, received_us_of(other))
        return replacers

    def _note_replaced(self, connection: sa.Connection, olds: Sequence[str], kind: str, by: str, at_us: int) -> None:
        rows = [{"batch_id": old, "kind": kind, "by": by, "at_us": at_us} for old in olds]
        connection.execute(self._insert_new_replaced, rows)

    def _retire(
        self,
        connection: sa.Connection,
        footer: BatchFooter,
        at_us: int | None,
        problems: list[ProblemSummary],
        olds: Sequence[str],
    ) -> list[sa.Row[Any]]:
        """Take replaced batches out of what is live; gives what they had added to their runs, and adds ``problems``."""
        gone: list[sa.Row[Any]] = []
        at_us = received_us_of(footer.batch_id) if at_us is None else at_us
        for some in some_at_a_time(olds):
            gone += connection.execute(sa.select(batch_runs).where(batch_runs.c.batch_id.in_(some))).all()
            problems += retire_problems(connection, some)
            for table in (batch_runs, batches, damaged):
                connection.execute(sa.delete(table).where(table.c.batch_id.in_(some)))
            self._note_replaced(connection, some, footer.kind, footer.batch_id, at_us)
        return gone

    def _insert_batch(self, connection: sa.Connection, addition: Addition) -> bool:
        footer = addition.batch.footer
        values = {
            "batch_id": footer.batch_id,
            "kind": footer.kind,
            "rows": footer.rows,
            "bytes": addition.batch.size,
            "first_us": footer.first_us,
            "last_us": footer.last_us,
            "runs": len(footer.runs),
            "answers": len(footer.answers),
            "problems": len(footer.problems or ()),
            "is_merged": bool(footer.replaces),
            "crc": addition.batch.crc,
        }
        return connection.execute(self._insert_new_batch, values).first() is not None

    def _add_details(self, connection: sa.Connection, addition: Addition, totals: dict[str, RunRow]) -> None:
        footer = addition.batch.footer
        for summary in footer.runs:
            totals[summary.run_id] = with_summary(totals.get(summary.run_id), summary, footer.batch_id)
        if footer.runs:
            connection.execute(_INSERT_RUNS, [batch_run_row(footer.batch_id, summary) for summary in footer.runs])
        if footer.answers:
            kept = [
                {"key": answer.key, "digest": answer.digest, "batch_id": footer.batch_id, "answer": answer.answer}
                for answer in footer.answers
            ]
            connection.execute(self._insert_new_answer, kept)
        if addition.events:
            rows = [event_row(batch_id, row, event) for (batch_id, row), event in addition.numbered_events]
            connection.execute(self._insert_new_event, rows)
            fold_events(connection, addition.numbered_events, totals)


def _addition_of(damage: Damage) -> Addition:
    assert damage.batch is not None
    return Addition(
        batch=damage.batch,
        events=tuple(event_from_row(event) for event in damage.events),
        event_ids=tuple((event["batch_id"], event["row"]) for event in damage.events),
    )


_DERIVED = (batches, batch_runs, batch_problems, problem_totals, runs, run_events, idempotency, replaced, damaged)

_KNOWN_IN = (batches, replaced, damaged)

# Built once: that takes as long as running them does.
_INSERT_RUNS = sa.insert(batch_runs)
_THESE_BATCHES: sa.BindParameter[str] = sa.bindparam("batch_ids", expanding=True)
_CHOSEN_LIVE = sa.select(batches.c.batch_id).where(batches.c.batch_id.in_(_THESE_BATCHES))
_CHOSEN_REPLACED = sa.select(replaced.c.batch_id, replaced.c.by).where(replaced.c.batch_id.in_(_THESE_BATCHES))


def _replacements_of(connection: sa.Connection, batch_ids: Iterable[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for some in some_at_a_time(list(batch_ids)):
        found.update({row.batch_id: row.by for row in connection.execute(_CHOSEN_REPLACED, {"batch_ids": some})})
    return found


def _known_among(connection: sa.Connection, batch_ids: Sequence[str]) -> set[str]:
    return {
        batch_id
        for table in _KNOWN_IN
        for some in some_at_a_time(batch_ids)
        for batch_id in connection.scalars(sa.select(table.c.batch_id).where(table.c.batch_id.in_(some)))
    }


def _live_among(connection: sa.Connection, batch_ids: Sequence[str]) -> list[str]:
    return [
        batch_id
        for some in some_at_a_time(batch_ids)
        for batch_id in connection.scalars(_CHOSEN_LIVE, {"batch_ids": some})
    ]


def _is_overtaken(connection: sa.Connection, batch: SealedBatch | None) -> bool:
    """Whether another batch has recorded a request that this one holds. Merged ones hold what others had."""
    if batch is None or batch.footer.replaces or not batch.footer.answers:
        return False
    others = sa.select(idempotency.c.key).where(idempotency.c.batch_id != batch.footer.batch_id).limit(1)
    return any(
        connection.execute(others.where(idempotency.c.key.in_(some))).first() is not None
        for some in some_at_a_time([answer.key for answer in batch.footer.answers])
    )
