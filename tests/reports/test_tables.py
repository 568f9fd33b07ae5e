"""Actions written as a file and read back are the same actions."""

import csv
import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ingest.schema import ACTION_SCHEMA
from reports.tables import TableFormat, write_actions, write_table

MORNING = datetime(2026, 11, 22, 10, 15, 0, 123456, tzinfo=UTC)


def an_action(row: int = 0, **fields: object) -> dict[str, object]:
    """One action with every column, null unless said."""
    named = {"batch_id": "b-1", "row": row, "run_id": "nightly", "operation": "UPDATE", "status": "ERROR"}
    moment = MORNING + timedelta(milliseconds=row)
    return dict.fromkeys(ACTION_SCHEMA.names) | named | {"happened_at": moment} | fields


def a_reader(*actions: dict[str, object]) -> pa.RecordBatchReader:
    batch = pa.RecordBatch.from_pylist(list(actions), schema=ACTION_SCHEMA)
    return pa.RecordBatchReader.from_batches(ACTION_SCHEMA, [batch] if actions else [])


def written(reader: pa.RecordBatchReader, table_format: TableFormat) -> bytes:
    return b"".join(write_actions(reader, table_format))


def test_ndjson_line_is_the_action() -> None:
    action = an_action(
        message='He said "no" \\ and\nleft\x00\x1f ü 😀', details='{"field":\n"lifecycle"}', duration_ms=41
    )

    text = written(a_reader(action, an_action(1)), TableFormat.NDJSON)

    first, second = [json.loads(line) for line in text.decode().splitlines()]
    assert first == action | {"happened_at": "2026-11-22T10:15:00.123456Z", "details": {"field": "lifecycle"}}
    assert second == an_action(1) | {"happened_at": "2026-11-22T10:15:00.124456Z"}


def test_csv_keeps_missing_and_empty_apart_and_data_exact() -> None:
    action = an_action(message='=cmd|" /C calc"!A0, and\na line', code="")

    text = written(a_reader(action), TableFormat.CSV).decode()

    header, row = csv.reader(io.StringIO(text, newline=""))
    cells = dict(zip(header, row, strict=True))
    assert (cells["message"], cells["happened_at"]) == (action["message"], "2026-11-22T10:15:00.123456Z")
    assert ',,"","=cmd' in text  # target_name is missing, code is empty
    assert header == ACTION_SCHEMA.names


def test_parquet_is_the_same_table() -> None:
    actions = [an_action(row, message=f"m {row}") for row in range(20)]

    content = written(a_reader(*actions), TableFormat.PARQUET)

    assert pq.read_table(io.BytesIO(content)).equals(pa.Table.from_pylist(actions, schema=ACTION_SCHEMA))


@pytest.mark.parametrize(
    ("table_format", "rows"), [(TableFormat.CSV, 1), (TableFormat.NDJSON, 0), (TableFormat.PARQUET, 0)]
)
def test_no_actions_are_a_valid_file(table_format: TableFormat, rows: int) -> None:
    content = written(a_reader(), table_format)

    if table_format is TableFormat.PARQUET:
        assert pq.read_table(io.BytesIO(content)).num_rows == rows
    else:
        assert len(content.splitlines()) == rows


def test_rows_leave_before_all_have_come() -> None:
    produced = 0

    def batches() -> Iterator[pa.RecordBatch]:
        nonlocal produced
        for number in range(100):
            produced += 1
            yield pa.RecordBatch.from_pylist([an_action(number)], schema=ACTION_SCHEMA)

    pieces = write_actions(pa.RecordBatchReader.from_batches(ACTION_SCHEMA, batches()), TableFormat.NDJSON)
    first = next(pieces)

    assert (json.loads(first)["row"], produced) == (0, 1)


def test_pieces_stay_small_when_messages_are_long() -> None:
    long_messages = [an_action(row, message="x" * 1_000_000) for row in range(64)]

    pieces = [len(piece) for piece in write_actions(a_reader(*long_messages), TableFormat.NDJSON)]

    assert max(pieces) < 20_000_000
    assert sum(pieces) > 64_000_000


def test_columns_of_any_type_can_be_written() -> None:
    table = pa.table(
        {
            "tags": [["a", "b"], None],
            "ratio": [0.5, float("nan")],
            "seen": [True, None],
            "moment": pa.array([datetime(2026, 1, 1), None], pa.timestamp("us")),  # noqa: DTZ001 - a column without zone
        }
    )

    text = b"".join(write_table(table.to_reader(), TableFormat.NDJSON)).decode()
    cells = b"".join(write_table(table.to_reader(), TableFormat.CSV)).decode()

    assert [json.loads(line) for line in text.splitlines()] == [
        {"tags": ["a", "b"], "ratio": 0.5, "seen": True, "moment": "2026-01-01T00:00:00.000000"},
        {"tags": None, "ratio": None, "seen": None, "moment": None},
    ]
    assert cells.splitlines()[1] == '"[""a"", ""b""]",0.5,true,"2026-01-01T00:00:00.000000"'


def test_unknown_format_is_refused() -> None:
    with pytest.raises(ValueError, match="xls"):
        write_actions(a_reader(), "xls")
