from datetime import UTC, datetime, timedelta

import pytest

from ingest.control import Control
from ingest.errors import InvalidInput, NameTaken, SavedQueryNotFound
from query.saved_queries import SavedQueries, SavedQuery

NIGHT = datetime(2026, 11, 22, 10, tzinfo=UTC)


@pytest.fixture
def clock():
    return iter(NIGHT + timedelta(minutes=minute) for minute in range(100))


@pytest.fixture
def queries(tmp_path, clock):
    control = Control(f"sqlite:///{tmp_path / 'control.sqlite'}")
    yield SavedQueries(control, now=lambda: next(clock))
    control.close()


def test_what_is_saved_comes_back_whole(queries):
    saved = queries.add(name=" errors ", sql="select 1", chart="view=bars")

    assert queries.get(saved.query_id) == SavedQuery(
        query_id=saved.query_id, name="errors", sql="select 1", chart="view=bars", created_at=NIGHT, changed_at=NIGHT
    )
    assert queries.get_named("errors") == saved


def test_a_change_keeps_id_and_birthday(queries):
    saved = queries.add(name="errors", sql="select 1")

    changed = queries.change(saved.query_id, name="warnings", sql="select 2")

    assert (changed.query_id, changed.name, changed.sql) == (saved.query_id, "warnings", "select 2")
    assert (changed.created_at, changed.changed_at) == (NIGHT, NIGHT + timedelta(minutes=1))


def test_queries_are_listed_by_name(queries):
    for name in ("b", "c", "a"):
        queries.add(name=name, sql="select 1")

    assert [each.name for each in queries.list()] == ["a", "b", "c"]


def test_a_name_is_taken_once(queries):
    first = queries.add(name="errors", sql="select 1")
    second = queries.add(name="warnings", sql="select 1")

    with pytest.raises(NameTaken):
        queries.add(name="errors", sql="select 2")
    with pytest.raises(NameTaken):
        queries.change(second.query_id, name="errors", sql="select 2")
    assert queries.change(first.query_id, name="errors", sql="select 2").sql == "select 2"


def test_what_is_deleted_is_not_found(queries):
    saved = queries.add(name="errors", sql="select 1")
    queries.delete(saved.query_id)

    for attempt in (
        lambda: queries.get(saved.query_id),
        lambda: queries.get_named("errors"),
        lambda: queries.change(saved.query_id, name="x", sql="select 1"),
        lambda: queries.delete(saved.query_id),
    ):
        with pytest.raises(SavedQueryNotFound):
            attempt()


@pytest.mark.parametrize(
    ("name", "sql"), [("", "select 1"), ("x" * 201, "select 1"), ("x", " \n"), ("x", "x" * 200_001)]
)
def test_nothing_without_a_name_or_sql_is_saved(queries, name, sql):
    with pytest.raises(InvalidInput):
        queries.add(name=name, sql=sql)
    assert queries.list() == []
