"""The control database: what people decide and keep, as against the history in the lake.

Unlike the index it cannot be derived anew, so it is never thrown away: tables and nullable columns are only ever added.
Each subject declares its tables on ``metadata`` in a module of its own, which this one imports.
"""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import sqlalchemy as sa

from ingest.control_tables import metadata
from ingest.database import Database


class Control(Database):
    """The control database of a data folder, with all its tables."""

    name = "control database"

    def __init__(self, url: str) -> None:
        super().__init__(url)
        with self.writing() as connection:
            metadata.create_all(connection)
            _add_missing_columns(connection)

    def copy_to(self, path: Path) -> bool:
        """Take a copy of one moment, on disk when this returns. False for PostgreSQL, which has tools of its own.

        Raises sqlite3.Error, OSError.
        """
        if not self.is_sqlite:
            return False
        draft = path.with_name(path.name + ".copying")
        draft.unlink(missing_ok=True)
        with closing(sqlite3.connect(draft)) as copy, closing(self.engine.raw_connection()) as here:
            source: sqlite3.Connection = here.driver_connection  # type: ignore[assignment]  # SQLAlchemy: any driver's
            source.backup(copy)
        with draft.open("rb") as written:
            os.fsync(written.fileno())
        draft.replace(path)
        return True


def what_is_wrong_with(copy: Path) -> str | None:
    """What SQLite finds wrong with a copy; None when all is well."""
    try:
        with closing(sqlite3.connect(f"{copy.resolve().as_uri()}?mode=ro&immutable=1", uri=True)) as database:
            (found,) = database.execute("pragma quick_check(1)").fetchone()
    except sqlite3.Error as error:
        return str(error)
    return None if found == "ok" else str(found)


def _add_missing_columns(connection: sa.Connection) -> None:
    """What a newer synclog keeps of a thing is unknown of those that are there: each such column is nullable."""
    known = sa.inspect(connection)
    prepare = connection.dialect.identifier_preparer
    for table in metadata.sorted_tables:
        names = {column["name"] for column in known.get_columns(table.name)}
        for column in table.columns:
            if column.name not in names:
                kind = column.type.compile(connection.dialect)
                connection.exec_driver_sql(
                    f"alter table {prepare.format_table(table)} add column {prepare.format_column(column)} {kind}"
                )
