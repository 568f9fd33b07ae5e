"""What a sender said beyond our columns, as the JSON text of ``details``.

A key we do not know is kept under its own name; a synonym that was translated is kept under the name of its field.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

JSON_TEXT = pa.json_(pa.string())
"""The type of a column whose values are JSON already."""

_CONTROL = r"[\x00-\x1f]"


def details_text(extras: Mapping[str, Any]) -> str | None:
    """The JSON text of an object, None for an empty one."""
    return _dump(extras) if extras else None


def merge_details(given: object, extras: Mapping[str, Any]) -> str | None:
    """The JSON text of what came as ``details`` together with what came beside our columns.

    Text that is no JSON object, or one that UTF-8 cannot hold, is kept whole under the key ``details``.
    """
    if given is None or given == "":
        return details_text(extras)
    if isinstance(given, str):
        given = _parsed(given)
    if not isinstance(given, dict):
        given = {"details": given}
    return details_text({**given, **{key: value for key, value in extras.items() if key not in given}})


def _parsed(text: str) -> object:
    try:
        value = json.loads(text, parse_constant=_refuse_constant)
        if "\\ud" in text.lower():  # an escape that may be half of a surrogate pair
            json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return text
    return value


def _refuse_constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")


def object_texts(column: pa.Array) -> tuple[pa.Array, pa.Array]:
    """A column of JSON or of texts as texts, and which of them are JSON objects that say something (bool)."""
    if column.type == JSON_TEXT:
        text = column.storage
        is_object = pc.and_(pc.starts_with(text, "{"), pc.not_equal(text, "{}"))
        return text, pc.fill_null(is_object, False)
    is_object = pa.array([text is not None and bool(_object_or_none(text)) for text in column.to_pylist()], pa.bool_())
    return column, is_object


def _object_or_none(text: str) -> object:
    value = _parsed(text) if text.startswith("{") else None
    return value if isinstance(value, dict) else None


def objects_of(table: pa.Table) -> list[dict[str, Any]]:
    """The rows of a table as objects, columns of JSON read."""
    names = [column.name for column in table.schema if column.type == JSON_TEXT]
    rows: list[dict[str, Any]] = table.to_pylist()
    for row in rows:
        row.update({name: json.loads(row[name]) for name in names if row[name] is not None})
    return rows


def join_details(rows: int, columns: Sequence[tuple[str, pa.Array]]) -> pa.Array:
    """The same for whole columns: a JSON object per row of its non-null values (string array, null where none)."""
    if not columns:
        return pa.nulls(rows, pa.string())
    # Each part brings its comma and the first is cut off: Arrow's joining with nulls skipped loses rows of nulls alone.
    parts = [
        pc.binary_join_element_wise(f",{json.dumps(name, ensure_ascii=False)}:", json_values(column), "")
        for name, column in columns
    ]
    joined = pc.binary_join_element_wise(*parts, "", null_handling="replace", null_replacement="")
    wrapped = pc.binary_join_element_wise("{", pc.utf8_slice_codeunits(joined, 1), "}", "")
    return pc.if_else(pc.equal(joined, ""), pa.scalar(None, pa.string()), wrapped)


def json_values(column: pa.Array) -> pa.Array:
    """Each value as JSON text (string array, null stays null)."""
    kind = column.type
    if pa.types.is_boolean(kind) or pa.types.is_integer(kind):
        return column.cast(pa.string())
    if kind == JSON_TEXT:
        return column.storage
    if pa.types.is_string(kind):
        return _json_strings(column)
    return _dumped(column)


def _json_strings(column: pa.Array) -> pa.Array:
    if pc.any(pc.match_substring_regex(column, _CONTROL)).as_py():
        return _dumped(column)
    escaped = pc.replace_substring(pc.replace_substring(column, "\\", "\\\\"), '"', '\\"')
    return pc.binary_join_element_wise('"', escaped, '"', "")


def _dumped(column: pa.Array) -> pa.Array:
    return pa.array([None if value is None else _dump(value) for value in column.to_pylist()], pa.string())


def _dump(value: object) -> str:
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str, allow_nan=False)
    except ValueError:  # JSON has no NaN and no Infinity: they become texts
        return _dump(json.loads(json.dumps(value, default=str), parse_constant=str))
