"""Tests on the columns of an action that several statements share, as macros of DuckDB.

``says(likes, unlikes)``: of each of LIKE_COLUMNS one expression that must be found in them, in lower case, and one that
must not; nulls say nothing. ``has_texts(texts)``: each text stands anywhere, in any case.
"""

from query.search_conditions import RECORD_COLUMNS
from query.search_terms import SEARCHED_COLUMNS

LIKE_COLUMNS: tuple[tuple[str, ...], ...] = (
    SEARCHED_COLUMNS,
    ("message",),
    ("code",),
    ("source_name", "target_name"),
    RECORD_COLUMNS,
    ("source_type", "target_type"),
    ("integration",),
    ("configuration",),
    ("trigger",),
    ("run_id",),
    ("problem_id",),
    ("status",),
    ("operation",),
)

_NAMED_BY_TYPE_AND_ID = ("source_type || '/' || source_id", "target_type || '/' || target_id")


def _found(columns: tuple[str, ...], pattern: str) -> str:
    compared = (*columns[:4], *_NAMED_BY_TYPE_AND_ID) if columns == RECORD_COLUMNS else columns
    return " or ".join(f"coalesce(regexp_matches(lower({column}), {pattern}), false)" for column in compared)


def _says() -> str:
    tests = []
    for place, columns in enumerate(LIKE_COLUMNS, 1):
        tests.append(f"(likes[{place}] is null or {_found(columns, f'likes[{place}]')})")
        tests.append(f"(unlikes[{place}] is null or not ({_found(columns, f'unlikes[{place}]')}))")
    return "create macro says(likes, unlikes) as " + " and ".join(tests)


def _has_texts() -> str:
    told = f"lower(concat_ws(chr(10), {', '.join(SEARCHED_COLUMNS)}))"
    return (
        "create macro has_texts(texts) as texts is null"
        f" or len(list_filter(texts, lambda text: not contains({told}, lower(text)))) = 0"
    )


ACTION_MACROS = (_says(), _has_texts())
