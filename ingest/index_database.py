"""The database of the index: its tables, and leases of names among processes."""

import logging
import threading
from collections.abc import Callable
from pathlib import Path

import sqlalchemy as sa

from ingest.database import Database
from ingest.errors import LakeUnavailable
from ingest.index_file import IndexDamaged, await_deletion, identity_of
from ingest.index_tables import VERSION, leases, metadata, upkeep, versions

logger = logging.getLogger(__name__)

COMPACTION = "compaction"
"""The lease of whoever merges batches and removes replaced ones."""
COMPACTION_WANTED = "compaction wanted"
"""The lease of whoever waits for that one: a process that gives way leaves it alone as long as this one stands."""
LONGEST_LEASE_US = 3_600_000_000


class IndexDatabase(Database):
    """The database with the tables of the index, made anew where they are of another version.

    The file of an SQLite index may be deleted at any time, or exchanged by another process. Whoever has it open would
    go on with what nobody else sees: so each connection is preceded by a look at which file it is.
    """

    name = "index"

    def __init__(self, url: str) -> None:
        super().__init__(url)
        database = self.engine.url.database or ""
        self._path = database if self.is_sqlite and not database.startswith((":", "file:")) else ""
        self._identity: tuple[int, int] | None = None
        self._opening = threading.Lock()
        self._opener: int | None = None
        self._make_ready: Callable[[], object] = lambda: None
        self._fill: Callable[[], object] = lambda: None
        try:
            self._open()
        except BaseException:
            self.close()
            raise

    def follow_file(self, *, before: Callable[[], object], then: Callable[[], object]) -> None:
        """Say what to do before a file is opened in place of one that is gone, and then, so that it is up to date."""
        self._make_ready, self._fill = before, then

    def connect(self) -> sa.Connection:
        if self._path and not self._is_open() and self._opener != threading.get_ident():
            self._open()
        return super().connect()

    def require_whole(self) -> None:
        """Let SQLite look at all of it. Raises IndexDamaged."""
        if not self._path:
            return
        with self.reading() as connection:
            found = connection.exec_driver_sql("pragma quick_check(1)").scalar()
        if found != "ok":
            raise IndexDamaged(f"the index {self._path} is damaged: {found}", Path(self._path))

    def _is_open(self) -> bool:
        found = identity_of(self._path)
        return found is not None and found == self._identity

    def _open(self) -> None:
        """Whoever comes meanwhile waits: until the index is up to date it does not know the keys of requests."""
        with self._opening:
            if self._is_open():
                return
            self._make_ready()
            if self._identity is not None:
                logger.warning("index was deleted or exchanged, it is opened anew", extra={"file": self._path})
            self._identity = None  # the next file may get the number of the last one, once nobody has that open
            self._opener = threading.get_ident()
            try:
                self.engine.dispose()
                await_deletion(self._path)
                with self.reading():  # makes the file, so that it is known from here on
                    identity = identity_of(self._path)
                self._create_tables()
                self._fill()
                self._identity = identity
            finally:
                self._opener = None

    def _damage(self, said: str) -> LakeUnavailable:
        if self._opener != threading.get_ident() and not self._is_open():
            return LakeUnavailable(said, hint="try again in a moment")
        return IndexDamaged(said, Path(self._path))

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
            metadata.create_all(connection, tables=[versions, upkeep])
            if list(connection.scalars(sa.select(versions.c.version))) != [VERSION]:
                metadata.drop_all(connection, tables=[table for table in metadata.sorted_tables if table is not upkeep])
                metadata.create_all(connection)
                connection.execute(sa.insert(versions), {"version": VERSION})
