"""Arrow columns in types every later step can hold, without losing what they say.

Arrow knows times Python does not (nanoseconds, the year 300,000) and types JSON does not. Times become microseconds,
UTC where they have a zone; a column with a time outside the years 1 to 9999 becomes text, so that its rows can be
refused one by one. Inside nested values, which end as JSON, times, decimals and bytes become text.
"""

from collections.abc import Callable

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as is_

from ingest.errors import InvalidInput
from ingest.timestamps import EARLIEST_US, INSTANT, LATEST_US

_NAIVE = pa.timestamp("us")
_LONGEST_MS = 999_999_999 * 86_400_000  # what a timedelta can hold


def with_plain_types(table: pa.Table) -> pa.Table:
    """The same table with plain types. Raises InvalidInput naming the column nobody can read."""
    for place, field in enumerate(table.schema):
        try:
            plain = _plain(table.column(place))
        except (pa.ArrowException, ValueError, OverflowError, KeyError) as error:
            reason = " ".join(str(error).split())[:200]
            raise InvalidInput(f"column {field.name!r} of type {field.type} cannot be read: {reason}") from error
        if plain.type != field.type:
            table = table.set_column(place, field.name, plain)
    return table


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    kind = column.type
    if isinstance(kind, pa.BaseExtensionType):
        return _plain(pa.chunked_array([chunk.storage for chunk in column.chunks], kind.storage_type))
    if is_.is_dictionary(kind):
        return column if _is_text(kind.value_type) else _plain(column.cast(kind.value_type))
    if is_.is_run_end_encoded(kind):
        decoded = [pc.run_end_decode(chunk) for chunk in column.chunks]
        return _plain(pa.chunked_array(decoded, kind.value_type))
    return next((convert(column) for claims, convert in _CONVERSIONS if claims(kind)), column)


def _is_text(kind: pa.DataType) -> bool:
    return bool(is_.is_string(kind) or is_.is_large_string(kind) or is_.is_string_view(kind))


def _is_nested(kind: pa.DataType) -> bool:
    return bool(is_.is_nested(kind) and not is_.is_union(kind))


def _as_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return column.cast(pa.string())


def _instants(column: pa.ChunkedArray) -> pa.ChunkedArray:
    kind = column.type
    try:
        if kind.unit == "ns":
            column = pc.floor_temporal(column.cast(pa.timestamp("ns")), unit="microsecond")
        micro = column.cast(_NAIVE if kind.tz is None else INSTANT) if kind.unit != "ns" else column.cast(_NAIVE)
    except pa.ArrowInvalid:
        return _as_text(column.cast(pa.timestamp(kind.unit)))
    numbers = micro.cast(pa.int64())
    if _outside(numbers, EARLIEST_US, LATEST_US):
        return _as_text(micro.cast(_NAIVE))
    return micro if kind.tz is None else numbers.cast(INSTANT)


def _dates(column: pa.ChunkedArray) -> pa.ChunkedArray:
    days = column.cast(pa.date32(), safe=False)
    day_us = 86_400_000_000
    outside = _outside(days.cast(pa.int32()).cast(pa.int64()), EARLIEST_US // day_us, LATEST_US // day_us)
    return _as_text(column) if outside else days


def _durations(column: pa.ChunkedArray) -> pa.ChunkedArray:
    try:
        spans = column.cast(pa.duration("ms"), safe=column.type.unit in ("s", "ms"))
    except pa.ArrowInvalid:
        return _as_text(column)
    return _as_text(column) if _outside(spans.cast(pa.int64()), -_LONGEST_MS, _LONGEST_MS) else spans


def _bytes(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Text where it is UTF-8, as older writers leave their text unmarked; else hexadecimal."""
    try:
        return column.cast(pa.binary()).cast(pa.string())
    except pa.ArrowInvalid:
        return pa.chunked_array([pa.array([value and value.hex() for value in column.to_pylist()], pa.string())])


def _nested(column: pa.ChunkedArray) -> pa.ChunkedArray:
    wanted = _json_type(column.type)
    return column if wanted == column.type else column.cast(wanted)


def _json_type(kind: pa.DataType) -> pa.DataType:
    """The nearest type whose values JSON can hold."""
    if is_.is_struct(kind):
        return pa.struct([part.with_type(_json_type(part.type)) for part in kind])
    if is_.is_map(kind):
        return pa.map_(pa.string(), _json_type(kind.item_type))
    if is_.is_list(kind) or is_.is_large_list(kind) or is_.is_fixed_size_list(kind):
        return pa.list_(_json_type(kind.value_type))
    if is_.is_dictionary(kind):
        return _json_type(kind.value_type)
    if (
        is_.is_boolean(kind)
        or is_.is_integer(kind)
        or is_.is_float32(kind)
        or is_.is_float64(kind)
        or is_.is_null(kind)
    ):
        return kind
    return pa.string()


def _refuse(column: pa.ChunkedArray) -> pa.ChunkedArray:
    raise ValueError("no reader for this type")


def _outside(numbers: pa.ChunkedArray, least: int, most: int) -> bool:
    found = pc.min_max(numbers).as_py()
    return found["min"] is not None and (found["min"] < least or found["max"] > most)


_CONVERSIONS: tuple[tuple[Callable[[pa.DataType], bool], Callable[[pa.ChunkedArray], pa.ChunkedArray]], ...] = (
    (is_.is_timestamp, _instants),
    (is_.is_date, _dates),
    (is_.is_duration, _durations),
    (is_.is_time, _as_text),
    (is_.is_decimal, _as_text),
    (is_.is_float16, lambda column: column.cast(pa.float32())),
    (lambda kind: is_.is_binary(kind) or is_.is_large_binary(kind), _bytes),
    (lambda kind: is_.is_fixed_size_binary(kind) or is_.is_binary_view(kind), _bytes),
    (_is_nested, _nested),
    (lambda kind: is_.is_union(kind) or is_.is_interval(kind), _refuse),
)
