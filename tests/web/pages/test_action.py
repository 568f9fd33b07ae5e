import re

from flask.testing import FlaskClient

from query.actions import ActionFilter, find_actions
from reports.wording import visible_text
from tests.builders import line
from tests.web.pages.cast import record
from tests.web.pages.text import addresses_of, rows_of, text_of
from web.pages.action import indented
from web.workspace import Workspace

HTMX = {"HX-Request": "true"}


def address_of_first(workspace: Workspace, run_id: str, text: str | None = None) -> str:
    found = find_actions(workspace.view, ActionFilter(q=text), run_id=run_id, limit=1).items[0]
    return f"/runs/{run_id}/actions/{found.action_id}"


def test_an_action_has_a_page_of_its_own_with_everything_known(cast: Workspace, pages: FlaskClient) -> None:
    html = pages.get(address_of_first(cast, "broken", "phase 7'")).text

    said = text_of(html)
    assert "Status ERROR Action UPDATE Date (UTC) 2025-11-22 11:16:07.000 Code 422" in said
    assert "Source Application 7 b7" in said
    assert "Target leanix.Application t7" in said
    assert "fact sheet 7 was refused: lifecycle 'phase 7' is unknown" in said
    assert '{ "field": "lifecycle", "attempt": 7 }' in said


def test_the_row_of_an_action_links_to_its_page(cast: Workspace, pages: FlaskClient) -> None:
    html = pages.get("/runs/nightly").text

    assert address_of_first(cast, "nightly") in addresses_of(html, rows_of(html, "action")[0][0])


def test_htmx_gets_the_action_as_a_row_for_the_table(cast: Workspace, pages: FlaskClient) -> None:
    fragment = pages.get(address_of_first(cast, "broken"), headers=HTMX).text

    assert fragment.startswith("<tr")
    assert "action-details" in fragment


def test_the_text_for_a_ticket_says_what_where_and_when(cast: Workspace, pages: FlaskClient) -> None:
    address = address_of_first(cast, "broken", "phase 7'")

    ticket = pages.get(address).text.partition('ticket-text" tabindex="0">')[2].partition("</pre>")[0]

    assert text_of(ticket) == text_of(
        f"""ERROR: UPDATE
        Run: servicenow · prod (broken)
        When: 2025-11-22 11:16:07 UTC
        Source: “Application 7” (b7)
        Target: leanix.Application (t7)
        Code: 422
        Message: fact sheet 7 was refused: lifecycle 'phase 7' is unknown
        Details: {{"field":"lifecycle","attempt":7}}
        Link: http://localhost{address}"""
    )


def test_the_same_problem_and_the_same_record_are_one_click_away(cast: Workspace, pages: FlaskClient) -> None:
    html = pages.get(address_of_first(cast, "broken", "phase 7'")).text

    [same_problem] = addresses_of(html, "Same problem in this run")
    source, target = addresses_of(html, "its actions in this run")

    assert len(rows_of(pages.get(same_problem).text, "action")) == 50
    assert len(rows_of(pages.get(source).text, "action")) == 1
    assert (source, target) == ("/runs/broken?record=b7#actions", "/runs/broken?record=t7#actions")


def test_an_action_nobody_recorded_is_404(pages: FlaskClient) -> None:
    assert pages.get("/runs/broken/actions/nothing.1").status_code == 404
    assert pages.get("/runs/broken/actions/nothing").status_code == 404


def test_a_message_of_a_megabyte_is_cut_in_the_run_and_whole_on_its_page(
    workspace: Workspace, own_pages: FlaskClient
) -> None:
    message = "begin " + "x" * 1_000_000 + " end of it"
    record(workspace.recorder, "long", [line(status="ERROR", message=message)])
    address = address_of_first(workspace, "long")

    in_the_run = own_pages.get("/runs/long").text
    opened = own_pages.get(address, headers=HTMX).text
    alone = own_pages.get(address).text

    assert len(in_the_run) < 50_000
    assert addresses_of(in_the_run, "Show all") == [address]
    assert len(opened) < 50_000
    assert addresses_of(opened, "Show all") == [f"http://localhost{address}"]
    assert "end of it" in alone


def test_whatever_a_sender_writes_stays_text(workspace: Workspace, own_pages: FlaskClient) -> None:
    evil = "</pre></td><script>alert(1)</script><img src=x onerror=alert(1)>"
    hostile = line(
        status="ERROR",
        code=evil[:30],
        message=evil,
        source_type=evil,
        source_id=evil,
        source_name=evil,
        target_id="i" * 10_000,
        details={evil: evil},
    )
    record(workspace.recorder, "hostile", [hostile])

    for address in ("/runs/hostile", address_of_first(workspace, "hostile")):
        html = own_pages.get(address).text
        assert "<script>alert" not in html
        assert "<img src=x" not in html
        assert evil in text_of(html)


def test_text_that_reorders_or_hides_is_made_visible(workspace: Workspace, own_pages: FlaskClient) -> None:
    record(workspace.recorder, "odd", [line(message="pay \u202e100 now\u0007", source_name="שלום")])

    html = own_pages.get("/runs/odd").text

    assert "\u202e" not in html
    assert "<bdi>שלום</bdi>" in html


def test_details_are_indented_and_what_is_no_json_stays_as_it_is() -> None:
    assert indented('{"a":[1,{"b":null}]}') == '{\n  "a": [\n    1,\n    {\n      "b": null\n    }\n  ]\n}'
    assert indented("plain text") == "plain text"
    assert indented("[" * 100_000) == "[" * 100_000
    assert indented(None) == ""


def test_half_a_surrogate_pair_in_details_can_be_shown() -> None:
    assert visible_text(indented(r'{"a": "\ud83d"}')) == '{\n  "a": "\ufffd"\n}'


def test_what_changed_is_shown_field_by_field(workspace: Workspace, own_pages: FlaskClient) -> None:
    details = {"before": {"owner": "Kim", "tags": ["a"]}, "after": {"owner": "<b>Ola</b>", "tags": None}}
    record(workspace.recorder, "changes", [line(details=details)])
    [address] = set(re.findall(r'href="(/runs/changes/actions/[^"]+)"', own_pages.get("/runs/changes").text))

    html = own_pages.get(address).text

    rows = re.findall(r'<tr[^>]*><th role="rowheader" scope="row">(.*?)</tr>', html, re.DOTALL)
    assert [text_of(row) for row in rows] == ["owner Kim <b>Ola</b>", 'tags ["a"] nothing']
    assert "What changed" not in own_pages.get("/runs/changes").text
