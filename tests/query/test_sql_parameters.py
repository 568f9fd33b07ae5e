import pytest

from query.sql_parameters import parameters_of


@pytest.mark.parametrize(
    ("sql", "names"),
    [
        ("select 1", ()),
        ("select $a, $b_2, $a", ("a", "b_2")),
        ("select '$a', 'it''s $b', $c", ("c",)),
        ('select "$a", "a""$b", $c', ("c",)),
        ("select $$ $a $$, $tag$ $b $$ $tag$, $c", ("c",)),
        ("select 1 -- $a\n, $b /* $c\n $d */", ("b",)),
        ("select $1, $2", ()),
        ("where x = $since and y>$until;", ("since", "until")),
        ("select '$a", ("a",)),
    ],
)
def test_parameters_are_those_duckdb_would_ask_for(sql, names):
    assert parameters_of(sql) == names
