"""Two runs side by side, and the choice of them."""

import csv
import io
import json
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.web.pages.text import addresses_of, rows_of, text_of

HOSTILE = "<script>alert(1)</script>\u202e/" + "x" * 9_000


def night(run_id: str, day: int, *lines: dict[str, Any]) -> str:
    said = {"run_id": run_id, "integration": "servicenow", "configuration": "prod", "operation": "UPDATE"}
    return "".join(
        json.dumps({**said, "happened_at": f"2026-06-0{day}T01:00:00Z", "source_type": "ci", **line}) + "\n"
        for line in lines
    )


FAILED = {"status": "ERROR", "code": "403", "message": "No permission to write"}


@pytest.fixture
def two_nights(own_pages: FlaskClient) -> FlaskClient:
    body = night(
        "monday",
        1,
        {"source_id": "a", "source_name": "Payroll", "operation": "NONE"},
        {"source_id": "b", **FAILED},
        {"source_id": "c"},
        {"source_id": HOSTILE, "source_name": HOSTILE},
    ) + night(
        "tuesday", 2, {"source_id": "a", "source_name": "Payroll", **FAILED}, {"source_id": "b"}, {"source_id": "c"}
    )
    assert own_pages.post("/api/v1/actions", data=body, content_type="application/x-ndjson").status_code == 200
    for run_id in ("monday", "tuesday"):
        assert own_pages.patch(f"/api/v1/runs/{run_id}", json={"progress": "FINISHED"}).status_code == 200
    return own_pages


def test_counters_stand_side_by_side_with_their_difference(two_nights: FlaskClient) -> None:
    page = two_nights.get("/compare?a=monday&b=tuesday")

    words = text_of(page.text)
    assert page.status_code == 200
    assert "Processed 4 3 −1" in words
    assert "Errors 1 1 =" in words
    assert "1 persisting" in words
    [problem] = addresses_of(page.text, "All runs")
    assert two_nights.get(problem).status_code == 200
    assert "1 → 1" in words


def test_the_first_list_that_has_records_is_shown_with_the_sizes_of_all(two_nights: FlaskClient) -> None:
    page = two_nights.get("/compare?a=monday&b=tuesday")

    [row] = rows_of(page.text, "action")
    assert row[0].startswith("Payroll ci a")
    assert row[1:] == ["OK NONE Details", "ERROR UPDATE Details", "403 No permission to write"]
    words = text_of(page.text)
    assert "Failing now, not then 1 Failing then, not now 1 Failing in both 0 Vanished 1 Appeared 0" in words
    assert addresses_of(page.text, "Payroll") == ["/records/ci/a"]


def test_a_list_is_chosen_in_the_address_and_hostile_texts_stay_texts(two_nights: FlaskClient) -> None:
    page = two_nights.get("/compare?a=monday&b=tuesday&list=vanished")

    assert "<script>alert" not in page.text
    assert "\u202e" not in page.text
    assert "not in this run" in text_of(page.text)
    assert len(page.data) < 60_000


def test_rows_go_on_where_they_ended(two_nights: FlaskClient) -> None:
    body = night("wednesday", 3, {"source_id": "other"})
    assert two_nights.post("/api/v1/actions", data=body, content_type="application/x-ndjson").status_code == 200

    first = two_nights.get("/compare?a=tuesday&b=wednesday&list=vanished&limit=2")
    [link] = addresses_of(first.text, "Load more")
    rows = two_nights.get(link.replace("/compare?", "/compare/records?"), headers={"HX-Request": "true"})

    assert (addresses_of(first.text, "Payroll"), addresses_of(first.text, "b")) == (
        ["/records/ci/a"],
        ["/records/ci/b"],
    )
    assert addresses_of(rows.text, "c") == ["/records/ci/c"]
    assert "<section" not in rows.text
    assert "Back to the first" in text_of(two_nights.get(link).text)


