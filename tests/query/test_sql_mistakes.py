import pytest

from ingest.errors import QueryRefused
from query.sandbox import run_sql
from query.sql_mistakes import Mistake, find_mistake


@pytest.mark.parametrize(
    ("sql", "mistake"),
    [
        ("selec 1", Mistake(line=1, column=1, length=5)),
        ("select 1 +\n  'a' from range(3) where", Mistake(line=2, column=21, length=5)),
        ("select 1,\n  cast('x' as int)", Mistake(line=2, column=3, length=16)),
        (
            "select status,\n mesage from actions",
            Mistake(line=2, column=2, length=6, hint="did you mean message?"),
        ),
        (
            "select a.mesage from actions as a",
            Mistake(line=1, column=10, length=6, hint="did you mean message?"),
        ),
        (
            "select 1\nfrom actionz",
            Mistake(line=2, column=6, length=7, hint="there are the views actions, runs, problems, batches"),
        ),
    ],
)
def test_the_place_of_a_mistake_is_found_in_what_duckdb_says(world, sql, mistake):
    with pytest.raises(QueryRefused) as refused:
        run_sql(world.view, sql)

    assert find_mistake(refused.value.message, sql) == mistake


def test_a_long_line_that_duckdb_cuts_is_placed_all_the_same(world):
    sql = "select " + ", ".join(f"{number} as a{number}" for number in range(100)) + ", cast('x' as int) as b"

    with pytest.raises(QueryRefused) as refused:
        run_sql(world.view, sql)

    found = find_mistake(refused.value.message, sql)
    assert found is not None
    assert sql[found.column - 1 :][: found.length] == "cast('x' as int)"


def test_what_points_at_nothing_has_no_place():
    assert find_mistake("the query took longer than 30 seconds", "select 1") is None
