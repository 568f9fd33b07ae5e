import re
from datetime import UTC, datetime, timedelta
from html import unescape
from urllib.parse import parse_qs, urlsplit

import pytest
from flask.testing import FlaskClient

from ingest.action import Progress
from ingest.recorder import RunAnnouncement, RunChange
from query.runs import get_run
from tests.builders import line
from tests.web.pages.cast import record, recorder_at
from tests.web.pages.text import addresses_of, rows_of, text_of
from web.workspace import Workspace

HTML = {"Accept": "text/html"}


def sources_shown(html: str) -> list[str]:
    return [row[1].partition(" b")[0] for row in rows_of(html, "action")]


def test_the_head_says_what_became_of_the_run(pages: FlaskClient) -> None:
    said = text_of(pages.get("/runs/nightly").text)

    assert "servicenow prod Finished. All 2 records are right: 1 created, 1 unchanged." in said
    assert "Start (UTC) 2025-11-22 10:15:00 End (UTC) 2025-11-22 10:22:00 Duration 7 min 00 s" in said
    assert "Processed 2 Creates 1 Updates 0 Deletes 0 Unchanged 1 OK 2 Infos 0 Warnings 0 Errors 0" in said
    assert "two systems compared" in said


@pytest.mark.parametrize(
    ("label", "arguments"),
    [
        ("Processed 62", {}),
        ("Updates 62", {"operation": ["UPDATE"]}),
        ("Warnings 1", {"status": ["WARNING"]}),
        ("Errors 60", {"status": ["ERROR"]}),
    ],
)
def test_a_counter_leads_to_just_the_actions_it_counts(
    pages: FlaskClient, label: str, arguments: dict[str, list[str]]
) -> None:
    [address] = addresses_of(pages.get("/runs/broken").text, label)
    shown = rows_of(pages.get(address).text, "action")

    assert parse_qs(urlsplit(address).query) == arguments
    assert len(shown) == min(50, int(label.split()[1]))


def test_problems_come_worst_first_and_lead_to_their_actions(pages: FlaskClient) -> None:
    html = pages.get("/runs/broken").text
    label = "ERROR New fact sheet <n> was refused: lifecycle <name> is unknown 60 actions 60 records"

    [address] = addresses_of(html, label)

    assert {row[4] for row in rows_of(pages.get(address).text, "action")} == {"ERROR"}
    assert text_of(html).index(label) < text_of(html).index("WARNING owner is unknown")


def test_counters_the_sender_claims_otherwise_are_said(pages: FlaskClient) -> None:
    said = text_of(pages.get("/runs/broken").text)

    assert "8 of 70 actions are missing: the sender counts 70, 62 arrived." in said


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("status=WARNING", ["Ledger w1"]),
        ("status=OK&status=WARNING", ["Fine a1", "Ledger w1"]),
        ("status=ok,warn", ["Fine a1", "Ledger w1"]),
        ("status=OK&operation=CREATE&operation=DELETE", []),
        ("q=OWNER", ["Ledger w1"]),
        ("q=application+17", ["Application 17"]),
        ("record=t42", ["Application 42"]),
        ("until=2025-11-22T11:15:30", ["Fine a1", "Ledger w1"]),
        ("status=&q=ledger", ["Ledger w1"]),
    ],
)
def test_an_address_filters_the_actions(pages: FlaskClient, query: str, expected: list[str]) -> None:
    assert sources_shown(pages.get(f"/runs/broken?{query}").text) == expected


@pytest.mark.parametrize("query", ["status=purple", "operation=EXPLODE", "sort=message", "cursor=x", "since=then"])
def test_a_bad_argument_is_named_on_a_page_with_status_400(pages: FlaskClient, query: str) -> None:
    response = pages.get(f"/runs/broken?{query}", headers=HTML)

    assert response.status_code == 400
    assert query.partition("=")[0] in text_of(response.text)


def test_a_filter_without_a_match_can_be_cleared(pages: FlaskClient) -> None:
    html = pages.get("/runs/broken?q=nowhere").text

    assert "No action matches these filters" in text_of(html)
    assert set(addresses_of(html, "Clear filters")) == {"/runs/broken#actions"}


def test_load_more_goes_on_where_the_table_ends(pages: FlaskClient) -> None:
    first = pages.get("/runs/broken?status=ERROR").text
    [address] = addresses_of(first, "Load more")
    second = pages.get(address).text

    assert len(sources_shown(first)) == 50
    assert sorted(sources_shown(first) + sources_shown(second)) == sorted(f"Application {n}" for n in range(1, 61))
    assert addresses_of(second, "Back to first") == ["/runs/broken?status=ERROR#actions"]


