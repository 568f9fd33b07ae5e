"""Search over all runs, and the history of a record."""

import re
from html import unescape

import pytest
from flask.testing import FlaskClient

from tests.web.pages.text import text_of
from web.pages import search_results
from web.workspace import Workspace

LINES = (
    b'{"run_id":"r1","integration":"servicenow","status":"ERROR","source_type":"ci","source_id":"a/1",'
    b'"source_name":"Payroll","message":"No permission"}\n'
    b'{"run_id":"r1","integration":"servicenow","source_type":"ci","source_id":"b2","message":"Wrote <b>it</b>"}\n'
)


@pytest.fixture
def found_pages(own_pages: FlaskClient) -> FlaskClient:
    assert own_pages.post("/api/v1/actions", data=LINES, content_type="application/x-ndjson").status_code == 200
    return own_pages


def test_the_empty_search_says_what_can_be_looked_for(own_pages: FlaskClient) -> None:
    page = own_pages.get("/search")

    assert page.status_code == 200
    assert "What can be typed" in text_of(page.text)
    assert "words that begin like this" in text_of(page.text)
    assert '<details class="search-help" open' in page.text


def test_what_is_found_leads_to_its_run_and_action(found_pages: FlaskClient) -> None:
    page = found_pages.get("/search?q=permission")

    assert "No permission" in text_of(page.text)
    assert "Wrote" not in text_of(page.text)
    assert 'href="/runs/r1"' in page.text
    assert 'value="permission"' in page.text


def test_a_word_that_is_only_a_part_is_offered_as_one(found_pages: FlaskClient) -> None:
    page = found_pages.get("/search?q=permis")

    assert "Nothing found" in text_of(page.text)
    assert "/search?q=permis&amp;match=substring" in page.text
    assert "No permission" in text_of(found_pages.get("/search?q=permis&match=substring").text)


@pytest.mark.parametrize("query", ["q=(&match=regex", "q=a&match=sounds", "q=%22%22"])
def test_a_search_that_makes_no_sense_says_why_beside_the_field(found_pages: FlaskClient, query: str) -> None:
    page = found_pages.get(f"/search?{query}")

    assert page.status_code == 400
    assert 'aria-describedby="search-error"' in page.text
    assert 'id="search-error"' in page.text


def test_the_download_is_of_the_time_that_is_shown(found_pages: FlaskClient) -> None:
    page = found_pages.get("/search?q=permission&range=24h&status=ERROR")

    [link] = re.findall(r'href="(/api/v1/actions\.ndjson[^"]*)"', page.text)
    assert "since=" in link
    assert found_pages.get(unescape(link)).text.count("\n") == 1


def test_further_rows_come_alone(found_pages: FlaskClient) -> None:
    first = found_pages.get("/search?q=servicenow%20no&match=substring&limit=1")
    assert "Nothing found" in text_of(first.text)

    page = found_pages.get("/search?q=o&match=substring&limit=1", headers={"HX-Request": "true"})

    assert page.text.count('class="action"') == 1
    assert "Load more" in page.text
    assert "<html" not in page.text


def test_a_long_search_shows_how_far_back_it_has_looked_and_asks_for_more(
    own_pages: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_results, "SECONDS", 0)
    for day in (1, 2):
        line = b'{"run_id":"r","happened_at":"2026-10-0%dT12:00:00Z","message":"day %d"}\n' % (day, day)
        own_pages.post("/api/v1/actions", data=line, content_type="application/x-ndjson")
    page = own_pages.get("/search?q=day%201&match=substring").text
    shown = [text_of(page)]

    while asked := re.findall(r'hx-get="(/search[^"]*)" hx-trigger="load', page):
        assert "<progress" in page
        page = own_pages.get(unescape(asked[0]), headers={"HX-Request": "true"}).text
        shown.append(text_of(page))

    assert len(shown) == 3
    assert "Looked back to" in shown[0]
    assert "Nothing was found so far." in shown[0]
    assert "Looked back to" in shown[1]
    assert "day 1" in shown[2]
    assert "Looked back to" not in shown[2]


