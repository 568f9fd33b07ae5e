"""Actions across runs, by what they say and by record."""

import json
from typing import Any

import pytest
from flask.testing import FlaskClient

LINES = [
    {"run_id": "monday", "integration": "servicenow", "happened_at": "2026-06-01T01:00:00Z", "operation": "UPDATE",
     "status": "ERROR", "source_type": "ci", "source_id": "a/1", "message": "No permission to write Payroll Berlin"},
    {"run_id": "tuesday", "integration": "servicenow", "happened_at": "2026-06-02T01:00:00Z", "operation": "UPDATE",
     "source_type": "ci", "source_id": "a/1", "message": "Wrote Payroll Berlin"},
    {"run_id": "other", "integration": "signavio", "happened_at": "2026-06-03T01:00:00Z", "operation": "CREATE",
     "source_type": "process", "source_id": "b2", "target_id": "a/1", "message": "Linked Berlin"},
]  # fmt: skip


@pytest.fixture
def full(api: FlaskClient) -> FlaskClient:
    body = "".join(json.dumps(line) + "\n" for line in LINES)
    assert api.post("/api/v1/actions", data=body, content_type="application/x-ndjson").status_code == 200
    return api


def runs(answer: Any) -> list[str]:
    return [item["run_id"] for item in answer.get_json()["items"]]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, ["other", "tuesday", "monday"]),
        ({"q": "berlin payroll"}, ["tuesday", "monday"]),
        ({"q": '"berlin payroll"'}, []),
        ({"q": "erli"}, []),
        ({"q": "erli", "match": "substring"}, ["other", "tuesday", "monday"]),
        ({"q": "^(No|Linked)", "match": "regex"}, ["other", "monday"]),
        ({"q": "a/1"}, ["other", "tuesday", "monday"]),
        ({"q": "berlin", "status": "ERROR"}, ["monday"]),
        ({"q": "berlin", "integration": "signavio"}, ["other"]),
        ({"q": "berlin", "run_id": "tuesday"}, ["tuesday"]),
        ({"q": "berlin", "since": "2026-06-02", "until": "2026-06-03"}, ["tuesday"]),
        ({"q": "berlin -payroll"}, ["other"]),
        ({"q": "-status:error type:CI since:2026-06-01"}, ["tuesday"]),
        ({"q": "record:ci/a/1 operation:update"}, ["tuesday", "monday"]),
        ({"record": "b2"}, ["other"]),
    ],
)
def test_actions_of_all_runs_are_found_latest_first(full: FlaskClient, query: dict[str, str], found: list[str]) -> None:
    assert runs(full.get("/api/v1/actions", query_string=query)) == found


def test_what_was_found_goes_on_page_after_page(full: FlaskClient) -> None:
    first = full.get("/api/v1/actions?q=berlin&limit=2")
    second = full.get(f"/api/v1/actions?q=berlin&limit=2&cursor={first.get_json()['next_cursor']}")

    assert (runs(first), runs(second)) == (["other", "tuesday"], ["monday"])
    assert second.get_json()["next_cursor"] is None


def test_everything_found_is_streamed(full: FlaskClient) -> None:
    answer = full.get("/api/v1/actions.ndjson?q=berlin&integration=servicenow")

    assert answer.content_type.startswith("application/x-ndjson")
    assert sorted(json.loads(line)["run_id"] for line in answer.text.splitlines()) == ["monday", "tuesday"]


@pytest.mark.parametrize("path", ["actions", "actions.ndjson"])
@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"q": "(", "match": "regex"}, "q"),
        ({"q": "a", "match": "sounds"}, "match"),
        ({"q": '""'}, "q"),
        ({"integration": "a\0"}, "integration"),
    ],
)
def test_a_search_that_makes_no_sense_is_refused(
    full: FlaskClient, path: str, query: dict[str, str], field: str
) -> None:
    answer = full.get(f"/api/v1/{path}", query_string=query)

    assert (answer.status_code, answer.get_json()["error"]["field"]) == (400, field)


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("ci/a%2F1", ["tuesday", "monday"]),
        ("ci/a/1", ["tuesday", "monday"]),
        ("-/a/1", ["other", "tuesday", "monday"]),
        ("process/b2", ["other"]),
        ("process/a/1", []),
    ],
)
def test_the_history_of_a_record_spans_runs(full: FlaskClient, path: str, found: list[str]) -> None:
    assert runs(full.get(f"/api/v1/records/{path}")) == found


def test_the_first_page_of_a_history_has_the_figures_of_the_record(full: FlaskClient) -> None:
    first = full.get("/api/v1/records/ci/a%2F1?limit=1").get_json()
    second = full.get(f"/api/v1/records/ci/a%2F1?limit=1&cursor={first['next_cursor']}").get_json()

    record = first["record"]
    assert (record["actions"], record["runs"], record["types"], record["is_whole"]) == (2, 2, ["ci"], True)
    assert (record["status"], record["last_good_run_id"], record["failing_since"]) == ("OK", "tuesday", None)
    assert (second["items"][0]["run_id"], second["record"], second["next_cursor"]) == ("monday", None, None)


def test_a_record_nobody_knows_has_figures_of_nothing(full: FlaskClient) -> None:
    answer = full.get("/api/v1/records/ci/unknown").get_json()

    assert (answer["items"], answer["record"]["actions"], answer["record"]["status"]) == ([], 0, None)
