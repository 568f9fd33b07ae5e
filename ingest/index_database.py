"""The database of the index: its tables, and leases of names among processes."""

import sqlalchemy as sa

from ingest.database import Database
from ingest.index_tables import VERSION, leases, metadata, upkeep, versions

COMPACTION = "compaction"
"""The lease of whoever merges batches and removes replaced ones."""
COMPACTION_WANTED = "compaction wanted"
"""The lease of whoever waits for that one: a process that gives way leaves it alone as long as this one stands."""
LONGEST_LEASE_US = 3_600_000_000


class IndexDatabase(Database):
    """The database with the tables of the index, made anew where they are of another version."""

    name = "index"

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self._create_tables()

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
