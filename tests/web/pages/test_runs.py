import csv
import io
import re
from html import unescape

import pytest
from flask.testing import FlaskClient

from ingest.recorder import LineDefaults, RunAnnouncement
from tests.builders import line, ndjson
from tests.web.pages.text import addresses_of, rows_of, text_of
from web.workspace import Workspace

ALL = ["rclone", "signavio", "servicenow", "servicenow"]


def column_of(address: str) -> str:
    return address.removeprefix("/runs?sort=").removeprefix("-")


def types_shown(html: str) -> list[str]:
    return [row[1] for row in rows_of(html, "run")]


def test_the_list_shows_every_run_newest_first(pages: FlaskClient) -> None:
    html = pages.get("/runs").text

    assert types_shown(html) == ALL
    assert rows_of(html, "run")[-1] == [
        *("2025-11-22 10:15:00", "servicenow", "prod", "FULL_SYNC_JOB", "FINISHED", "7 min 00 s", "OK"),
        *("2", "0", "0", "0", "Details PDF"),
    ]


def test_a_run_that_fell_silent_says_no_end_seen(pages: FlaskClient) -> None:
    html = pages.get("/runs?integration=signavio").text

    assert [row[4] for row in rows_of(html, "run")] == ["no end seen"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("integration=rclone", ["rclone"]),
        ("configuration=backup", ["rclone"]),
        ("trigger=FULL_SYNC_JOB", ["servicenow"]),
        ("progress=RUNNING", ["rclone", "signavio"]),
        ("status=ERROR", ["servicenow"]),
        ("q=SIGNA", ["signavio"]),
        ("range=1h", ["rclone"]),
        ("since=2025-11-22T11:00&until=2025-11-22T12:00", ["servicenow"]),
        ("until=2025-11-22T10:15:01", ["servicenow"]),
        ("errors_min=60", ["servicenow"]),
        ("errors_min=1&processed_max=61", []),
        ("processed_max=1", ["rclone", "signavio"]),
        ("longer_than=7m", ["servicenow"]),
        ("longer_than=7m1s", []),
        ("shorter_than=419", ["servicenow"]),
        ("q=full_sync", ["servicenow"]),
        ("integration=&status=&q=&errors_min=&longer_than=", ALL),
    ],
)
def test_an_address_holds_the_filter(pages: FlaskClient, query: str, expected: list[str]) -> None:
    assert types_shown(pages.get(f"/runs?{query}").text) == expected


@pytest.mark.parametrize(
    "query",
    [
        *("status=purple", "progress=gone", "since=yesterday", "range=30y", "sort=colour", "limit=0", "cursor=x"),
        *("errors_min=-1", "processed_max=many", "longer_than=5x", "shorter_than=m", "column=colour"),
    ],
)
def test_a_bad_argument_is_named_on_a_page_with_status_400(pages: FlaskClient, query: str) -> None:
    response = pages.get(f"/runs?{query}", headers={"Accept": "text/html"})

    assert response.status_code == 400
    assert query.partition("=")[0] in text_of(response.text)


@pytest.mark.parametrize(
    "label",
    ["Date", "Type", "Name", "Trigger", "Progress", "Duration", "Status", "Processed", "Updates", "Warnings", "Errors"],
)
def test_every_heading_sorts_and_sorts_back(pages: FlaskClient, label: str) -> None:
    [first] = addresses_of(pages.get("/runs").text, label)
    sorted_html = pages.get(first).text
    [second] = addresses_of(sorted_html, label)

    assert len(types_shown(sorted_html)) == 4
    assert sorted_html.count('aria-sort="none"') == 10
    assert pages.get(second).status_code == 200
    assert {first, second} == {f"/runs?sort={column_of(first)}", f"/runs?sort=-{column_of(first)}"}


