"""Runs announced, changed, cancelled and found over HTTP."""

from typing import Any

import pytest
from flask.testing import FlaskClient

LINES = b"""{"run_id":"broken","integration":"servicenow","operation":"UPDATE","status":"OK","source_id":"a1"}
{"run_id":"broken","integration":"servicenow","status":"ERROR","source_id":"a2","message":"No permission on 4711"}
{"run_id":"broken","integration":"servicenow","status":"ERROR","source_id":"a3","message":"No permission on 4712"}
"""


def announce(api: FlaskClient, **fields: Any) -> Any:
    return api.post("/api/v1/runs", json={"integration": "servicenow", "run_id": "nightly", **fields})


def change(api: FlaskClient, **fields: Any) -> Any:
    return api.patch("/api/v1/runs/nightly", json=fields)


def test_an_announced_run_is_answered_and_found(api: FlaskClient) -> None:
    answer = announce(
        api, configuration="prod", trigger="FULL_SYNC_JOB", scope="full", expected=10, attributes={"host": "a"}
    )

    run = answer.get_json()
    assert answer.status_code == 201
    assert {
        "run_id": "nightly",
        "integration": "servicenow",
        "configuration": "prod",
        "trigger": "FULL_SYNC_JOB",
        "scope": "FULL",
        "progress": "RUNNING",
        "status": None,
        "expected": 10,
        "processed": 0,
        "end_seen": False,
        "cancellable": False,
        "attributes": {"host": "a"},
    }.items() <= run.items()
    assert api.get("/api/v1/runs/nightly").get_json() == run


def test_the_same_run_again_is_200_and_unchanged(api: FlaskClient) -> None:
    first = announce(api)

    second = announce(api, integration="another")

    assert (second.status_code, second.get_json()) == (200, first.get_json())


def test_a_run_without_an_id_gets_one(api: FlaskClient) -> None:
    answer = api.post("/api/v1/runs", json={"integration": "servicenow"})

    assert answer.status_code == 201
    assert api.get(f"/api/v1/runs/{answer.get_json()['run_id']}").status_code == 200


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"integration": ""}, "integration"),
        ({"integration": 7}, "integration"),
        ({"run_id": "a/b"}, "run_id"),
        ({"progress": "ASLEEP"}, "progress"),
        ({"scope": "HALF"}, "scope"),
        ({"expected": -1}, "expected"),
        ({"expected": True}, "expected"),
        ({"expected": 2**63}, "expected"),
        ({"cancellable": "yes"}, "cancellable"),
        ({"attributes": []}, "attributes"),
        ({"intergation": "typo"}, "intergation"),
    ],
)
def test_a_bad_announcement_is_400_and_names_the_field(api: FlaskClient, fields: dict[str, Any], field: str) -> None:
    answer = announce(api, **fields)

    assert (answer.status_code, answer.get_json()["error"]["field"]) == (400, field)


@pytest.mark.parametrize("body", [b"", b"nonsense", b"[]", b"\xff", b"[" * 100_000])
def test_a_body_that_is_not_an_object_is_400(api: FlaskClient, body: bytes) -> None:
    answer = api.post("/api/v1/runs", data=body, content_type="application/json")

    assert (answer.status_code, answer.get_json()["error"]["code"]) == (400, "malformed")


def test_a_run_is_finished_by_its_sender(api: FlaskClient) -> None:
    announce(api)

    answer = change(api, progress="completed", message="done", status="WARNING", claimed={"processed": 3})

    run = answer.get_json()
    assert answer.status_code == 200
    assert (run["progress"], run["status"], run["message"], run["claimed"], run["end_seen"]) == (
        "FINISHED",
        "WARNING",
        "done",
        {"processed": 3},
        True,
    )


def test_a_step_back_is_409(api: FlaskClient) -> None:
    announce(api, progress="FINISHED")

    answer = change(api, progress="RUNNING")

    assert (answer.status_code, answer.get_json()["error"]["code"]) == (409, "impossible-step")


@pytest.mark.parametrize("fields", [{}, {"claimed": {"processed": "3"}}, {"progres": "FINISHED"}])
def test_a_bad_change_is_400(api: FlaskClient, fields: dict[str, Any]) -> None:
    announce(api)

    assert change(api, **fields).status_code == 400


def test_a_cancellable_run_is_asked_to_stop(api: FlaskClient) -> None:
    announce(api, cancellable=True)

    answer = api.post("/api/v1/runs/nightly/cancel")

    assert (answer.status_code, answer.get_json()["progress"]) == (202, "ABORTION_PENDING")


