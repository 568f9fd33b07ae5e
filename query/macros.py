"""What several statements share, as macros of DuckDB.

``is_wanted(…)``: run, statuses, operations and so on are those asked for; nulls ask for nothing. ``says(likes,
unlikes)``: of each of LIKE_COLUMNS one expression that must be found in them, in lower case, and one that must not;
nulls say nothing. ``has_texts(texts)``: each text stands anywhere, in any case. ``touched_in(files, a, b)``: of each
action of two runs the record it names and whether it is of the later run. ``is_wanted_line(…)``: as ``is_wanted`` of
a refused line, and that it is one, not the note that one was replayed.
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


_IS_WANTED = f"""
create macro is_wanted(
    of_run, some_statuses, some_operations, of_problem, of_record, of_type, from_moment, to_moment, some_text
) as
    (of_run is null or run_id = of_run)
    and (some_statuses is null or list_contains(some_statuses, status))
    and (some_operations is null or list_contains(some_operations, operation))
    and (of_problem is null or problem_id = of_problem)
    and (of_record is null or source_id = of_record or target_id = of_record)
    and (of_type is null or source_type = of_type or target_type = of_type)
    and (from_moment is null or happened_at >= from_moment)
    and (to_moment is null or happened_at < to_moment)
    and (some_text is null or {" or ".join(f"contains(lower({name}), lower(some_text))" for name in SEARCHED_COLUMNS)})
"""

# Two scans: where every source has an id, the second reads nothing, and names and targets are never looked at.
_TOUCHED_IN = """
create macro touched_in(files, a, b) as table
select run_id = b as is_b, source_type as record_type, source_id as record, true as has_id, status, operation
from actions_in(files)
where run_id in (a, b) and source_id is not null
union all
select
    run_id = b,
    if(target_id is null and source_name is not null, source_type, target_type),
    coalesce(target_id, source_name, target_name),
    target_id is not null,
    status,
    operation
from actions_in(files)
where run_id in (a, b) and source_id is null
"""

_IS_WANTED_LINE = """
create macro is_wanted_line(of_source, of_run, of_code, of_field, from_moment, to_moment, some_text) as
    replayed is null
    and (of_source is null or source = of_source)
    and (of_run is null or run_id = of_run)
    and (of_code is null or code = of_code)
    and (of_field is null or coalesce(field, '') = of_field)
    and (from_moment is null or received_at >= from_moment)
    and (to_moment is null or received_at < to_moment)
    and (
        some_text is null
        or contains(lower(raw), lower(some_text))
        or contains(lower(message), lower(some_text))
        or contains(lower(source), lower(some_text))
    )
"""

MACROS = (_IS_WANTED, _says(), _has_texts(), _TOUCHED_IN, _IS_WANTED_LINE)