def test_sorting_keeps_the_filter_and_forgets_the_page(pages: FlaskClient) -> None:
    [address] = addresses_of(pages.get("/runs?integration=servicenow&limit=1").text, "Errors")

    assert address == "/runs?integration=servicenow&limit=1&sort=-errors"


def test_pages_follow_each_other_without_gap_or_repetition(pages: FlaskClient) -> None:
    first = pages.get("/runs?limit=3").text
    [following] = addresses_of(first, "Next")
    second = pages.get(following).text

    assert types_shown(first) + types_shown(second) == ALL
    assert addresses_of(second, "Next") == []
    assert addresses_of(second, "Back to first") == ["/runs?limit=3"]


def test_csv_and_json_hold_every_run_the_filter_finds(pages: FlaskClient) -> None:
    rows = list(csv.DictReader(io.StringIO(pages.get("/runs.csv?integration=servicenow&limit=1").text)))
    items = pages.get("/runs.json?integration=servicenow").get_json()

    assert [(row["run_id"], row["status"], row["processed"], row["errors"]) for row in rows] == [
        ("broken", "ERROR", "62", "60"),
        ("nightly", "OK", "2", "0"),
    ]
    assert [item["run_id"] for item in items["items"]] == ["broken", "nightly"]
    assert items["next_cursor"] is None


def test_the_list_asks_again_only_while_a_shown_run_may_change(pages: FlaskClient) -> None:
    with_live, with_stuck, finished = (
        pages.get(f"/runs?integration={name}").text for name in ("rclone", "signavio", "servicenow")
    )

    assert 'hx-get="/runs?integration=rclone" hx-trigger="every 3s"' in with_live
    assert "every 3s" not in with_stuck
    assert "every 3s" not in finished


def test_htmx_gets_the_list_alone_except_to_restore_history(pages: FlaskClient) -> None:
    fragment = pages.get("/runs", headers={"HX-Request": "true"})
    restored = pages.get("/runs", headers={"HX-Request": "true", "HX-History-Restore-Request": "true"})

    assert fragment.text.lstrip().startswith('<section class="run-list"')
    assert restored.text.startswith("<!doctype html>")
    assert "HX-Request" in fragment.headers["Vary"]


def test_an_empty_lake_says_how_to_send_a_first_log(own_pages: FlaskClient) -> None:
    html = own_pages.get("/runs").text

    assert "curl http://localhost/api/v1/runs/my-first-run/actions" in text_of(html)
    assert "synclog upload" in text_of(html)
    assert "rclone sync" in text_of(html)
    assert 'class="filters' not in html


def test_the_first_log_of_the_empty_page_is_accepted(own_pages: FlaskClient) -> None:
    command = text_of(own_pages.get("/runs").text)
    body = command.partition("-d '")[2].partition("'")[0]

    response = own_pages.post("/api/v1/runs/my-first-run/actions", data=body, content_type="application/x-ndjson")

    assert response.get_json()["accepted"] == 1
    assert types_shown(own_pages.get("/runs").text) == ["demo"]


def test_a_filter_that_finds_nothing_can_be_cleared(pages: FlaskClient) -> None:
    html = pages.get("/runs?q=nowhere&sort=-errors").text

    assert "No run matches these filters" in text_of(html)
    assert addresses_of(html, "Clear filters") == ["/runs?sort=-errors"]


def test_names_of_a_hostile_sender_are_only_text(workspace: Workspace, own_pages: FlaskClient) -> None:
    evil = '"><script>alert(1)</script>'
    lines = [line(run_id='<b>"run"', integration=evil, configuration=evil, trigger=evil)]
    workspace.recorder.record(ndjson(lines), "ndjson", defaults=LineDefaults())

    html = own_pages.get("/runs").text

    assert "<script>alert" not in html
    assert rows_of(html, "run")[0][1:4] == [evil, evil, evil]
    assert own_pages.get(addresses_of(html, "Details")[0]).status_code == 200


