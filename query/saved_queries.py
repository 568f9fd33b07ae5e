"""SQL that people keep under a name and hand to others: rows of the control database, each with an id of its own."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import sqlalchemy as sa

from ingest.control import Control
from ingest.control_tables import saved_queries
from ingest.errors import InvalidInput, NameTaken, SavedQueryNotFound
from ingest.timestamps import from_microseconds, to_microseconds

LONGEST_NAME = 200
LONGEST_SQL = 200_000


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedQuery:
    """``chart`` is how its result was last drawn, in the words of whoever draws it."""

    query_id: str
    name: str
    sql: str
    chart: str | None
    created_at: datetime
    changed_at: datetime


class SavedQueries:
    """All of them. Names differ, because the command finds a query by its name."""

    def __init__(self, control: Control, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._control = control
        self._now = now

    def list(self) -> Sequence[SavedQuery]:
        """By name."""
        with self._control.reading() as connection:
            rows = connection.execute(sa.select(saved_queries).order_by(saved_queries.c.name)).all()
        return [_query_of(row) for row in rows]

    def get(self, query_id: str) -> SavedQuery:
        """Raises SavedQueryNotFound."""
        return self._get_where(saved_queries.c.query_id == query_id, query_id)

    def find(self, query_id: str) -> SavedQuery | None:
        """None where there is none, any more."""
        try:
            return self.get(query_id)
        except SavedQueryNotFound:
            return None

    def get_named(self, name: str) -> SavedQuery:
        """Raises SavedQueryNotFound."""
        return self._get_where(saved_queries.c.name == name, name)

    def add(self, *, name: str, sql: str, chart: str | None = None) -> SavedQuery:
        """A new one. Raises NameTaken, InvalidInput."""
        now = to_microseconds(self._now())
        values = {"query_id": uuid4().hex, **_checked(name, sql, chart), "created_us": now, "changed_us": now}
        with self._control.writing() as connection:
            _refuse_taken(connection, values["name"])
            connection.execute(saved_queries.insert().values(values))
        return self.get(values["query_id"])

    def change(self, query_id: str, *, name: str, sql: str, chart: str | None = None) -> SavedQuery:
        """Another name or statement. Raises SavedQueryNotFound, NameTaken, InvalidInput."""
        values = {**_checked(name, sql, chart), "changed_us": to_microseconds(self._now())}
        with self._control.writing() as connection:
            _refuse_taken(connection, values["name"], but=query_id)
            chosen = saved_queries.c.query_id == query_id
            if not connection.execute(saved_queries.update().where(chosen).values(values)).rowcount:
                raise _not_found(query_id)
        return self.get(query_id)

    def delete(self, query_id: str) -> None:
        """Raises SavedQueryNotFound."""
        with self._control.writing() as connection:
            chosen = saved_queries.c.query_id == query_id
            if not connection.execute(saved_queries.delete().where(chosen)).rowcount:
                raise _not_found(query_id)

    def _get_where(self, condition: sa.ColumnElement[bool], key: str) -> SavedQuery:
        with self._control.reading() as connection:
            row = connection.execute(sa.select(saved_queries).where(condition)).first()
        if row is None:
            raise _not_found(key)
        return _query_of(row)


def _checked(name: str, sql: str, chart: str | None) -> dict[str, Any]:
    name = name.strip()
    if not name:
        raise InvalidInput("a saved query needs a name", field="name", hint="say what it answers")
    if len(name) > LONGEST_NAME:
        raise InvalidInput(f"a name may have {LONGEST_NAME} characters, this one has {len(name)}", field="name")
    if not sql.strip():
        raise InvalidInput("there is no SQL to save", field="sql", hint="type a statement first")
    if len(sql) > LONGEST_SQL:
        raise InvalidInput(f"a query may have {LONGEST_SQL:,} characters, this one has {len(sql):,}", field="sql")
    return {"name": name, "sql": sql, "chart": chart}


def _refuse_taken(connection: sa.Connection, name: str, *, but: str | None = None) -> None:
    taken = sa.select(saved_queries.c.query_id).where(saved_queries.c.name == name)
    found = connection.execute(taken).scalar()
    if found is not None and found != but:
        raise NameTaken(f"there is a query named {name!r} already", field="name", hint="choose another name")


def _not_found(key: str) -> SavedQueryNotFound:
    return SavedQueryNotFound(f"there is no saved query {key!r}", hint="it may have been deleted")


def _query_of(row: sa.Row[Any]) -> SavedQuery:
    return SavedQuery(
        query_id=row.query_id,
        name=row.name,
        sql=row.sql,
        chart=row.chart,
        created_at=from_microseconds(row.created_us),
        changed_at=from_microseconds(row.changed_us),
    )
