"""The index: which batches are live, and sums of their footers, in an SQL database.

Everything here can be thrown away and rebuilt from the footers in the lake. ``runs`` holds the running totals of
``batch_runs`` and the folded ``run_events`` of every run, kept in the transaction that adds a batch, so that the run
list costs the same however many actions there are. Times are microseconds since 1970 UTC: any year, any database.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError

from ingest.counts import COUNT_COLUMNS
from ingest.errors import LakeUnavailable
from ingest.footer import KeptAnswer, RunSummary
from ingest.lake import SealedBatch
from ingest.run_state import RunEvent
from ingest.run_totals import RunRow, event_from_row, event_row, with_events, with_summary

metadata = sa.MetaData()


def _count_columns() -> list[sa.Column[int]]:
    return [sa.Column(name, sa.BigInteger, nullable=False, default=0, server_default="0") for name in COUNT_COLUMNS]


batches = sa.Table(
    "batches",
    metadata,
    sa.Column("batch_id", sa.String(36), primary_key=True),
    sa.Column("kind", sa.String(8), nullable=False),
    sa.Column("rows", sa.BigInteger, nullable=False),
    sa.Column("bytes", sa.BigInteger, nullable=False),
    sa.Column("first_us", sa.BigInteger),
    sa.Column("last_us", sa.BigInteger),
    sa.Index("batches_by_time", "kind", "last_us"),
)

batch_runs = sa.Table(
    "batch_runs",
    metadata,
    sa.Column("run_id", sa.Text, primary_key=True),
    sa.Column("batch_id", sa.String(36), primary_key=True),
    sa.Column("integration", sa.Text),
    sa.Column("first_us", sa.BigInteger, nullable=False),
    sa.Column("last_us", sa.BigInteger, nullable=False),
    *_count_columns(),
    sa.Index("batch_runs_by_batch", "batch_id"),
)

runs = sa.Table(
    "runs",
    metadata,
    sa.Column("run_id", sa.Text, primary_key=True),
    sa.Column("integration", sa.Text, nullable=False),
    sa.Column("configuration", sa.Text),
    sa.Column("trigger", sa.Text),
    sa.Column("scope", sa.Text),
    sa.Column("progress", sa.String(16), nullable=False),
    sa.Column("status_rank", sa.Integer),
    sa.Column("announced_us", sa.BigInteger),
    sa.Column("started_us", sa.BigInteger),
    sa.Column("finished_us", sa.BigInteger),
    sa.Column("heard_us", sa.BigInteger, nullable=False),
    sa.Column("first_action_us", sa.BigInteger),
    sa.Column("last_action_us", sa.BigInteger),
    sa.Column("sort_us", sa.BigInteger, nullable=False),
    sa.Column("expected", sa.BigInteger),
    sa.Column("claimed", sa.Text),
    sa.Column("cancellable", sa.Boolean, nullable=False),
    sa.Column("attributes", sa.Text),
    sa.Column("message", sa.Text),
    sa.Column("last_event", sa.String(36)),
    *_count_columns(),
    sa.Index("runs_by_time", "sort_us", "run_id"),
)

run_events = sa.Table(
    "run_events",
    metadata,
    sa.Column("batch_id", sa.String(36), primary_key=True),
    sa.Column("row", sa.BigInteger, primary_key=True),
    sa.Column("run_id", sa.Text, nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("happened_us", sa.BigInteger, nullable=False),
    sa.Column("status", sa.String(8)),
    sa.Column("message", sa.Text),
    sa.Column("body", sa.Text, nullable=False),
    sa.Index("run_events_by_run", "run_id", "batch_id", "row"),
)

idempotency = sa.Table(
    "idempotency",
    metadata,
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("digest", sa.String(64), nullable=False),
    sa.Column("batch_id", sa.String(36), nullable=False),
    sa.Column("answer", sa.Text, nullable=False),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Addition:
    """A sealed batch for the index; ``events`` are the rows of a batch of run events."""

    batch: SealedBatch
    events: tuple[RunEvent, ...] = ()


class Index:
    """One SQL database. Safe for many threads and, by its transactions, for many processes."""

    def __init__(self, url: str) -> None:
        self.engine = sa.create_engine(url, pool_size=16, max_overflow=64)
        self._is_sqlite = self.engine.dialect.name == "sqlite"
        insert = sqlite.insert if self._is_sqlite else postgresql.insert
        self._insert_new_batch = insert(batches).on_conflict_do_nothing()
        self._insert_new_answer = insert(idempotency).on_conflict_do_nothing()
        if self._is_sqlite:
            sa.event.listen(self.engine, "connect", _prepare_sqlite)
            sa.event.listen(self.engine, "begin", _begin_sqlite)
        with _database_trouble(url):
            metadata.create_all(self.engine)

    def close(self) -> None:
        self.engine.dispose()

    def list_known(self) -> set[str]:
        """The ids of all batches the index has heard of."""
        with self._reading() as connection:
            return set(connection.scalars(sa.select(batches.c.batch_id)))

    def find_answer(self, key: str) -> KeptAnswer | None:
        """What a request with this idempotency key was answered."""
        with self._reading() as connection:
            row = connection.execute(sa.select(idempotency).where(idempotency.c.key == key)).first()
        return None if row is None else KeptAnswer(key=row.key, digest=row.digest, answer=row.answer)

    def find_run(self, run_id: str) -> RunRow | None:
        """The summary row of a run, column names to values."""
        with self._reading() as connection:
            return _rows_of(connection, [run_id]).get(run_id)

    def find_integrations(self, run_ids: Iterable[str]) -> dict[str, str]:
        """The integration of each run that is known."""
        with self._reading() as connection:
            return {run_id: row["integration"] for run_id, row in _rows_of(connection, run_ids).items()}

    def add(self, additions: Sequence[Addition]) -> None:
        """Make batches part of what every page shows, in one transaction; one that is there already stays as it is."""
        with self._writing() as connection:
            fresh = [addition for addition in additions if self._insert_batch(connection, addition)]
            touched = {summary.run_id for addition in fresh for summary in addition.batch.footer.runs}
            touched |= {event.run_id for addition in fresh for event in addition.events}
            known = _rows_of(connection, touched)
            totals = dict(known)
            for addition in sorted(fresh, key=lambda addition: addition.batch.footer.batch_id):
                self._add_details(connection, addition, totals)
            _write_totals(connection, known, totals)

    def clear(self) -> None:
        """Forget everything; the lake knows it."""
        with self._writing() as connection:
            for table in metadata.sorted_tables:
                connection.execute(sa.delete(table))

    def _insert_batch(self, connection: sa.Connection, addition: Addition) -> bool:
        footer = addition.batch.footer
        values = {
            "batch_id": footer.batch_id,
            "kind": footer.kind,
            "rows": footer.rows,
            "bytes": addition.batch.size,
            "first_us": footer.first_us,
            "last_us": footer.last_us,
        }
        inserted = connection.execute(self._insert_new_batch, values)
        return inserted.rowcount == 1

    def _add_details(self, connection: sa.Connection, addition: Addition, totals: dict[str, RunRow]) -> None:
        footer = addition.batch.footer
        for summary in footer.runs:
            totals[summary.run_id] = with_summary(totals.get(summary.run_id), summary, footer.batch_id)
        if footer.runs:
            connection.execute(sa.insert(batch_runs), [_batch_run(footer.batch_id, summary) for summary in footer.runs])
        if footer.answers:
            kept = [
                {"key": answer.key, "digest": answer.digest, "batch_id": footer.batch_id, "answer": answer.answer}
                for answer in footer.answers
            ]
            connection.execute(self._insert_new_answer, kept)
        if addition.events:
            rows = [event_row(footer.batch_id, row, event) for row, event in enumerate(addition.events)]
            connection.execute(sa.insert(run_events), rows)
            _fold_events(connection, addition, totals)

    @contextmanager
    def _reading(self) -> Iterator[sa.Connection]:
        with _database_trouble(self.engine.url), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def _writing(self) -> Iterator[sa.Connection]:
        with (
            _database_trouble(self.engine.url),
            self.engine.connect().execution_options(synclog_writes=True) as connection,
            connection.begin(),
        ):
            if not self._is_sqlite:
                # Totals are read, added to and written back: one writer at a time, as SQLite has it anyway.
                connection.execute(sa.text("lock table runs in share row exclusive mode"))
            yield connection


_CHOSEN_RUNS = sa.select(runs).where(runs.c.run_id.in_(sa.bindparam("run_ids", expanding=True)))

_UPDATE_RUN = (
    sa.update(runs)
    .where(runs.c.run_id == sa.bindparam("new_run_id"))
    .values({column: sa.bindparam(f"new_{column.name}") for column in runs.c if column.name != "run_id"})
)


def _write_totals(connection: sa.Connection, known: dict[str, RunRow], totals: dict[str, RunRow]) -> None:
    new = [row for run_id, row in totals.items() if run_id not in known]
    changed = [row for run_id, row in totals.items() if run_id in known]
    if new:
        connection.execute(sa.insert(runs), new)
    if changed:
        connection.execute(_UPDATE_RUN, [{f"new_{name}": value for name, value in row.items()} for row in changed])


def _fold_events(connection: sa.Connection, addition: Addition, totals: dict[str, RunRow]) -> None:
    """Only the new events, unless later ones were folded before them."""
    batch_id = addition.batch.footer.batch_id
    for run_id in dict.fromkeys(event.run_id for event in addition.events):
        row = totals.get(run_id)
        late = row is not None and row["last_event"] is not None and row["last_event"] > batch_id
        new = [event for event in addition.events if event.run_id == run_id]
        events = _events_of(connection, run_id) if late else new
        totals[run_id] = with_events(row, events, batch_id, afresh=late)


def _rows_of(connection: sa.Connection, run_ids: Iterable[str]) -> dict[str, RunRow]:
    found: dict[str, RunRow] = {}
    wanted = list(run_ids)
    for start in range(0, len(wanted), 500):  # below every database's limit of parameters
        chosen = connection.execute(_CHOSEN_RUNS, {"run_ids": wanted[start : start + 500]})
        found.update({row["run_id"]: dict(row) for row in chosen.mappings()})
    return found


def _events_of(connection: sa.Connection, run_id: str) -> list[RunEvent]:
    chosen = sa.select(run_events).where(run_events.c.run_id == run_id)
    ordered = chosen.order_by(run_events.c.batch_id, run_events.c.row)
    return [event_from_row(dict(row)) for row in connection.execute(ordered).mappings()]


def _batch_run(batch_id: str, summary: RunSummary) -> dict[str, Any]:
    return {
        "batch_id": batch_id,
        "run_id": summary.run_id,
        "integration": summary.integration,
        "first_us": summary.first_us,
        "last_us": summary.last_us,
        **summary.counts.as_dict(),
    }


def _prepare_sqlite(connection: Any, _record: object) -> None:  # the driver's own connection type
    connection.isolation_level = None  # transactions are begun below, not by the driver's guess
    cursor = connection.cursor()
    for pragma in ("journal_mode = wal", "synchronous = full", "busy_timeout = 10000", "cache_size = -32000"):
        cursor.execute(f"pragma {pragma}")
    cursor.close()


def _begin_sqlite(connection: sa.Connection) -> None:
    writes = connection.get_execution_options().get("synclog_writes", False)
    connection.exec_driver_sql("begin immediate" if writes else "begin")


@contextmanager
def _database_trouble(url: str | sa.URL) -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        place = sa.make_url(url).render_as_string(hide_password=True)
        raise LakeUnavailable(
            f"the index {place} cannot be used: {error.orig}", hint="try again in a moment"
        ) from error
