import csv
import io
from datetime import UTC, datetime

import pytest
from flask.testing import FlaskClient

from ingest.problem_notes import ProblemNote, keep_problem_note
from ingest.recorder import LineDefaults
from tests.builders import line, ndjson
from tests.web.pages.cast import record
from tests.web.pages.text import addresses_of, rows_of, text_of
from web.workspace import Workspace

STUCK = "after 1 record, then no sign of life for 3 h"


def shown(html: str) -> list[str]:
    return [row[0] for row in rows_of(html, "watched")]


def test_what_needs_attention_comes_first_with_the_reason_in_words(pages: FlaskClient) -> None:
    html = pages.get("/").text

    assert "2 of 3 integrations need attention" in text_of(html)
    assert [[*row[:2], row[3]] for row in rows_of(html, "watched")] == [
        ["signavio", f"stuck {STUCK}", "The last run: 1 OK; 1 action"],
        ["servicenow prod", "failed 60 errors among 62 records", "The last 2 runs: 1 ERROR, 1 OK; 2 to 62 actions"],
        ["rclone backup", "as usual", "The last run: 1 OK; 1 action"],
    ]


def test_a_row_leads_to_its_last_run_and_to_all_of_its_runs(pages: FlaskClient) -> None:
    html = pages.get("/").text

    assert addresses_of(html, "servicenow prod") == ["/runs/broken"]
    assert addresses_of(html, "The last 2 runs: 1 ERROR, 1 OK; 2 to 62 actions") == [
        "/runs?integration=servicenow&configuration=prod"
    ]


def test_tiles_count_and_choose_and_choose_no_more(pages: FlaskClient) -> None:
    html = pages.get("/?q=prod").text

    [failed] = addresses_of(html, "Failed 1")
    chosen = pages.get(failed).text

    assert failed == "/?q=prod&flag=failed"
    assert shown(chosen) == ["servicenow prod"]
    assert addresses_of(chosen, "Failed 1") == ["/?q=prod"]
    assert addresses_of(chosen, "Healthy 1") == ["/?q=prod&flag=healthy"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("flag=attention", ["signavio", "servicenow prod"]),
        ("flag=healthy", ["rclone backup"]),
        ("flag=STUCK", ["signavio"]),
        ("q=PROD", ["servicenow prod"]),
        ("q=nowhere", []),
        ("flag=&q=", ["signavio", "servicenow prod", "rclone backup"]),
    ],
)
def test_an_address_holds_the_filter_and_data_are_the_same_rows(
    pages: FlaskClient, query: str, expected: list[str]
) -> None:
    rows = csv.DictReader(io.StringIO(pages.get(f"/overview.csv?{query}").text))
    items = pages.get(f"/overview.json?{query}").get_json()["items"]
    answered = pages.get(f"/api/v1/overview?{query}").get_json()["items"]

    assert shown(pages.get(f"/?{query}").text) == expected
    assert [" ".join(filter(None, (row["integration"], row["configuration"]))) for row in rows] == expected
    assert items == answered
    assert len(items) == len(expected)


def test_data_say_flags_and_reasons(pages: FlaskClient) -> None:
    [row] = csv.DictReader(io.StringIO(pages.get("/overview.csv?flag=stuck").text))
    [item] = pages.get("/api/v1/overview?flag=failed").get_json()["items"]

    assert (row["flags"], row["reasons"], row["last_run_id"], row["last_status"]) == ("stuck", STUCK, "stuck", "OK")
    assert item["flags"] == [{"flag": "failed", "reason": "60 errors among 62 records"}]
    assert item["open_problems"] == {"new": 2, "regressed": 0, "persisting": 0}
    assert item["last_success_at"] == "2025-11-22T10:15:00.000000Z"
    assert [run["run_id"] for run in item["runs"]] == ["broken", "nightly"]


@pytest.mark.parametrize("query", ["flag=purple", "limit=0", "cursor=x"])
def test_a_bad_argument_is_named_with_status_400(pages: FlaskClient, query: str) -> None:
    page = pages.get(f"/?{query}", headers={"Accept": "text/html"})
    answer = pages.get(f"/api/v1/overview?{query}")

    assert (page.status_code, answer.status_code) == (400, 400)
    assert query.partition("=")[0] in text_of(page.text)
    assert answer.get_json()["error"]["field"] == query.partition("=")[0]


def test_pages_follow_each_other_without_gap_or_repetition(pages: FlaskClient) -> None:
    first = pages.get("/?limit=2").text
    [following] = addresses_of(first, "Next")
    second = pages.get(following).text

    assert shown(first) + shown(second) == ["signavio", "servicenow prod", "rclone backup"]
    assert addresses_of(second, "Next") == []
    assert addresses_of(second, "Back to first") == ["/?limit=2"]


def test_it_looks_again_often_while_something_runs_and_else_now_and_then(pages: FlaskClient) -> None:
    assert 'hx-get="/" hx-trigger="every 5s"' in pages.get("/").text
    assert 'hx-get="/?flag=failed" hx-trigger="every 60s"' in pages.get("/?flag=failed").text


def test_htmx_gets_the_content_alone(pages: FlaskClient) -> None:
    fragment = pages.get("/", headers={"HX-Request": "true"})

    assert fragment.text.lstrip().startswith('<div id="overview-head"')


def test_an_empty_lake_says_how_to_send_a_first_log(own_pages: FlaskClient) -> None:
    html = own_pages.get("/").text

    assert "curl http://localhost/api/v1/runs/my-first-run/actions" in text_of(html)
    assert 'class="filters' not in html


def test_names_of_a_hostile_sender_are_only_text(workspace: Workspace, own_pages: FlaskClient) -> None:
    evil = '"><script>alert(1)</script>\u202e'
    record(workspace.recorder, "evil", [line(integration=evil, configuration=evil, trigger=evil, status="ERROR")])

    html = own_pages.get("/").text

    assert "<script>alert" not in html
    assert "\u202e" not in html
    assert rows_of(html, "watched")[0][0].startswith('"><script>alert(1)</script>⟨U+202E⟩')


def test_fifty_rows_stay_below_a_hundred_and_fifty_kilobytes(workspace: Workspace, own_pages: FlaskClient) -> None:
    lines = [
        line(run_id=f"{number}-{day}", configuration=f"c{number}", happened_at=f"2025-11-{day:02}T10:00:00Z")
        for number in range(50)
        for day in range(1, 21)
    ]
    workspace.recorder.record(ndjson(lines), "ndjson", defaults=LineDefaults())

    html = own_pages.get("/").text

    assert len(shown(html)) == 50
    assert len(html) < 150_000


def test_open_problems_lead_to_them_and_expected_ones_do_not_count(
    workspace: Workspace, own_pages: FlaskClient
) -> None:
    record(workspace.recorder, "r", [line(status="ERROR", message=text) for text in ("refused", "timed out")])
    [address] = addresses_of(own_pages.get("/").text, "2 new")
    problem_id = own_pages.get("/api/v1/runs/r/problems").get_json()["items"][0]["problem_id"]
    note = ProblemNote(integration="servicenow", problem_id=problem_id, is_expected=True, changed_at=datetime.now(UTC))

    keep_problem_note(workspace.control, note)

    assert address == "/problems?integration=servicenow"
    assert own_pages.get(address).status_code == 200
    assert addresses_of(own_pages.get("/").text, "1 new") == [address]
    assert own_pages.get("/api/v1/overview").get_json()["items"][0]["open_problems"]["new"] == 1