def test_the_same_records_are_data(two_nights: FlaskClient) -> None:
    found = two_nights.get("/compare.csv?a=monday&b=tuesday&list=failing-now")
    items = two_nights.get("/compare.json?a=monday&b=tuesday&list=failing-now").get_json()["items"]
    every = two_nights.get("/compare.csv?a=monday&b=tuesday").text

    [row] = csv.DictReader(io.StringIO(found.text))
    assert (row["record_id"], row["status_a"], row["status_b"], row["message_b"]) == (
        "a",
        "OK",
        "ERROR",
        "No permission to write",
    )
    assert [(item["record_id"], item["code_b"]) for item in items] == [("a", "403")]
    assert len(list(csv.DictReader(io.StringIO(every)))) == 4
    assert two_nights.get("/compare.json?a=monday&b=tuesday").get_json()["records"]["vanished"] == 1


def test_an_empty_list_is_data_too(two_nights: FlaskClient) -> None:
    assert two_nights.get("/compare.json?a=monday&b=tuesday&list=appeared").get_json() == {
        "items": [],
        "next_cursor": None,
    }


def test_what_to_bear_in_mind_is_said(two_nights: FlaskClient) -> None:
    body = night("odd", 3, {"integration": "signavio", "source_id": "a"})
    assert two_nights.post("/api/v1/actions", data=body, content_type="application/x-ndjson").status_code == 200

    words = text_of(two_nights.get("/compare?a=odd&b=monday").text)

    assert "not of one kind: signavio prod and servicenow prod" in words
    assert "began after the other" in words
    assert "No end of the earlier run was seen" in words


def test_without_runs_one_is_chosen_first(two_nights: FlaskClient) -> None:
    page = two_nights.get("/compare")

    assert addresses_of(page.text, "Choose") == ["/compare?b=tuesday", "/compare?b=monday"]


@pytest.mark.parametrize("known", ["a=tuesday", "b=tuesday"])
def test_beside_a_known_run_others_of_its_kind_are_offered_earlier_first(two_nights: FlaskClient, known: str) -> None:
    page = two_nights.get(f"/compare?{known}")

    assert addresses_of(page.text, "The run before") == ["/compare?a=monday&b=tuesday"]
    assert addresses_of(page.text, "Compare") == ["/compare", "/compare?a=monday&b=tuesday"]


def test_an_empty_lake_and_a_lone_run_say_what_to_do(own_pages: FlaskClient) -> None:
    assert "See how to send a log" in text_of(own_pages.get("/compare").text)
    body = night("only", 1, {"source_id": "a"})
    own_pages.post("/api/v1/actions", data=body, content_type="application/x-ndjson")

    assert "There is no other run of this kind" in text_of(own_pages.get("/compare?b=only").text)


@pytest.mark.parametrize(
    ("query", "status", "words"),
    [
        ("a=unknown&b=monday", 404, "there is no run unknown"),
        ("b=unknown", 404, "there is no run unknown"),
        ("a=monday&b=monday", 400, "cannot be compared with itself"),
        ("a=monday&b=tuesday&list=nonsense", 400, "list is one of"),
        ("a=monday&b=tuesday&list=vanished&cursor=nonsense", 400, "not a cursor"),
    ],
)
def test_what_cannot_be_compared_is_explained(two_nights: FlaskClient, query: str, status: int, words: str) -> None:
    page = two_nights.get(f"/compare?{query}")

    assert page.status_code == status
    assert words.lower() in text_of(page.text).lower()


def test_records_of_large_runs_come_after_the_page_and_by_a_link(own_pages: FlaskClient) -> None:
    for day, run_id in enumerate(("monday", "tuesday"), 1):
        body = night(run_id, day, *({"source_id": str(number)} for number in range(2_600)))
        assert own_pages.post("/api/v1/actions", data=body, content_type="application/x-ndjson").status_code == 200

    page = own_pages.get("/compare?a=monday&b=tuesday")
    [link] = addresses_of(page.text, "Compare the records")
    part = own_pages.get("/compare/records?a=monday&b=tuesday", headers={"HX-Request": "true"})

    assert 'hx-get="/compare/records?a=monday&amp;b=tuesday" hx-trigger="load"' in page.text
    assert "Updated both times 2,600" in text_of(own_pages.get(link).text)
    assert rows_of(part.text, "action")[0][1] == "OK UPDATE Details"
    assert own_pages.get("/compare/records?a=monday&b=tuesday").location == "/compare?a=monday&b=tuesday"