@pytest.mark.parametrize("fields", [{}, {"cancellable": True, "progress": "FINISHED"}])
def test_what_cannot_be_cancelled_is_409(api: FlaskClient, fields: dict[str, Any]) -> None:
    announce(api, **fields)

    answer = api.post("/api/v1/runs/nightly/cancel")

    assert (answer.status_code, answer.get_json()["error"]["code"]) == (409, "not-cancellable")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", ""),
        ("PATCH", ""),
        ("POST", "/cancel"),
        ("GET", "/actions"),
        ("GET", "/problems"),
        ("GET", "/events"),
        ("GET", "/report.html"),
        ("GET", "/actions.csv"),
    ],
)
def test_a_run_that_is_not_there_is_404(api: FlaskClient, method: str, path: str) -> None:
    answer = api.open(f"/api/v1/runs/nowhere{path}", method=method, json={"progress": "FINISHED"})

    assert (answer.status_code, answer.get_json()["error"]["code"]) == (404, "run-not-found")


def test_runs_are_filtered_sorted_and_paged(api: FlaskClient) -> None:
    for number in range(5):
        announce(api, run_id=f"r{number}", integration="even" if number % 2 == 0 else "odd")

    first = api.get("/api/v1/runs?integration=even&sort=begun_at&limit=2").get_json()
    second = api.get(
        "/api/v1/runs",
        query_string={"integration": "even", "sort": "begun_at", "limit": 2, "cursor": first["next_cursor"]},
    ).get_json()

    assert [run["run_id"] for run in first["items"] + second["items"]] == ["r0", "r2", "r4"]
    assert second["next_cursor"] is None


def test_runs_are_found_by_status_and_time(api: FlaskClient) -> None:
    api.post("/api/v1/actions", data=LINES, content_type="application/x-ndjson")

    def found(query: str) -> list[str]:
        return [run["run_id"] for run in api.get(f"/api/v1/runs?{query}").get_json()["items"]]

    assert found("status=error&since=2020-01-01&progress=RUNNING&q=serv") == ["broken"]
    assert found("status=OK") == found("until=2020-01-01T00:00:00Z") == []


@pytest.mark.parametrize(
    "query",
    [
        "status=bad",
        "progress=bad",
        "since=yesterday",
        "limit=0",
        "limit=many",
        "limit=100000",
        "cursor=nonsense",
        "sort=colour",
        "statsu=ERROR",
    ],
)
def test_a_bad_filter_is_400_and_names_the_parameter(api: FlaskClient, query: str) -> None:
    answer = api.get(f"/api/v1/runs?{query}")

    assert (answer.status_code, answer.get_json()["error"]["field"]) == (400, query.partition("=")[0])


def test_a_plus_in_a_zone_may_be_sent_as_it_is(api: FlaskClient) -> None:
    assert api.get("/api/v1/runs?since=2026-11-22T10:15:00+01:00").status_code == 200


def test_the_actions_of_a_run_are_filtered_and_paged(api: FlaskClient) -> None:
    api.post("/api/v1/actions", data=LINES, content_type="application/x-ndjson")

    first = api.get("/api/v1/runs/broken/actions?status=ERROR&limit=1&q=permission").get_json()
    second = api.get("/api/v1/runs/broken/actions", query_string={"status": "ERROR", "cursor": first["next_cursor"]})

    items = first["items"] + second.get_json()["items"]
    assert [item["source_id"] for item in items] == ["a2", "a3"]
    assert items[0]["integration"] == "servicenow"


def test_actions_are_found_across_runs(api: FlaskClient) -> None:
    api.post("/api/v1/actions", data=LINES + LINES.replace(b"broken", b"other"), content_type="application/x-ndjson")

    items = api.get("/api/v1/actions?record=a2").get_json()["items"]

    assert sorted(item["run_id"] for item in items) == ["broken", "other"]


def test_details_come_back_as_they_were_sent(api: FlaskClient) -> None:
    line = b'{"run_id":"r","message":"m","details":{"field":"lifecycle"},"surprise":[1,2]}\n'
    api.post("/api/v1/actions", data=line, content_type="application/x-ndjson")

    item = api.get("/api/v1/runs/r/actions").get_json()["items"][0]

    assert item["details"] == {"field": "lifecycle", "surprise": [1, 2]}


def test_problems_of_a_run_are_grouped(api: FlaskClient) -> None:
    api.post("/api/v1/actions", data=LINES, content_type="application/x-ndjson")

    items = api.get("/api/v1/runs/broken/problems").get_json()["items"]

    assert [(item["status"], item["count"], item["records"]) for item in items] == [("ERROR", 2, 2)]
    assert len(items[0]["examples"]) == 2


def test_a_wrong_method_is_405_and_says_which_are_right(api: FlaskClient) -> None:
    answer = api.delete("/api/v1/runs/nightly")

    assert answer.status_code == 405
    assert "PATCH" in answer.headers["Allow"]
    assert answer.get_json()["error"]["code"] == "method-not-allowed"
