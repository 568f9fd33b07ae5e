"""Refused lines: seen, chosen, mended, replayed."""

import json
import re
from html import unescape

import pytest
from flask.testing import FlaskClient

from tests.web.pages.text import text_of

LINES = (
    '{"run_id":"r1","integration":"jira","status":"kaputt","message":"<b>Broken</b>","source_id":"a1"}',
    '{"run_id":"r1","integration":"jira","status":"ok","happened_at":"31/12/2026 10:15","source_id":"a2"}',
    '{"run_id":"r1","integration":"jira","status":"ok"}',
    "no json \u202e",
    json.dumps({"run_id": "r1", "status": "hm", "message": "x" * 1_000_000}),
)


@pytest.fixture
def refused_pages(own_pages: FlaskClient) -> FlaskClient:
    body = "\n".join(LINES).encode()
    assert own_pages.post("/api/v1/actions", data=body, content_type="application/x-ndjson").status_code == 200
    return own_pages


def test_without_refused_lines_the_page_says_so(own_pages: FlaskClient) -> None:
    page = own_pages.get("/rejects")

    assert page.status_code == 200
    assert "Nothing is waiting to be mended" in text_of(page.text)
    assert re.search(r'<a href="/rejects"[^>]* aria-current="page">Rejects</a>', page.text)


def test_refused_lines_are_shown_by_what_is_alike_and_one_by_one(refused_pages: FlaskClient) -> None:
    page = refused_pages.get("/rejects").text

    assert "4 refused lines" in text_of(page)
    assert 'href="/rejects?source=http&amp;code=unknown-status&amp;field=status"' in page
    assert 'href="/rejects/mend?source=http&amp;code=malformed-line&amp;field=-"' in page
    assert "&lt;b&gt;Broken&lt;/b&gt;" in page
    assert "<b>Broken" not in page
    assert "⟨U+202E⟩" in page
    assert "65,236 more characters" in text_of(page)
    assert len(page) < 30_000


@pytest.mark.parametrize(
    ("query", "lines"),
    [
        ("field=-", [4]),
        ("code=unknown-status", [5, 1]),
        ("q=broken", [1]),
        ("range=1h", [5, 4, 2, 1]),
        ("run_id=x", []),
    ],
)
def test_filters_live_in_the_address(refused_pages: FlaskClient, query: str, lines: list[int]) -> None:
    rows = refused_pages.get(f"/rejects.json?{query}").get_json()["items"]
    table = refused_pages.get(f"/rejects.csv?{query}").text.splitlines()
    ndjson = refused_pages.get(f"/rejects.ndjson?{query}").text.splitlines()

    assert [row["line"] for row in rows] == lines
    assert len(table) == len(ndjson) + 1 == len(lines) + 1


def test_a_page_of_lines_goes_on_where_it_ended(refused_pages: FlaskClient) -> None:
    first = refused_pages.get("/rejects?limit=3").text
    [further] = re.findall(r'rel="next" href="([^"]+)"', first)

    second = refused_pages.get(unescape(further), headers={"HX-Request": "true"}).text

    assert second.count('name="id"') == 1
    assert "<html" not in second


def test_words_nobody_knows_are_asked_for_and_a_time_format_is_suggested(refused_pages: FlaskClient) -> None:
    page = refused_pages.get("/rejects/mend").text

    assert 'value="status:kaputt=ERROR"' in page
    assert 'name="time_format" value="%d/%m/%Y %H:%M"' in page
    assert "0 of 4 lines are right" in text_of(page)
    assert "only its first 65,536 characters were kept" in text_of(page)


def test_the_preview_shows_what_lines_become_and_which_are_still_refused(refused_pages: FlaskClient) -> None:
    page = text_of(refused_pages.get("/rejects/mend?value=status:kaputt=ERROR&value=&map=&default=").text)

    assert "1 of 4 lines is right" in page
    assert "1 still refused: '31/12/2026 10:15' is not an RFC 3339 time" in page
    assert "Record 1 line" in page


def test_what_is_right_is_recorded_once_and_hidden_from_then_on(refused_pages: FlaskClient) -> None:
    said = "value=status:kaputt=ERROR&time_format=%25d/%25m/%25Y+%25H:%25M"
    page = refused_pages.get(f"/rejects/mend?{said}").text
    [action] = re.findall(r'method="post" action="([^"]+)"', page)

    done = refused_pages.post(unescape(action), follow_redirects=True)
    again = refused_pages.post(unescape(action), follow_redirects=True)

    assert "2 lines recorded. 2 lines are still refused." in text_of(done.text)
    assert "0 lines recorded." in text_of(again.text)
    assert [row["line"] for row in refused_pages.get("/rejects.json").get_json()["items"]] == [5, 4]
    assert [row["line"] for row in refused_pages.get("/rejects.json?replayed=true").get_json()["items"]] == [2, 1]
    assert "replayed" in text_of(refused_pages.get("/rejects?replayed=all").text)
    found = refused_pages.get("/api/v1/actions?q=record:a1,a2").get_json()["items"]
    assert [(row["source_id"], row["status"]) for row in found] == [("a2", "OK"), ("a1", "ERROR")]
    assert found[0]["happened_at"] == "2026-12-31T10:15:00.000000Z"


def test_ticked_lines_alone_are_mended(refused_pages: FlaskClient) -> None:
    rows = refused_pages.get("/rejects.json?code=unknown-status").get_json()["items"]

    page = refused_pages.get(f"/rejects/mend?id={rows[1]['reject_id']}").text

    assert "0 of 1 line are right" in text_of(page)
    assert f'<input type="hidden" name="id" value="{rows[1]["reject_id"]}">' in page


def test_a_mend_nobody_understands_is_answered_with_its_reason(refused_pages: FlaskClient) -> None:
    page = refused_pages.get("/rejects/mend?map=colour=red")

    assert page.status_code == 400
    assert "actions have no field 'colour'" in text_of(page.text)
