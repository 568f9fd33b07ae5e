"""Times as senders spell them, to microseconds since 1970 UTC.

RFC 3339 with any number of fraction digits, ``T`` or a space, with a zone or without (then UTC); day.month.year with or
without a clock; or a number, which is seconds, milliseconds, microseconds or nanoseconds by its size. Years 1 to 9999:
what every reader of the lake can show.
"""

import re
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

MICROSECOND = timedelta(microseconds=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EARLIEST_US = (datetime.min.replace(tzinfo=UTC) - EPOCH) // MICROSECOND
LATEST_US = (datetime.max.replace(tzinfo=UTC) - EPOCH) // MICROSECOND
INSTANT = pa.timestamp("us", tz="UTC")

# The largest magnitude read as seconds, milliseconds and microseconds: each reaches year 5138, none meets the next.
_UNITS = ((1e11, 1_000_000.0), (1e14, 1_000.0), (1e17, 1.0))
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?$")
_DAY_FIRST = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})(?:,? (.+))?$")
_FRACTION = re.compile(r"([.,]\d{6})\d+")


def to_microseconds(moment: datetime) -> int:
    return (moment - EPOCH) // MICROSECOND


def from_microseconds(microseconds: int) -> datetime:
    return EPOCH + timedelta(microseconds=microseconds)


def parse_timestamp(value: object) -> int:
    """Microseconds of a text, a number or a datetime. ValueError says what is wrong with it."""
    if isinstance(value, bool):
        raise ValueError("a truth value is not a time")
    if isinstance(value, int):
        return _in_range(_scale_integer(value))
    if isinstance(value, float):
        return _in_range(_scale_float(value))
    if isinstance(value, datetime):
        return _in_range(to_microseconds(value if value.tzinfo else value.replace(tzinfo=UTC)))
    if not isinstance(value, str):
        raise ValueError(f"a {type(value).__name__} is not a time")
    return _parse_text(value.strip())


def _parse_text(text: str) -> int:
    if _NUMBER.match(text):
        return parse_timestamp(float(text) if "." in text else int(text))
    if text.startswith("0000"):
        raise ValueError("the year 0 does not exist; years 1 to 9999 are accepted")
    spelled = _FRACTION.sub(r"\1", text).removesuffix(" UTC")
    if day_first := _DAY_FIRST.match(spelled):
        day, month, year, clock = day_first.groups()
        spelled = f"{year}-{int(month):02}-{int(day):02}" + (f"T{clock.zfill(8)}" if clock else "")
    try:
        moment = datetime.fromisoformat(spelled)
    except ValueError:
        shown = text if len(text) <= 40 else text[:40] + "…"
        raise ValueError(f"{shown!r} is not an RFC 3339 time such as 2026-11-22T10:15:00Z, nor epoch time") from None
    return _in_range(to_microseconds(moment if moment.tzinfo else moment.replace(tzinfo=UTC)))


def _scale_integer(value: int) -> int:
    for limit, factor in _UNITS:
        if abs(value) < limit:
            return value * int(factor)
    return value // 1000


def _scale_float(value: float) -> int:
    if value != value or abs(value) == float("inf"):
        raise ValueError("not a finite number")
    for limit, factor in _UNITS:
        if abs(value) < limit:
            return round(value * factor)
    return int(value // 1000)


def _in_range(microseconds: int) -> int:
    if not EARLIEST_US <= microseconds <= LATEST_US:
        raise ValueError(f"{microseconds} µs since 1970 lies outside the years 1 to 9999")
    return microseconds


def parse_timestamps(column: pa.Array) -> tuple[pa.Array, np.ndarray]:
    """A whole column: instants (null where the sender gave none), and which rows could not be read (bool)."""
    kind = column.type
    if pa.types.is_timestamp(kind):
        return _checked(_cast_timestamps(column), column)
    if pa.types.is_date(kind):
        return _checked(column.cast(pa.timestamp("us")).cast(INSTANT), column)
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return _parse_one_by_one(column) if len(column) < 16 else _parse_numbers(column)
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return _parse_texts(column)
    return _parse_one_by_one(column)


def _cast_timestamps(column: pa.Array) -> pa.Array:
    if column.type.tz is None:
        return pc.cast(column, pa.timestamp("us"), safe=False).cast(INSTANT)
    return pc.cast(column, INSTANT, safe=False)


def _parse_texts(column: pa.Array) -> tuple[pa.Array, np.ndarray]:
    for target in (INSTANT, pa.timestamp("us"), pa.timestamp("ns", tz="UTC"), pa.timestamp("ns")):
        try:
            return _checked(_cast_timestamps(pc.cast(column, target)), column)
        except pa.ArrowInvalid:
            continue
    try:
        return _parse_numbers(pc.cast(column, pa.int64()))
    except pa.ArrowInvalid:
        return _parse_one_by_one(column)


def _parse_numbers(column: pa.Array) -> tuple[pa.Array, np.ndarray]:
    """Whole numbers stay whole: nanoseconds do not fit a double."""
    missing = column.is_null().to_numpy(zero_copy_only=False)
    if pa.types.is_floating(column.type):
        return _parse_one_by_one(column)
    values = column.cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False)
    size = np.abs(values)
    limits = [size < limit for limit, _ in _UNITS]
    scaled = np.select(limits, [values * int(factor) for _, factor in _UNITS], values // 1000)
    return _checked(pa.array(scaled, pa.int64(), mask=missing).cast(INSTANT), column)


def _parse_one_by_one(column: pa.Array) -> tuple[pa.Array, np.ndarray]:
    parsed: list[int | None] = []
    unreadable = np.zeros(len(column), dtype=bool)
    for place, value in enumerate(column.to_pylist()):
        try:
            parsed.append(None if value is None else parse_timestamp(value))
        except ValueError:
            parsed.append(None)
            unreadable[place] = True
    return pa.array(parsed, pa.int64()).cast(INSTANT), unreadable


def _checked(instants: pa.Array, column: pa.Array) -> tuple[pa.Array, np.ndarray]:
    microseconds = instants.cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False)
    outside = (microseconds < EARLIEST_US) | (microseconds > LATEST_US)
    return instants, outside
