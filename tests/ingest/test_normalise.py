import json

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.formats import RawBlock
from ingest.normalise import LineDefaults, normalise, table_of

RECEIVED_US = 1_795_342_500_000_000
TEXTS = st.one_of(st.none(), st.just(""), st.text(max_size=8), st.sampled_from(['"\\', "a\nb", "\u202eطفل", "🦆"]))
ROW = st.fixed_dictionaries(
    {
        "run_id": st.sampled_from(["r1", "r2", "bad/id", "", None]),
        "integration": TEXTS,
        "happened_at": st.sampled_from(["2026-11-22T10:15:00Z", "2026-11-22 10:15:00.123456789", "x", None]),
        "operation": st.sampled_from(["CREATE", "update", "insert", "noop", "fly", "", None]),
        "status": st.sampled_from(["OK", "warn", "Error", "meh", None]),
        "source_id": TEXTS,
        "message": TEXTS,
        "duration_ms": st.one_of(st.none(), st.integers(-5, 5), st.just(2**60)),
        "details": st.sampled_from([None, "", '{"a":1}', "plain", "[1]"]),
        "shoe_size": st.one_of(st.none(), st.integers(-3, 50)),
        "remark": TEXTS,
    }
)


def outcome(block: RawBlock) -> tuple[list[dict[str, object]], list[tuple[int, str | None, str]]]:
    done = normalise(block, LineDefaults(configuration="prod"), {}, received_us=RECEIVED_US)
    table = table_of(done.rows) if done.actions is None else done.actions
    rows = [{**row, "details": row["details"] and json.loads(row["details"])} for row in table.to_pylist()]
    return rows, [(reject.line, reject.field, reject.code) for reject in done.refused]


@given(st.lists(ROW, min_size=1, max_size=12))
def test_columns_and_objects_mean_the_same(rows: list[dict[str, object]]) -> None:
    lines = list(range(1, len(rows) + 1))
    columns = {key: [row[key] for row in rows] for key in rows[0]}
    kinds = {"duration_ms": pa.int64(), "shoe_size": pa.int64()}
    table = pa.table({key: pa.array(values, kinds.get(key, pa.string())) for key, values in columns.items()})

    together = outcome(RawBlock(table=table, lines=pa.array(lines)))
    singly = outcome(RawBlock(objects=list(zip(lines, rows, strict=True))))

    assert together == singly


def one(**fields: object) -> dict[str, object]:
    rows, refused = outcome(RawBlock(objects=[(1, {"run_id": "r1", "status": "OK", **fields})]))
    assert refused == []
    return rows[0]


def test_unknown_keys_and_translated_words_are_kept_in_details() -> None:
    row = one(operation="insert", shoe_size=44, details={"field": "lifecycle"})

    assert row["operation"] == "CREATE"
    assert row["details"] == {"field": "lifecycle", "operation": "insert", "shoe_size": 44}


def test_details_that_are_no_object_are_kept_whole() -> None:
    assert one(details="plain")["details"] == {"details": "plain"}
    assert one(details=[1])["details"] == {"details": [1]}


REFUSED = {
    "no run": ({"status": "OK"}, "run_id", "missing-run-id"),
    "nothing said": ({"run_id": "r1", "source_id": "a"}, None, "empty-action"),
    "unknown status": ({"run_id": "r1", "status": "purple"}, "status", "unknown-status"),
    "unknown operation": ({"run_id": "r1", "operation": "fly"}, "operation", "unknown-operation"),
    "year 0": ({"run_id": "r1", "status": "OK", "happened_at": "0000-01-01"}, "happened_at", "invalid-time"),
    "negative duration": ({"run_id": "r1", "status": "OK", "duration_ms": -1}, "duration_ms", "invalid-duration"),
    "a slash": ({"run_id": "a/b", "status": "OK"}, "run_id", "invalid-run-id"),
    "10,000 characters": ({"run_id": "x" * 10_000, "status": "OK"}, "run_id", "invalid-run-id"),
}


@pytest.mark.parametrize(("row", "field", "code"), REFUSED.values(), ids=REFUSED.keys())
def test_a_bad_value_is_refused_by_field_and_code(row: dict[str, object], field: str | None, code: str) -> None:
    assert outcome(RawBlock(objects=[(7, row)])) == ([], [(7, field, code)])


def test_numbers_as_ids_become_text() -> None:
    row = one(source_id=12, target_id=12.0, source_name=True)

    assert (row["source_id"], row["target_id"], row["source_name"]) == ("12", "12", "true")


def test_nested_columns_of_a_table_go_to_details_as_json() -> None:
    table = pa.table({"run_id": ["r1"], "status": ["OK"], "before": [{"owner": "x", "tags": ["a"]}]})

    rows, _ = outcome(RawBlock(table=table, lines=pa.array([1])))

    assert rows[0]["details"] == {"before": {"owner": "x", "tags": ["a"]}}


COLUMN_KINDS = {
    "dictionary": pa.array(["OK", "ERROR"]).dictionary_encode(),
    "large": pa.array(["OK", "ERROR"], pa.large_string()),
    "view": pa.array(["OK", "ERROR"], pa.string_view()),
}


@pytest.mark.parametrize("column", COLUMN_KINDS.values(), ids=COLUMN_KINDS.keys())
def test_every_kind_of_text_column_is_text(column: pa.Array) -> None:
    table = pa.table({"run_id": ["r1", "r1"], "status": column})

    rows, _ = outcome(RawBlock(table=table, lines=pa.array([1, 2])))

    assert [row["status"] for row in rows] == ["OK", "ERROR"]