def test_without_a_script_a_page_with_no_further_hits_leads_back(
    own_pages: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_results, "SECONDS", 0)
    own_pages.post("/api/v1/actions", data=b'{"run_id":"r","message":"day 1"}\n', content_type="application/x-ndjson")
    page = own_pages.get("/search?q=day%202&match=substring")
    [further] = re.findall(r'rel="next" href="(/search[^"]*)"', page.text)

    page = own_pages.get(unescape(further))

    assert "No further hits" in text_of(page.text)
    assert 'href="/search?q=day+2&amp;match=substring">Back to the latest' in page.text


def test_an_action_leads_to_the_history_of_its_record(found_pages: FlaskClient, workspace: Workspace) -> None:
    [action] = found_pages.get("/api/v1/actions?q=permission").get_json()["items"]

    page = found_pages.get(f"/runs/r1/actions/{action['action_id']}")

    assert 'href="/records/ci/a%2F1"' in page.text


def test_hits_stand_under_their_run_with_what_was_looked_for_marked(found_pages: FlaskClient) -> None:
    page = found_pages.get("/search?q=permission")

    assert "<mark>permission</mark>" in page.text
    assert '<a href="/runs/r1"><bdi>servicenow</bdi>' in page.text
    assert "1 hit" in text_of(page.text)


def test_what_was_found_is_escaped_before_it_is_marked(found_pages: FlaskClient) -> None:
    page = found_pages.get("/search?q=it")

    assert "Wrote &lt;b&gt;<mark>it</mark>&lt;/b&gt;" in page.text


def test_facets_narrow_the_search_and_say_what_they_count(found_pages: FlaskClient) -> None:
    page = found_pages.get("/search?q=since%3A2026-01-01")

    assert "Counted in all of them." in text_of(page.text)
    assert 'href="/search?q=since%3A2026-01-01+status%3AERROR"' in page.text
    narrower = found_pages.get("/search?q=since%3A2026-01-01+status%3AERROR")
    assert "No permission" in text_of(narrower.text)
    assert "Wrote" not in text_of(narrower.text)


def test_facets_of_more_than_is_looked_at_say_so(found_pages: FlaskClient) -> None:
    for day in (1, 2):
        line = b'{"run_id":"r","happened_at":"2026-10-0%dT12:00:00Z","message":"many"}\n' % day
        found_pages.post("/api/v1/actions", data=line * 60, content_type="application/x-ndjson")

    page = text_of(found_pages.get("/search?q=many").text)

    assert "Counted in the latest 60 hits; there may be more." in page
    assert "The latest 50 hits" in page


def test_each_field_in_force_can_be_taken_away(found_pages: FlaskClient) -> None:
    page = found_pages.get("/search?q=permission+status%3Aerror+-code%3A404&integration=servicenow")

    links = re.findall(r'<li><a href="(/search[^"]*)"><span class="unseen">Without', page.text)
    assert [unescape(link) for link in links] == [
        "/search?integration=servicenow&q=permission+-code%3A404",
        "/search?integration=servicenow&q=permission+status%3Aerror",
        "/search?q=permission+status%3Aerror+-code%3A404",
    ]


def test_a_misspelt_field_is_named_with_its_place(found_pages: FlaskClient) -> None:
    page = found_pages.get("/search?q=permission+stauts%3Aerror")

    assert page.status_code == 400
    assert "at character 12, 'stauts:error': stauts is no field. status?" in text_of(page.text)


def test_the_same_rows_come_as_csv_and_as_json(found_pages: FlaskClient) -> None:
    rows = found_pages.get("/search.json?q=run:r1").get_json()["items"]
    table = found_pages.get("/search.csv?q=run:r1").text.splitlines()

    assert [row["message"] for row in rows] == ["Wrote <b>it</b>", "No permission"]
    assert table[0].startswith("action_id,run_id,")
    assert [line.split(",")[0] for line in table[1:]] == [row["action_id"] for row in rows]
    assert found_pages.get("/search.csv?q=stauts:x").status_code == 400


def test_filters_alone_are_a_search(found_pages: FlaskClient) -> None:
    page = found_pages.get("/search?status=ERROR")

    assert "No permission" in text_of(page.text)
    assert "Wrote" not in text_of(page.text)
