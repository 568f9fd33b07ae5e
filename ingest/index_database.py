"""The database of the index: connections, transactions, its tables, and leases of names among processes."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError

from ingest.errors import LakeUnavailable
from ingest.index_tables import VERSION, leases, metadata, versions

COMPACTION = "compaction"
"""The lease of whoever merges batches and removes replaced ones."""
LONGEST_LEASE_US = 3_600_000_000


class IndexDatabase:
    """One SQL database: SQLite or PostgreSQL, with one set of statements."""

    def __init__(self, url: str) -> None:
        self.engine = sa.create_engine(url, pool_size=16, max_overflow=64)
        self._is_sqlite = self.engine.dialect.name == "sqlite"
        self.insert = sqlite.insert if self._is_sqlite else postgresql.insert
        if self._is_sqlite:
            sa.event.listen(self.engine, "connect", _prepare_sqlite)
            sa.event.listen(self.engine, "begin", _begin_sqlite)
        with _database_trouble(url):
            self._create_tables()

    def close(self) -> None:
        self.engine.dispose()

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        with _database_trouble(self.engine.url), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        with (
            _database_trouble(self.engine.url),
            self.engine.connect().execution_options(synclog_writes=True) as connection,
            connection.begin(),
        ):
            if not self._is_sqlite:
                # Totals are read, added to and written back: one writer at a time, as SQLite has it anyway.
                connection.execute(sa.text("lock table runs in share row exclusive mode"))
            yield connection

    def take_lease(self, name: str, holder: str, *, now_us: int, seconds: float) -> bool:
        """Become, or stay, the only holder of a name for so long. False when somebody else has it."""
        until_us = now_us + int(seconds * 1_000_000)
        with self.writing() as connection:
            row = connection.execute(sa.select(leases).where(leases.c.name == name)).first()
            if row is None:
                connection.execute(sa.insert(leases), {"name": name, "holder": holder, "until_us": until_us})
                return True
            # One that ends far in the future was taken before the clock was put back.
            over = row.until_us < now_us or row.until_us > now_us + LONGEST_LEASE_US
            if row.holder != holder and not over:
                return False
            connection.execute(sa.update(leases).where(leases.c.name == name).values(holder=holder, until_us=until_us))
            return True

    def end_lease(self, name: str, holder: str) -> None:
        with self.writing() as connection:
            connection.execute(sa.delete(leases).where(leases.c.name == name, leases.c.holder == holder))

    def is_leased(self, name: str, *, now_us: int) -> bool:
        with self.reading() as connection:
            until_us = connection.scalar(sa.select(leases.c.until_us).where(leases.c.name == name))
        return until_us is not None and now_us <= until_us <= now_us + LONGEST_LEASE_US

    def _create_tables(self) -> None:
        with self.writing() as connection:
            metadata.create_all(connection, tables=[versions])
            if list(connection.scalars(sa.select(versions.c.version))) != [VERSION]:
                metadata.drop_all(connection)
                metadata.create_all(connection)
                connection.execute(sa.insert(versions), {"version": VERSION})


def _prepare_sqlite(connection: Any, _record: object) -> None:  # the driver's own connection type
    connection.isolation_level = None  # transactions are begun below, not by the driver's guess
    cursor = connection.cursor()
    for pragma in ("journal_mode = wal", "synchronous = full", "busy_timeout = 5000", "cache_size = -32000"):
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