def test_htmx_gets_the_further_rows_alone(pages: FlaskClient) -> None:
    query = urlsplit(addresses_of(pages.get("/runs/broken").text, "Load more")[0]).query

    rows = pages.get(f"/runs/broken/actions?{query}", headers={"HX-Request": "true"}).text
    redirect = pages.get(f"/runs/broken/actions?{query}")

    assert rows.lstrip().startswith("<tr")
    assert len(rows_of(rows, "action")) == 12
    assert redirect.location == f"/runs/broken?{query}"


def test_actions_sort_by_date_both_ways(pages: FlaskClient) -> None:
    [latest_first] = addresses_of(pages.get("/runs/broken").text, "Date")

    html = pages.get(latest_first).text

    assert 'aria-sort="descending"' in html
    assert sources_shown(html)[0] == "Application 59"


def test_downloads_are_of_the_filtered_actions(pages: FlaskClient) -> None:
    html = pages.get("/runs/broken?status=WARNING&sort=-happened_at&limit=1").text
    [address] = addresses_of(html, "CSV")

    downloaded = pages.get(address)

    assert address == "/api/v1/runs/broken/actions.csv?status=WARNING"
    assert downloaded.text.count("\n") == 2
    assert all(pages.get(addresses_of(html, kind)[0]).status_code == 200 for kind in ("NDJSON", "Parquet"))


def test_neighbours_of_one_configuration_lead_to_each_other(pages: FlaskClient) -> None:
    nightly, broken = (pages.get(f"/runs/{name}").text for name in ("nightly", "broken"))

    assert addresses_of(nightly, "Previous run") == []
    assert addresses_of(nightly, "Next run") == ["/runs/broken"]
    assert addresses_of(broken, "Previous run") == ["/runs/nightly"]


def test_the_summary_asks_again_only_while_the_run_may_change(pages: FlaskClient) -> None:
    live, stuck, nightly = (pages.get(f"/runs/{name}").text for name in ("live", "stuck", "nightly"))

    assert 'hx-get="/runs/live/summary" hx-trigger="every 3s"' in live
    assert "25 % of 4 announced; about" in text_of(live)
    assert "every 3s" not in stuck
    assert "every 3s" not in nightly


def test_the_summary_alone_is_for_htmx(pages: FlaskClient) -> None:
    fragment = pages.get("/runs/live/summary", headers={"HX-Request": "true"})
    redirect = pages.get("/runs/live/summary")

    assert fragment.text.lstrip().startswith('<div class="run-summary"')
    assert redirect.location == "/runs/live"


def test_a_run_that_can_be_cancelled_is_asked_to_stop(workspace: Workspace, own_pages: FlaskClient) -> None:
    workspace.recorder.announce_run(RunAnnouncement(run_id="live", integration="rclone", cancellable=True))
    before = own_pages.get("/runs/live").text

    response = own_pages.post("/runs/live/cancel")

    after = own_pages.get("/runs/live").text
    assert (response.status_code, response.location) == (303, "/runs/live")
    assert get_run(workspace.view, "live").progress == Progress.ABORTION_PENDING
    assert ("Cancel run" in before, "Cancel run" in after) == (True, False)
    assert "ABORTION PENDING" in after


def test_a_run_that_is_over_cannot_be_cancelled(pages: FlaskClient) -> None:
    assert "Cancel run" not in pages.get("/runs/nightly").text
    assert pages.post("/runs/nightly/cancel", headers=HTML).status_code == 409


def test_a_run_nobody_heard_of_is_a_page_with_status_404(pages: FlaskClient) -> None:
    response = pages.get("/runs/nobody", headers=HTML)

    assert response.status_code == 404
    assert "nobody" in text_of(response.text)
    assert response.text.startswith("<!doctype html>")


def test_a_run_without_actions_says_so(workspace: Workspace, own_pages: FlaskClient) -> None:
    workspace.recorder.announce_run(RunAnnouncement(run_id="bare", integration="servicenow"))

    html = own_pages.get("/runs/bare").text

    assert "No action yet" in text_of(html)
    assert '<svg class="chart' not in html


