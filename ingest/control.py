"""The control database: what people decide and keep, as against the history in the lake.

Unlike the index it cannot be derived anew, so it is never thrown away: tables and nullable columns are only ever added.
Each subject declares its tables on ``metadata`` in a module of its own, which this one imports.
"""

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
