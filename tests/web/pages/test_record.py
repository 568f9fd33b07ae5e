"""The history of one record."""

import csv
import io
import json
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.web.pages.text import addresses_of, rows_of, text_of


def written(night: int, integration: str, **fields: Any) -> dict[str, Any]:
    return {
        "run_id": f"{integration}-{night}", "integration": integration, "happened_at": f"2026-06-0{night}T01:00:00Z",
        "operation": "UPDATE", "source_type": f"{integration}.thing", "source_id": "s/1",
        "source_name": "Payroll source", "target_type": "App", "target_id": "a/1", "target_name": "Payroll",
    } | fields  # fmt: skip


TO, FRO = ({"changes": {"phase": pair}} for pair in (["plan", "active"], ["active", "plan"]))
LINES = [
    *(written(n, "servicenow" if n % 2 else "signavio", details=TO if n % 2 else FRO) for n in range(1, 6)),
    written(6, "signavio", status="ERROR", code="403", message="No <b>permission</b>"),
    written(7, "other", target_id="b/2", source_id="else"),
]


@pytest.fixture
def record(own_pages: FlaskClient) -> FlaskClient:
    body = "".join(json.dumps(line) + "\n" for line in LINES)
    assert own_pages.post("/api/v1/actions", data=body, content_type="application/x-ndjson").status_code == 200
    return own_pages


def test_the_head_says_how_the_record_stands(record: FlaskClient) -> None:
    page = record.get("/records/App/a%2F1")

    words = text_of(page.text)
    assert page.status_code == 200
    assert "Payroll App a/1" in words
    assert "Fails with signavio since 2026-06-06 01:00:00 UTC, in 1 run; last good 2026-06-04 01:00:00 UTC." in words
    assert "Actions 6 in 6 runs First seen (UTC) 2026-06-01 01:00:00 Last seen (UTC) 2026-06-06 01:00:00" in words


def test_a_record_that_fails_says_why_and_where(record: FlaskClient) -> None:
    page = record.get("/records/App/a%2F1")

    [link] = addresses_of(page.text, "Details of the last error")
    assert "Why. 403 No <b>permission</b>" in text_of(page.text)
    [problem] = addresses_of(page.text, "the problem in all runs")
    assert [record.get(each).status_code for each in (link, problem)] == [200, 200]
    assert "Why." not in text_of(record.get("/records/App/b%2F2").text)


def test_what_goes_to_and_fro_is_pointed_out_with_its_runs(record: FlaskClient) -> None:
    page = record.get("/records/App/a/1")

    assert "signavio sets phase to “plan”, servicenow sets it to “active”: 5 times" in text_of(page.text)
    assert addresses_of(page.text, "servicenow-1") == ["/runs/servicenow-1"]


def test_actions_are_shown_latest_first_with_what_they_changed(record: FlaskClient) -> None:
    page = record.get("/records/App/a%2F1")

    rows = rows_of(page.text, "action")
    assert [row[1] for row in rows[:2]] == ["signavio signavio-6", "servicenow servicenow-5"]
    assert rows[0][2:4] == ["UPDATE", "ERROR"]
    assert rows[0][5] == "403 No <b>permission</b>"
    assert rows[1][5].endswith("phase plan → active")
    assert "<b>permission" not in page.text


def test_partners_are_linked(record: FlaskClient) -> None:
    page = record.get("/records/App/a%2F1")

    assert "/records/servicenow.thing/s%2F1" in addresses_of(page.text, "Payroll source")
    assert "source, signavio.thing , 3 actions" in text_of(page.text)


def test_several_actions_of_a_run_stand_under_it_once(own_pages: FlaskClient) -> None:
    body = json.dumps([written(1, "servicenow"), written(1, "servicenow", happened_at="2026-06-01T01:00:05Z")])
    assert own_pages.post("/api/v1/actions", data=body, content_type="application/json").status_code == 200

    rows = rows_of(own_pages.get("/records/App/a%2F1").text, "action")

    assert [row[1] for row in rows] == ["servicenow servicenow-1", "the same run"]


def test_pages_go_on_without_the_head(record: FlaskClient) -> None:
    first = record.get("/records/App/a%2F1?limit=4")
    [link] = addresses_of(first.text, "Load more")
    second = record.get(link)
    rows = record.get(link, headers={"HX-Request": "true"})

    assert "Actions 6 in 6 runs" in text_of(first.text)
    assert [len(rows_of(page.text, "action")) for page in (first, second, rows)] == [4, 2, 2]
    assert "First seen" not in text_of(second.text)
    assert addresses_of(second.text, "Back to the latest") == ["/records/App/a%2F1?limit=4"]
    assert "<html" not in rows.text


def test_the_same_actions_are_data(record: FlaskClient) -> None:
    rows = list(csv.DictReader(io.StringIO(record.get("/records.csv?type=App&id=a/1").text)))
    items = record.get("/records.json?type=-&id=s/1").get_json()["items"]

    assert [row["run_id"] for row in rows][:2] == ["signavio-6", "servicenow-5"]
    assert len(items) == 6
    assert record.get("/records.csv").status_code == 400


HOSTILE = ("..", ".", "x" * 10_000, "<script>alert(1)</script>", "\u202eevil/\u05e9", "a//b/", "?q=#", "%2F")


@pytest.mark.parametrize("record_id", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_id_has_an_address_that_leads_to_it(own_pages: FlaskClient, record_id: str) -> None:
    body = json.dumps([written(1, "i", target_id=record_id, target_name="the other")])
    assert own_pages.post("/api/v1/actions", data=body, content_type="application/json").status_code == 200

    link = addresses_of(own_pages.get("/records/i.thing/s%2F1").text, "the other")[0]
    page = own_pages.get(link)

    assert page.status_code == 200
    assert "Actions 1 in 1 run" in text_of(page.text)
    assert "<script>alert" not in page.text
    assert "\u202e" not in page.text


def test_a_record_nobody_knows_is_no_error_and_leads_on(own_pages: FlaskClient) -> None:
    page = own_pages.get("/records/ci/unknown")

    assert page.status_code == 200
    assert "Nothing was done to this record" in text_of(page.text)
    assert addresses_of(page.text, "Look for the id with any type") == ["/records?id=unknown"]


def test_without_an_id_the_page_asks_for_one(own_pages: FlaskClient) -> None:
    page = own_pages.get("/records?type=App")

    assert page.status_code == 200
    assert 'value="App"' in page.text
    assert "Which record?" in text_of(page.text)
