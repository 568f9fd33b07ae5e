"""Problems across runs and one of them, over the cast: ``broken`` failed sixty times with one message."""

import csv
import io
from datetime import UTC, datetime, timedelta

import pytest

from ingest.action import Progress, Scope
from ingest.problem_notes import find_problem_note
from ingest.recorder import RunAnnouncement, RunChange
from tests.builders import line
from tests.web.pages.cast import at_night, failure, record
from tests.web.pages.text import text_of

REFUSED = "fact sheet <n> was refused: lifecycle <name> is unknown"


def words(answer):
    return text_of(answer.text)


def refused_id(pages):
    [item] = pages.get("/problems.json?q=refused").get_json()["items"]
    return item["problem_id"]


def test_list_says_what_and_where_and_how_bad(pages):
    text = words(pages.get("/problems"))

    for said in (REFUSED, "owner is unknown", "servicenow", "New", "60", "1 run", "Configuration or mapping"):
        assert said in text


def test_rows_are_the_same_as_page_csv_and_json(pages):
    items = pages.get("/problems.json?status=ERROR").get_json()["items"]
    rows = list(csv.DictReader(io.StringIO(pages.get("/problems.csv?status=ERROR").text)))
    api = pages.get("/api/v1/problems?status=ERROR").get_json()

    assert api == {"items": items, "next_cursor": None}
    assert [(row["problem_id"], row["count"], row["state"]) for row in rows] == [
        (item["problem_id"], str(item["count"]), item["state"]) for item in items
    ]
    assert [(item["template"], item["count"], item["records"]) for item in items] == [(REFUSED, 60, 60)]


@pytest.mark.parametrize("address", [
    "/problems?state=resolved", "/problems?q=nothing+like+it", "/problems?cause=network&range=7d",
])  # fmt: skip
def test_nothing_found_says_what_to_do(pages, address):
    assert "Clear filters" in words(pages.get(address))


@pytest.mark.parametrize(("address", "field"), [
    ("/problems?state=odd", "state"), ("/problems?cause=odd", "cause"), ("/problems?sort=odd", "sort"),
    ("/problems?cursor=odd", "cursor"), ("/problems?since=odd", "since"),
])  # fmt: skip
def test_what_cannot_be_meant_is_refused_by_name(pages, address, field):
    answer = pages.get(address)

    assert answer.status_code == 400
    assert field in words(answer)


def test_one_problem_tells_everything(pages):
    text = words(pages.get(f"/problems/{refused_id(pages)}"))

    parts = ("Run by run", "In 1 of the latest", "What to do", "What you know of it")
    facts = (REFUSED, "60 in 1 run", "60 records", "422", "fact sheet 60 was refused")
    for said in (*parts, *facts, "whoever maintains the configuration"):
        assert said in text


def test_records_come_after_the_page_is_there(pages):
    path = f"/problems/{refused_id(pages)}/records"

    assert pages.get(path).status_code == 302
    fragment = pages.get(path, headers={"HX-Request": "true"})
    assert "Application 60" in words(fragment)
    assert '/records/-/b60"' in fragment.text
    assert "50 records shown" in words(fragment)


def test_a_problem_nobody_had_is_not_found(pages):
    assert pages.get("/problems/0000000000000000").status_code == 404
    answer = pages.get("/api/v1/problems/0000000000000000")
    assert (answer.status_code, answer.get_json()["error"]["code"]) == (404, "problem-not-found")


def test_api_tells_one_problem_with_its_runs(pages):
    body = pages.get(f"/api/v1/problems/{refused_id(pages)}").get_json()

    [item] = body["items"]
    assert (body["template"], item["state"], item["cause"]) == (REFUSED, "new", "configuration")
    assert [(run["run_id"], run["count"]) for run in item["latest_runs"] if run["count"]] == [("broken", 60)]
    assert item["who"] == "whoever maintains the configuration of the integration"


def test_api_of_a_run_tells_what_is_known_of_its_problems(pages):
    refused, owner = pages.get("/api/v1/runs/broken/problems").get_json()["items"]

    assert (refused["template"], refused["state"], refused["cause"]) == (REFUSED, "new", "configuration")
    assert (owner["state"], owner["is_expected"], owner["note"]) == ("new", False, None)


