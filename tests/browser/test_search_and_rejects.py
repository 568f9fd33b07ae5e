"""Searching by fields, and mending what was refused, as somebody at a browser does."""

import io

import pytest
from playwright.sync_api import Page, expect

from tests.browser.test_accessibility import LOOKS, violations
from web.pages import search_results
from web.workspace import Workspace

REFUSED = b"""{"run_id":"late","integration":"jira","status":"kaputt","message":"Not allowed","source_id":"OPS-1"}
{"run_id":"late","integration":"jira","status":"ok","happened_at":"31/12/2026 10:15","source_id":"OPS-2"}
no json
"""


@pytest.fixture
def refused(workspace: Workspace) -> None:
    workspace.recorder.record(io.BytesIO(REFUSED), "ndjson", source="http")


def test_the_clause_that_is_being_typed_is_completed(page: Page) -> None:
    page.goto("/search")
    box = page.get_by_role("main").get_by_role("combobox", name="Search")

    box.press_sequentially("refused -sta")
    offered = page.locator("#suggestions option").evaluate_all("options => options.map(option => option.value)")
    assert offered == ["refused -status:"]

    box.press_sequentially("tus:w")
    offered = page.locator("#suggestions option").evaluate_all("options => options.map(option => option.value)")
    assert offered == ["refused -status:warning"]


def test_a_facet_narrows_the_search_and_its_clause_can_be_taken_away(page: Page) -> None:
    page.goto("/search?q=refused")
    before = page.locator("tr.action").count()

    page.locator(".facets a").first.click()
    expect(page.locator(".removals")).to_be_visible()
    assert ":" in page.get_by_role("combobox", name="Search", exact=True).input_value()
    assert page.locator("tr.action").count() <= before

    page.locator(".removals a").first.click()
    expect(page.locator("tr.action")).to_have_count(before)


def test_further_hits_come_under_their_runs_and_open_in_place(page: Page) -> None:
    page.goto("/search?q=-status:ok")
    expect(page.locator("tr.action")).to_have_count(50)

    page.get_by_role("link", name="Load more").click()
    expect(page.locator("tr.action")).not_to_have_count(50)
    page.locator("tr.action .opener").last.click()

    expect(page.locator("tr.action-details")).to_have_count(1)


def test_a_search_that_takes_long_goes_on_by_itself(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    page.goto("/search?q=refused&match=substring&limit=500")
    hits = page.locator("tr.action").count()
    assert 0 < hits < 500
    monkeypatch.setattr(search_results, "SECONDS", 0)
    page.goto("/search?q=refused&match=substring&limit=500")

    expect(page.locator("tr.action")).to_have_count(hits)
    expect(page.locator("progress")).to_have_count(0)

    page.goto("/search?q=nobody-ever-said-this&match=substring")
    expect(page.get_by_text("No further hits.")).to_be_visible()


def test_facets_and_help_are_folded_on_a_telephone(page: Page) -> None:
    page.set_viewport_size({"width": 360, "height": 800})
    page.goto("/search?q=refused")

    expect(page.locator("details.facets")).not_to_have_attribute("open", "")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


@pytest.mark.usefixtures("refused")
def test_from_a_refused_line_to_the_action_it_should_have_been(page: Page) -> None:
    page.goto("/rejects")
    expect(page.get_by_role("heading", name="What is alike")).to_be_visible()
    page.get_by_role("link", name="Mend all").click()
    page.get_by_label("status kaputt in 1 line").select_option("means ERROR")
    expect(page.get_by_label("Time is written as, like 31/12/2026 10:15")).to_have_value("%d/%m/%Y %H:%M")
    page.get_by_role("button", name="Show what they become").click()
    expect(page.get_by_text("2 of 3 lines are right")).to_be_visible()

    page.get_by_role("button", name="Record 2 lines").click()

    expect(page.get_by_role("status")).to_contain_text("2 lines recorded. 1 line is still refused.")
    page.goto("/search?q=run:late")
    expect(page.locator("tr.action")).to_have_count(2)


@pytest.mark.usefixtures("refused")
@pytest.mark.parametrize(("scheme", "width"), LOOKS)
@pytest.mark.parametrize(
    "address", ["/rejects", "/rejects/mend?value=status:kaputt=ERROR", "/search?q=status:error", "/search?q=run:late"]
)
def test_axe_finds_nothing(page: Page, address: str, scheme: str, width: int) -> None:
    page.emulate_media(color_scheme="light" if scheme == "light" else "dark", reduced_motion="reduce")
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(address)

    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
