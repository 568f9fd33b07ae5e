"""An SQL database: SQLite or PostgreSQL, with one set of statements. The index and the control database are such."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError

from ingest.errors import LakeUnavailable, OutcomeUnknown

_LOCK = sa.text("select pg_advisory_xact_lock(hashtext(:name))")
_PATIENCE = "set local lock_timeout = 5000"  # milliseconds, as SQLite's busy_timeout below


class Database:
    """Connections and transactions. ``name`` is what errors call it. Safe for many threads and many processes."""

    name = "database"

    def __init__(self, url: str) -> None:
        self.engine = sa.create_engine(url, pool_size=16, max_overflow=64)
        self.is_sqlite = self.engine.dialect.name == "sqlite"
        self.insert = sqlite.insert if self.is_sqlite else postgresql.insert
        if self.is_sqlite:
            sa.event.listen(self.engine, "connect", _prepare_sqlite)
            sa.event.listen(self.engine, "begin", _begin_sqlite)

    def close(self) -> None:
        self.engine.dispose()

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """Raises LakeUnavailable."""
        try:
            with self.engine.connect() as connection:
                yield connection
        except DBAPIError as error:
            raise LakeUnavailable(self._cannot(error), hint="try again in a moment") from error

    @contextmanager
    def writing(self, *, patient: bool = True) -> Iterator[sa.Connection]:
        """One transaction, during which nobody else writes. Who is not patient waits for its turn a few seconds only.

        Raises LakeUnavailable when nothing was written, OutcomeUnknown when the database was told to commit and its
        answer was not heard.
        """
        is_committing = False
        try:
            with (
                self.engine.connect().execution_options(synclog_writes=True) as connection,
                connection.begin(),
            ):
                if not self.is_sqlite:
                    # What is read, added to and written back needs what SQLite's transactions have anyway.
                    if not patient:
                        connection.exec_driver_sql(_PATIENCE)
                    connection.execute(_LOCK, {"name": f"synclog {self.name}"})
                yield connection
                is_committing = True
        except DBAPIError as error:
            if is_committing:
                raise OutcomeUnknown(self._cannot(error), hint="it may have been done all the same") from error
            raise LakeUnavailable(self._cannot(error), hint="try again in a moment") from error

    def _cannot(self, error: DBAPIError) -> str:
        place = self.engine.url.render_as_string(hide_password=True)
        return f"the {self.name} {place} cannot be used: {error.orig}"


def some_at_a_time(values: Sequence[str]) -> Iterator[Sequence[str]]:
    """Below every database's limit of parameters."""
    for start in range(0, len(values), 500):
        yield values[start : start + 500]


def _prepare_sqlite(connection: Any, _record: object) -> None:  # the driver's own connection type
    connection.isolation_level = None  # transactions are begun below, not by the driver's guess
    cursor = connection.cursor()
    for pragma in ("journal_mode = wal", "synchronous = full", "busy_timeout = 5000", "cache_size = -32000"):
        cursor.execute(f"pragma {pragma}")
    cursor.close()


def _begin_sqlite(connection: sa.Connection) -> None:
    writes = connection.get_execution_options().get("synclog_writes", False)
    connection.exec_driver_sql("begin immediate" if writes else "begin")