@pytest.fixture
def nights(workspace):
    """Two full runs with one problem; the second has a new one too."""
    for number in (1, 2):
        run_id = f"n{number}"
        workspace.recorder.announce_run(RunAnnouncement(run_id=run_id, integration="servicenow", scope=Scope.FULL))
        extra = [at_night(status="ERROR", message="boom")] if number == 2 else []
        record(workspace.recorder, run_id, [failure(7), *extra])
        workspace.recorder.change_run(run_id, RunChange(progress=Progress.FINISHED))
    return workspace


def keep(pages, problem_id, **said):
    return pages.post(f"/problems/{problem_id}/note", data={"integration": "servicenow", **said})


def test_what_people_keep_is_shown_in_later_runs_lists_and_reports(nights, own_pages):
    problem_id = refused_id(own_pages)
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).date().isoformat()

    answer = keep(
        own_pages, problem_id, note="<b>ask</b> them", ticket="https://tickets.example/7", muted_until=tomorrow
    )

    assert answer.status_code == 303
    assert answer.location == f"/problems/{problem_id}?integration=servicenow#note"
    kept = find_problem_note(nights.control, "servicenow", problem_id)
    assert (kept.note, kept.ticket, kept.is_expected) == ("<b>ask</b> them", "https://tickets.example/7", False)
    for address in ("/problems", f"/problems/{problem_id}", "/runs/n2"):
        page = own_pages.get(address)
        assert "&lt;b&gt;ask&lt;/b&gt; them" in page.text
        assert f"muted until {tomorrow}" in page.text
        assert 'href="https://tickets.example/7"' in page.text
    report = own_pages.get("/api/v1/runs/n2/report.html").text
    assert "&lt;b&gt;ask&lt;/b&gt; them" in report
    assert "https://tickets.example/7" in report
    assert own_pages.get("/problems.json?q=ask").get_json()["items"][0]["muted_until"] is not None


def test_run_shows_new_problems_first_and_folds_expected_ones(nights, own_pages):
    problem_id = refused_id(own_pages)
    before = own_pages.get("/runs/n2").text
    keep(own_pages, problem_id, is_expected="on")

    after = own_pages.get("/runs/n2").text

    assert before.index("boom") < before.index("was refused")
    assert "1 new or back in this run." in before
    assert "1 muted or expected problem" in after
    assert after.index("boom") < after.index("1 muted or expected problem") < after.index("was refused")


def test_an_empty_form_forgets(nights, own_pages):
    problem_id = refused_id(own_pages)
    keep(own_pages, problem_id, note="once")
    keep(own_pages, problem_id)

    assert find_problem_note(nights.control, "servicenow", problem_id) is None


def test_a_note_needs_an_integration_and_a_day_that_is_one(nights, own_pages):
    problem_id = refused_id(own_pages)

    assert own_pages.post(f"/problems/{problem_id}/note", data={"note": "x"}).status_code == 400
    assert keep(own_pages, problem_id, muted_until="someday").status_code == 400


def test_run_that_mended_something_says_so(nights, own_pages):
    nights.recorder.announce_run(RunAnnouncement(run_id="n3", integration="servicenow", scope=Scope.FULL))
    record(nights.recorder, "n3", [line()])
    nights.recorder.change_run("n3", RunChange(progress=Progress.FINISHED))

    assert "2 problems of earlier runs gone." in words(own_pages.get("/runs/n3"))
    assert "No open problem" in words(own_pages.get("/problems"))


def test_a_ticket_that_is_no_address_is_no_link(nights, own_pages):
    problem_id = refused_id(own_pages)
    keep(own_pages, problem_id, ticket="javascript:alert(1)")

    page = own_pages.get(f"/problems/{problem_id}").text

    assert 'href="javascript' not in page


def test_an_empty_lake_says_how_to_begin(own_pages):
    assert "curl" in words(own_pages.get("/problems"))


def test_hostile_message_is_only_text(workspace, own_pages):
    message = '<script>alert(1)</script>"><b>' + "\u202e" + "x" * 100_000
    record(workspace.recorder, "r", [line(status="ERROR", message=message, code="<i>")])
    [item] = own_pages.get("/problems.json").get_json()["items"]

    for address in ("/problems", f"/problems/{item['problem_id']}"):
        page = own_pages.get(address)
        assert "<script>alert" not in page.text
        assert "\u202e" not in page.text
        assert len(page.data) < 60_000
