from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest

from ingest.timestamps import EPOCH, from_microseconds, parse_timestamp, parse_timestamps

TEN = datetime(2026, 11, 22, 10, 15, 0, tzinfo=UTC)
TEN_US = (TEN - EPOCH) // timedelta(microseconds=1)

SPELLINGS = {
    "RFC 3339": "2026-11-22T10:15:00Z",
    "milliseconds": "2026-11-22T10:15:00.000Z",
    "nine digits": "2026-11-22T10:15:00.000000000Z",
    "offset": "2026-11-22T11:15:00+01:00",
    "offset without colon": "2026-11-22T11:15:00+0100",
    "offset of hours": "2026-11-22 10:15:00+00",
    "day first": "22.11.2026 10:15:00",
    "space": "2026-11-22 10:15:00",
    "without a zone it is UTC": "2026-11-22T10:15:00",
    "seconds": 1795342500,
    "milliseconds since 1970": 1795342500000,
    "microseconds since 1970": 1795342500000000,
    "nanoseconds since 1970": 1795342500000000000,
    "seconds as text": "1795342500",
    "fractional seconds": 1795342500.0,
}


@pytest.mark.parametrize("spelled", SPELLINGS.values(), ids=SPELLINGS.keys())
def test_a_spelling_means_the_same_moment_alone_and_in_a_column(spelled: object) -> None:
    column, unreadable = parse_timestamps(pa.array([spelled, spelled]))

    assert parse_timestamp(spelled) == TEN_US
    assert column.cast(pa.int64()).to_pylist() == [TEN_US, TEN_US]
    assert not unreadable.any()


COLUMN_TYPES = {
    "naive ns": pa.timestamp("ns"),
    "naive ms": pa.timestamp("ms"),
    "utc us": pa.timestamp("us", tz="UTC"),
    "berlin": pa.timestamp("us", tz="Europe/Berlin"),
}


@pytest.mark.parametrize("kind", COLUMN_TYPES.values(), ids=COLUMN_TYPES.keys())
def test_a_timestamp_column_keeps_its_moment(kind: pa.DataType) -> None:
    naive = pa.array([TEN.replace(tzinfo=None)], pa.timestamp("us"))
    column = naive.cast(kind) if kind.tz is None else naive.cast(pa.timestamp("us", "UTC")).cast(kind)

    parsed, _ = parse_timestamps(column)

    assert parsed.cast(pa.int64()).to_pylist() == [TEN_US]


@pytest.mark.parametrize("year", [1, 1969, 9999])
def test_any_year_a_calendar_has_is_accepted(year: int) -> None:
    assert from_microseconds(parse_timestamp(f"{year:04}-06-01T00:00:00Z")).year == year


BAD = {
    "year 0": ("0000-01-01T00:00:00Z", "year 0"),
    "five digits": ("10000-01-01T00:00:00Z", "RFC 3339"),
    "word": ("yesterday", "RFC 3339"),
    "truth value": (True, "truth value"),
    "not a number": (float("nan"), "finite"),
    "beyond 9999 by its zone": ("9999-12-31T23:59:59-12:00", "9999"),
    "list": ([1], "list"),
}


@pytest.mark.parametrize(("spelled", "reason"), BAD.values(), ids=BAD.keys())
def test_what_is_no_time_is_refused_with_the_reason(spelled: object, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse_timestamp(spelled)


def test_one_unreadable_time_does_not_spoil_its_column() -> None:
    column, unreadable = parse_timestamps(pa.array(["2026-11-22T10:15:00Z", "yesterday", None, "1795342500"]))

    assert column.cast(pa.int64()).to_pylist() == [TEN_US, None, None, TEN_US]
    assert unreadable.tolist() == [False, True, False, False]
