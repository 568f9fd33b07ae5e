from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from ingest.errors import InvalidInput
from ingest.formats.plain_types import with_plain_types

NS = 1795404782022557123
MOMENT = datetime(2026, 11, 23, 3, 33, 2, 22557)  # noqa: DTZ001 - what a column without a zone holds


def plain(column: pa.Array) -> list[Any]:
    return with_plain_types(pa.table({"x": column}))["x"].to_pylist()


@pytest.mark.parametrize(
    ("column", "values"),
    [
        (pa.array([NS, None], pa.timestamp("ns")), [MOMENT, None]),
        (pa.array([-1], pa.timestamp("ns")), [datetime(1969, 12, 31, 23, 59, 59, 999999)]),  # noqa: DTZ001
        (pa.array([NS], pa.timestamp("ns", tz="Europe/Berlin")), [MOMENT.replace(tzinfo=UTC)]),
        (pa.array([NS // 1000], pa.timestamp("us", tz="Mars/Phobos")), [MOMENT.replace(tzinfo=UTC)]),
        (pa.array([NS], pa.timestamp("ns")).dictionary_encode(), [MOMENT]),
        (pa.array([5, 2**62], pa.timestamp("s")), ["1970-01-01 00:00:05", "<value out of range: 4611686018427387904>"]),
        (pa.array([5, 2**30], pa.date32()), ["1970-01-06", "<value out of range: 1073741824>"]),
        (pa.array([86_400_000], pa.date64()), [date(1970, 1, 2)]),
        (pa.array([1], pa.time64("ns")), ["00:00:00.000000001"]),
        (pa.array([1_500_000_000], pa.duration("ns")), [timedelta(seconds=1.5)]),
        (pa.array([2**62], pa.duration("s")), ["4611686018427387904"]),
        (pa.array([Decimal("1.50")]), ["1.50"]),
        (pa.array([b"caf\xc3\xa9"]), ["café"]),
        (pa.array([b"\xff\x00", None]), ["ff00", None]),
        (pa.array([b"\xff\x00"], pa.binary(2)), ["ff00"]),
        (pc.run_end_encode(pa.array(["a", "a"])), ["a", "a"]),
        (pa.array([b"0123456789abcdef"], pa.uuid()), ["0123456789abcdef"]),
        (pa.array([[(1, NS)]], pa.map_(pa.int64(), pa.timestamp("ns"))), [[("1", "2026-11-23 03:33:02.022557123")]]),
        (
            pa.array([{"t": MOMENT, "n": 1, "parts": [Decimal("1.5")]}]),
            [{"t": "2026-11-23 03:33:02.022557", "n": 1, "parts": ["1.5"]}],
        ),
    ],
    ids=lambda value: str(value.type) if isinstance(value, pa.Array) else "",
)
def test_value_survives_in_a_type_every_step_can_hold(column: pa.Array, values: list[Any]) -> None:
    assert plain(column) == values


def test_plain_column_is_left_alone() -> None:
    table = pa.table({"n": [1], "text": ["x"], "word": pa.array(["OK"]).dictionary_encode(), "f": [1.5], "b": [True]})

    assert with_plain_types(table).schema.equals(table.schema)


def test_type_nobody_reads_names_its_column() -> None:
    union = pa.UnionArray.from_sparse(pa.array([0], pa.int8()), [pa.array([1])])

    with pytest.raises(InvalidInput, match="column 'x' of type sparse_union"):
        plain(union)
