"""An SQL database: SQLite or PostgreSQL, with one set of statements. The index and the control database are such."""

import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from ingest.errors import LakeUnavailable, OutcomeUnknown

_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_UNWRITABLE = {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM}
_LOCK = sa.text("select pg_advisory_xact_lock(hashtext(:name))")
_PATIENCE = "set local lock_timeout = 5000"  # milliseconds, as SQLite's busy_timeout below


class DatabaseDamaged(LakeUnavailable):
    """Its file is not what SQLite has written: nobody needs to try again before something was done about it."""


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

    def connect(self) -> sa.Connection:
        return self.engine.connect()

    def close(self) -> None:
        self.engine.dispose()

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """Raises LakeUnavailable."""
        try:
            with self.connect() as connection:
                yield connection
        except (DBAPIError, PoolTimeout) as error:
            raise self._trouble(error) from error

    @contextmanager
    def writing(self, *, patient: bool = True) -> Iterator[sa.Connection]:
        """One transaction, during which nobody else writes. Who is not patient waits for its turn a few seconds only.

        Raises LakeUnavailable when nothing was written, OutcomeUnknown when the database was told to commit and its
        answer was not heard.
        """
        is_committing = False
        try:
            with (
                self.connect().execution_options(synclog_writes=True) as connection,
                connection.begin(),
            ):
                if not self.is_sqlite:
                    # What is read, added to and written back needs what SQLite's transactions have anyway.
                    if not patient:
                        connection.exec_driver_sql(_PATIENCE)
                    connection.execute(_LOCK, {"name": f"synclog {self.name}"})
                yield connection
                is_committing = True
        except (DBAPIError, PoolTimeout) as error:
            if is_committing:
                raise OutcomeUnknown(self._cannot(error), hint="it may have been done all the same") from error
            raise self._trouble(error) from error

    def _trouble(self, error: DBAPIError | PoolTimeout) -> LakeUnavailable:
        said = self._cannot(error)
        if isinstance(error, DBAPIError) and _code_of(error.orig) in _DAMAGED:
            return self._damage(said)
        return LakeUnavailable(said, hint=_advice(error))

    def _damage(self, said: str) -> LakeUnavailable:
        return DatabaseDamaged(said, hint="bring its file back from a backup")

    def _cannot(self, error: DBAPIError | PoolTimeout) -> str:
        place = self.engine.url.render_as_string(hide_password=True)
        return f"the {self.name} {place} cannot be used: {error.orig if isinstance(error, DBAPIError) else error}"


def copy_sqlite(source: Path, to: Path) -> None:
    """Copy a database out of a folder that may not be written, if there is one. Raises LakeUnavailable."""
    if not source.exists():
        return
    try:
        with (
            closing(sqlite3.connect(f"{source.resolve().as_uri()}?mode=ro", uri=True)) as here,
            closing(sqlite3.connect(to)) as copy,
        ):
            here.backup(copy)
    except sqlite3.Error as error:
        if _code_of(error) in _UNWRITABLE:
            # To read, SQLite writes beside a database. Nobody who could is there, so its files stand still.
            return _copy_files(source, to)
        kind = DatabaseDamaged if _code_of(error) in _DAMAGED else LakeUnavailable
        raise kind(f"{source} cannot be read: {error}") from error


def _copy_files(source: Path, to: Path) -> None:
    try:
        for end in ("", "-wal"):
            if (file := source.with_name(source.name + end)).exists():
                shutil.copyfile(file, to.with_name(to.name + end))
    except OSError as error:
        raise LakeUnavailable(f"{source} cannot be copied: {error.strerror or error}") from error


def some_at_a_time(values: Sequence[str]) -> Iterator[Sequence[str]]:
    """Below every database's limit of parameters."""
    for start in range(0, len(values), 500):
        yield values[start : start + 500]


def _code_of(error: object) -> int:
    """SQLite's own, of what its driver says."""
    code: int = getattr(error, "sqlite_errorcode", None) or 0
    return code & 0xFF


def _advice(error: DBAPIError | PoolTimeout) -> str:
    """SQLite's refusals to write do not pass by themselves."""
    code = _code_of(error.orig) if isinstance(error, DBAPIError) else 0
    if code in _UNWRITABLE:
        return "check owner and mount of its folder: it may not be written"
    return "try again in a moment"


def _prepare_sqlite(connection: Any, _record: object) -> None:  # the driver's own connection type
    connection.isolation_level = None  # transactions are begun below, not by the driver's guess
    cursor = connection.cursor()
    for pragma in ("journal_mode = wal", "synchronous = full", "busy_timeout = 5000", "cache_size = -32000"):
        cursor.execute(f"pragma {pragma}")
    cursor.close()


def _begin_sqlite(connection: sa.Connection) -> None:
    writes = connection.get_execution_options().get("synclog_writes", False)
    connection.exec_driver_sql("begin immediate" if writes else "begin")
