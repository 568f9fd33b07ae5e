"""The words of DuckDB's SQL, for an editor to complete and to colour: asked of DuckDB, so these are what it knows."""

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cache

import duckdb

_KEYWORDS = "select keyword_name from duckdb_keywords() where keyword_category <> 'unreserved' or keyword_name in $more"
_MORE_KEYWORDS = (
    *("as", "between", "by", "filter", "first", "following", "last", "nulls", "over", "partition", "preceding"),
    *("range", "recursive", "row", "rows", "values", "within", "exclude", "replace", "sets", "cube", "rollup"),
)
_TYPES = (
    *("bigint", "boolean", "date", "decimal", "double", "float", "hugeint", "integer", "interval", "json", "real"),
    *("smallint", "text", "time", "timestamp", "timestamptz", "tinyint", "uuid", "varchar", "blob"),
)
_FUNCTIONS = """
select function_name, any_value(split_part(description, '.', 1)) as description
from duckdb_functions()
where function_type in ('scalar', 'aggregate', 'macro')
  and regexp_full_match(function_name, '[a-z][a-z0-9_]*')
  and not regexp_matches(function_name, '^(duckdb_|pg_|icu_|array_|create_|current_setting|getenv|has_|col_desc)')
group by function_name
having description is not null or any_value(function_type) = 'aggregate'
order by function_name
"""
_MORE_FUNCTIONS = {
    "cast": "The value as another type, or an error",
    "coalesce": "The first value that is not null",
    "nullif": "Null where both values are the same",
    "try_cast": "The value as another type, or null",
    "row_number": "Of a window: the number of the row, from 1",
    "rank": "Of a window: the place of the row, with gaps after equals",
    "dense_rank": "Of a window: the place of the row, without gaps",
    "percent_rank": "Of a window: the place of the row from 0 to 1",
    "cume_dist": "Of a window: the share of rows up to this one",
    "ntile": "Of a window: which of n parts the row is in",
    "lag": "Of a window: the value of a row before",
    "lead": "Of a window: the value of a row after",
    "first_value": "Of a window: the value of its first row",
    "last_value": "Of a window: the value of its last row",
    "nth_value": "Of a window: the value of its n-th row",
}
"""What DuckDB counts as grammar or as windows, and lists nowhere."""

_LONGEST_DESCRIPTION = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class SqlWords:
    """Keywords and types, and each function with what it does, as far as DuckDB says so."""

    keywords: Sequence[str]
    types: Sequence[str]
    functions: Mapping[str, str]


@cache
def list_words() -> SqlWords:
    """The same for as long as this DuckDB is installed."""
    with closing(duckdb.connect(":memory:", config={"threads": 1})) as connection:
        keywords = connection.execute(_KEYWORDS, {"more": list(_MORE_KEYWORDS)}).fetchall()
        functions = connection.execute(_FUNCTIONS).fetchall()
    return SqlWords(
        keywords=sorted(word for (word,) in keywords),
        types=_TYPES,
        functions=_MORE_FUNCTIONS
        | {name: (meaning or "").strip()[:_LONGEST_DESCRIPTION] for name, meaning in functions},
    )
