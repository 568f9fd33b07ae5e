"""Two runs side by side over HTTP."""

import json
from typing import Any

import pytest
from flask.testing import FlaskClient

FAILED = {"status": "ERROR", "message": "late"}
LINES: list[dict[str, Any]] = [
    {"run_id": "monday", "happened_at": "2026-06-01T01:00:00Z", "source_id": "a"},
    {"run_id": "monday", "happened_at": "2026-06-01T01:00:01Z", "source_id": "b", **FAILED},
    {"run_id": "tuesday", "happened_at": "2026-06-02T01:00:00Z", "source_id": "a", **FAILED},
    {"run_id": "tuesday", "happened_at": "2026-06-02T01:00:03Z", "source_id": "c", "operation": "CREATE"},
]  # fmt: skip


@pytest.fixture
def two(api: FlaskClient) -> FlaskClient:
    body = "".join(json.dumps({"integration": "i", "operation": "UPDATE", **line}) + "\n" for line in LINES)
    assert api.post("/api/v1/actions", data=body, content_type="application/x-ndjson").status_code == 200
    for run_id in ("monday", "tuesday"):
        assert api.patch(f"/api/v1/runs/{run_id}", json={"progress": "FINISHED"}).status_code == 200
    return api


def test_two_runs_are_compared(two: FlaskClient) -> None:
    found: dict[str, Any] = two.get("/api/v1/compare?a=monday&b=tuesday").get_json()

    assert (found["a"]["run_id"], found["b"]["run_id"], found["cautions"]) == ("monday", "tuesday", [])
    assert found["counters"]["updates"] == {"a": 2, "b": 1, "difference": -1}
    assert [(each["state"], each["count_a"], each["count_b"]) for each in found["problems"]] == [("persisting", 1, 1)]
    assert found["records"] == {
        "in_a": 2, "in_b": 2, "in_both": 1, "named_only": 0, "unnamed_a": 0, "unnamed_b": 0, "failing-now": 1,
        "failing-then": 1, "failing-both": 0, "vanished": 1, "appeared": 1, "operation-changed": 0, "updated-again": 0,
    }  # fmt: skip


def test_records_that_differ_in_one_way_are_listed(two: FlaskClient) -> None:
    page = two.get("/api/v1/compare/records?a=monday&b=tuesday&difference=failing-now").get_json()

    [record] = page["items"]
    assert (record["record_id"], record["differences"], record["b"]["message"]) == ("a", ["failing-now"], "late")
    assert page["next_cursor"] is None


@pytest.mark.parametrize(
    ("path", "status", "field"),
    [
        ("compare?a=monday", 400, "b"),
        ("compare?b=monday", 400, "a"),
        ("compare?a=monday&b=unknown", 404, None),
        ("compare/records?a=monday&b=tuesday", 400, "difference"),
        ("compare/records?a=monday&b=tuesday&difference=all", 400, "difference"),
        ("compare?a=monday&b=tuesday&c=1", 400, "c"),
    ],
)
def test_what_cannot_be_compared_is_refused(two: FlaskClient, path: str, status: int, field: str | None) -> None:
    answer = two.get(f"/api/v1/{path}")

    assert (answer.status_code, answer.get_json()["error"]["field"]) == (status, field)