def test_a_chip_says_each_filter_and_takes_it_away(pages: FlaskClient) -> None:
    html = pages.get("/runs/broken?status=OK&status=WARNING&q=owner&type=cmdb&since=2025-11-22T00:00:00").text

    chips = dict(re.findall(r'<a class="chip" href="([^"]*)"[^>]*>(.*?)</a>', html))
    assert {text_of(words): unescape(address) for address, words in chips.items()} == {
        "Search owner ×": "/runs/broken?status=OK&status=WARNING&type=cmdb&since=2025-11-22T00%3A00%3A00#actions",
        "Status OK ×": "/runs/broken?status=WARNING&q=owner&type=cmdb&since=2025-11-22T00%3A00%3A00#actions",
        "Status WARNING ×": "/runs/broken?status=OK&q=owner&type=cmdb&since=2025-11-22T00%3A00%3A00#actions",
        "Type cmdb ×": "/runs/broken?status=OK&status=WARNING&q=owner&since=2025-11-22T00%3A00%3A00#actions",
        "From 2025-11-22T00:00:00 ×": "/runs/broken?status=OK&status=WARNING&q=owner&type=cmdb#actions",
    }


def test_the_first_error_is_jumped_to_with_what_came_after_it(pages: FlaskClient) -> None:
    [jump] = addresses_of(pages.get("/runs/broken").text, "Jump to the first error")

    response = pages.get(jump)
    rows = rows_of(pages.get(response.location).text, "action")

    assert jump == "/runs/broken/first-error"
    assert rows[0][1] == "Application 60 b60"
    assert len(rows) == 50
    assert addresses_of(pages.get("/runs/nightly").text, "Jump to the first error") == []
    assert pages.get("/runs/nightly/first-error").location == "/runs/nightly#actions"


def test_a_run_is_compared_with_the_one_before_and_with_the_last_ok(
    workspace: Workspace, own_pages: FlaskClient
) -> None:
    for day, status in ((1, "OK"), (2, "ERROR"), (3, "ERROR")):
        record(workspace.recorder, f"day-{day}", [line(status=status, happened_at=f"2025-11-0{day}T10:00:00Z")])
    second, third = (own_pages.get(f"/runs/day-{day}").text for day in (2, 3))

    assert addresses_of(second, "Compare with the previous") == ["/compare?a=day-1&b=day-2"]
    assert addresses_of(second, "Compare with the last OK") == []
    assert addresses_of(third, "Compare with the previous") == ["/compare?a=day-2&b=day-3"]
    assert addresses_of(third, "Compare with the last OK") == ["/compare?a=day-1&b=day-3"]
    assert own_pages.get("/compare?a=day-1&b=day-3").status_code == 200


def test_a_run_under_way_says_how_far_it_has_come_as_in_earlier_runs(
    workspace: Workspace, own_pages: FlaskClient
) -> None:
    data = workspace.settings.data
    now = datetime.now(UTC)
    for day in range(3):
        with recorder_at(data, now - timedelta(days=day + 1)) as recorder:
            recorder.announce_run(RunAnnouncement(run_id=f"day-{day}", integration="servicenow"))
            record(recorder, f"day-{day}", [line(source_id=str(number)) for number in range(40)])
            recorder.change_run(f"day-{day}", RunChange(progress=Progress.FINISHED))
    with recorder_at(data, now - timedelta(minutes=10)) as recorder:
        recorder.announce_run(RunAnnouncement(run_id="live", integration="servicenow"))
    record(workspace.recorder, "live", [line(happened_at=now.isoformat()) for _ in range(10)])

    said = text_of(own_pages.get("/runs/live").text)

    assert "25 % of about 40, as in 3 earlier runs; about 30 min to go" in said


def test_types_are_a_filter_of_pages_and_data(pages: FlaskClient) -> None:
    html = pages.get("/runs/broken?type=leanix.Application&status=ERROR").text
    [address] = addresses_of(html, "CSV")

    assert len(rows_of(html, "action")) == 50
    assert '<option value="leanix.Application">' in html
    assert address == "/api/v1/runs/broken/actions.csv?type=leanix.Application&status=ERROR"
    assert pages.get(address).text.count("\n") == 61
    assert rows_of(pages.get("/runs/broken?type=nothing").text, "action") == []
    assert pages.get("/api/v1/runs/broken/actions?type=nothing").get_json()["items"] == []


def test_downloads_keep_the_time_of_the_filter(pages: FlaskClient) -> None:
    [address] = addresses_of(pages.get("/runs/broken?until=2025-11-22T11:15:30").text, "CSV")

    assert address == "/api/v1/runs/broken/actions.csv?until=2025-11-22T11%3A15%3A30.000000Z"
    assert pages.get(address).text.count("\n") == 3
