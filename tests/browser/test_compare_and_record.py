"""Two large runs side by side and their records, with scripts, without them and on a telephone."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.serving import open_copy, serving
from tests.builders import line
from tests.web.pages.cast import record

MANY = 2_600
"""Actions of each of two runs that are too many to be compared before the page is shown."""

PATHS = (
    "/compare",
    "/compare?b=second",
    "/compare?a=nightly&b=second",
    "/records",
    "/records/ci/r7",
    "/records/a/b",
)


@pytest.fixture(scope="module")
def server(cast: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Two large runs of servicenow; in the second one record fails, and one flips in both. Only to be read."""
    with open_copy(cast, tmp_path_factory.mktemp("nights") / "data") as workspace, serving(workspace) as address:
        for number, run_id in enumerate(("first", "second")):
            usual = {"source_type": "ci", "happened_at": f"2025-12-0{number + 1}T01:00:00Z", "operation": "NONE"}
            lines = [line(source_id=f"r{place}", **usual) for place in range(MANY)]
            if number:
                lines[7] |= {"status": "ERROR", "message": "no <b>permission</b>", "source_name": "Ledger \u202e"}
            record(workspace.recorder, run_id, lines)
        yield address


def test_records_come_after_the_page_and_lead_to_action_and_history(page: Page) -> None:
    page.goto("/compare?a=first&b=second")
    rows = page.locator("tr.action")
    expect(rows).to_have_count(1)
    expect(rows.first).to_contain_text("no <b>permission</b>")

    opener = page.locator(".opener")
    page.wait_for_load_state("networkidle")  # what has just come is a link at first, and opens in place a moment later
    page.keyboard.press("j")
    expect(opener).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("tr.action-details .message-text")).to_contain_text("no <b>permission</b>")
    expect(opener).to_have_attribute("aria-expanded", "true")
    page.keyboard.press("Escape")
    expect(page.locator("tr.action-details")).to_have_count(0)

    page.locator(".record-name a").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Ledger")
    expect(page.locator(".outcome")).to_contain_text("Fails with servicenow since 2025-12-02 01:00:00 UTC, in 1 run")


def test_a_list_goes_on_in_the_table_that_is_there(page: Page) -> None:
    page.goto("/compare?a=nightly&b=second&list=appeared")
    expect(page.locator("tr.action")).to_have_count(50)

    page.get_by_role("link", name="Load more").click()

    expect(page.locator("tr.action")).to_have_count(100)
    assert page.url.endswith("list=appeared")


def test_from_the_choice_of_a_run_to_its_comparison_without_scripts(browser: Browser, server: str) -> None:
    context = browser.new_context(base_url=server, java_script_enabled=False)
    page = context.new_page()
    page.goto("/compare?integration=servicenow")
    page.get_by_role("row", name="2025-12-02").get_by_role("link", name="Compare the run").click()
    page.get_by_role("link", name="The run before").click()
    expect(page.get_by_role("heading", name="Figures")).to_be_visible()
    page.get_by_role("link", name="Compare the records").click()

    expect(page.locator("tr.action")).to_have_count(1)
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", PATHS)
def test_pages_fit_a_telephone(browser: Browser, server: str, path: str, scheme: str) -> None:
    context = browser.new_context(
        base_url=server, viewport={"width": 360, "height": 740}, color_scheme="dark" if scheme == "dark" else "light"
    )
    page = context.new_page()
    page.goto(path)

    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    context.close()