def test_columns_are_added_by_choice_and_sort_like_the_others(pages: FlaskClient) -> None:
    html = pages.get("/runs?column=creates&column=scope&integration=servicenow").text
    [address] = addresses_of(html, "Creates")

    assert [row[11:13] for row in rows_of(html, "run")] == [["—", "0"], ["FULL", "1"]]
    assert address == "/runs?column=creates&column=scope&integration=servicenow&sort=-creates"
    assert pages.get(address).status_code == 200
    assert html.count('name="column"') == html.count('name="column" value="scope" checked') + 8


def test_every_column_of_the_choice_can_be_shown_and_sorted_by(pages: FlaskClient) -> None:
    names = re.findall(r'name="column" value="(\w+)"', pages.get("/runs").text)
    asked = "&".join(f"column={name}" for name in names)

    assert len(names) == 9
    assert {len(row) for row in rows_of(pages.get(f"/runs?{asked}").text, "run")} == {21}
    assert {pages.get(f"/runs?{asked}&sort=-{name}").status_code for name in names} == {200}


def test_a_bar_of_the_timeline_leads_to_the_runs_that_began_then(pages: FlaskClient) -> None:
    html = pages.get("/runs?integration=servicenow&range=9999d").text
    bars = dict(re.findall(r'<a href="([^"]+)"><title>([^<]+)</title>', html))

    assert list(bars.values()) == ["2025-11-22 10:15:00 UTC: 1 OK", "2025-11-22 11:15:00 UTC: 1 ERROR"]
    first = unescape(next(iter(bars)))
    assert first == "/runs?integration=servicenow&since=2025-11-22T10%3A15%3A00&until=2025-11-22T10%3A16%3A00"
    zoomed = pages.get(first).text
    assert [row[0] for row in rows_of(zoomed, "run")] == ["2025-11-22 10:15:00"]
    assert addresses_of(zoomed, "All times") == ["/runs?integration=servicenow"]


def test_data_have_the_ranges_of_the_page(pages: FlaskClient) -> None:
    query = "errors_min=1&longer_than=0"

    rows = list(csv.DictReader(io.StringIO(pages.get(f"/runs.csv?{query}").text)))

    assert [row["run_id"] for row in rows] == ["broken"]
    assert [each["run_id"] for each in pages.get(f"/runs.json?{query}").get_json()["items"]] == ["broken"]
    assert [each["run_id"] for each in pages.get(f"/api/v1/runs?{query}").get_json()["items"]] == ["broken"]
    assert pages.get("/api/v1/runs?errors_min=x").get_json()["error"]["field"] == "errors_min"


def test_a_run_is_cancelled_from_the_list_and_the_list_stays_as_it_was(
    workspace: Workspace, own_pages: FlaskClient
) -> None:
    workspace.recorder.announce_run(RunAnnouncement(run_id="live", integration="rclone", cancellable=True))
    before = own_pages.get("/runs?q=li").text

    response = own_pages.post(
        "/runs/live/cancel", data={"from": "runs"}, headers={"Referer": "http://localhost/runs?q=li"}
    )

    assert 'action="/runs/live/cancel"' in before
    assert (response.status_code, response.location) == (303, "/runs?q=li")
    assert "ABORTION PENDING" in own_pages.get("/runs").text
    assert 'action="/runs/live/cancel"' not in own_pages.get("/runs").text


def test_fifty_rows_stay_below_a_hundred_and_fifty_kilobytes(workspace: Workspace, own_pages: FlaskClient) -> None:
    lines = [
        line(run_id=f"run-{day}-{number}", configuration="production", happened_at=f"2025-10-{day:02}T10:{number}0:00Z")
        for day in range(1, 31)
        for number in range(5)
    ]
    workspace.recorder.record(ndjson(lines), "ndjson", defaults=LineDefaults())

    html = own_pages.get("/runs").text

    assert len(rows_of(html, "run")) == 50
    assert len(html) < 120_000
