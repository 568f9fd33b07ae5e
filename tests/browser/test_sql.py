"""The SQL page as people use it: typing, completing, running, cancelling, saving, with scripts and without."""

import pytest
from playwright.sync_api import Browser, Page, expect

from web.workspace import Workspace

ENDLESS = "with recursive a(n) as (select 1 union all select n + 1 from a) select count(*) from a"


def type_statement(page: Page, text: str) -> None:
    page.locator(".sql-editor").get_by_role("textbox").click()
    page.keyboard.type(text)
    page.keyboard.press("Escape")  # closes what is offered


def test_the_editor_colours_completes_and_runs(page: Page) -> None:
    with page.expect_response("**/sql/words.json"):
        page.goto("/sql")
    page.locator(".sql-editor").get_by_role("textbox").click()
    page.keyboard.type("select stat")
    expect(page.get_by_role("option", name="status")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.type("us, count(*) as n from acti")
    expect(page.get_by_role("option", name="actions")).to_be_visible()
    page.wait_for_timeout(100)  # an editor takes no key for a choice that has only just appeared
    page.keyboard.press("Tab")
    page.keyboard.type(" where run_id = 'broken' group by status order by n, status")
    page.keyboard.press("Escape")
    colours = page.locator(".sql-editor .cm-line span").evaluate_all("each => each.map(e => getComputedStyle(e).color)")
    page.keyboard.press("Control+Enter")

    expect(page.locator(".sql-result tbody tr")).to_have_count(3)
    assert len(set(colours)) > 2
    assert "status" in page.url


def test_after_a_dot_come_the_columns_of_that_table_alone(page: Page) -> None:
    with page.expect_response("**/sql/words.json"):
        page.goto("/sql")
    page.locator(".sql-editor").get_by_role("textbox").click()
    page.keyboard.type("from batches as b, runs as r select b.")
    page.keyboard.press("Control+Space")

    expect(page.get_by_role("option")).to_have_count(6)
    expect(page.get_by_role("option", name="bytes")).to_be_visible()


def test_what_is_typed_in_the_editor_is_no_shortcut_of_the_page(page: Page) -> None:
    page.goto("/sql")
    type_statement(page, "? gr /jk")

    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.locator(".sql-editor .cm-content")).to_have_text("? gr /jk")
    assert page.url.endswith("/sql")


def test_escape_then_tab_leaves_the_editor(page: Page) -> None:
    page.goto("/sql")
    type_statement(page, "select 1")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Run", exact=True)).to_be_focused()


def test_a_mistake_is_marked_and_its_place_leads_there(page: Page) -> None:
    page.goto("/sql")
    type_statement(page, "select mesage from actions")
    page.keyboard.press("Control+Enter")

    expect(page.locator(".sql-editor .cm-mistake")).to_have_text("mesage")
    expect(page.locator(".sql-error")).to_contain_text("did you mean message?")
    page.get_by_role("button", name="Line 1, column 8").click()
    expect(page.locator(".sql-editor").get_by_role("textbox")).to_be_focused()


def test_a_parameter_gets_its_field_while_it_is_typed(page: Page) -> None:
    page.goto("/sql")
    type_statement(page, "select $number::int + 1 as n")
    page.get_by_role("textbox", name="$number").fill("41")
    page.keyboard.press("Enter")

    expect(page.locator(".sql-result td")).to_have_text("42")
    assert "%24number=41" in page.url


def test_a_statement_under_way_is_cancelled(page: Page, workspace: Workspace) -> None:
    page.goto("/sql?sql=" + ENDLESS.replace("+", "%2B"))
    expect(page.get_by_role("button", name="Cancel")).to_be_hidden()
    page.get_by_role("button", name="Run", exact=True).click()
    cancel = page.get_by_role("button", name="Cancel")
    expect(cancel).to_be_visible()
    while not workspace.view.running.list_running():
        page.wait_for_timeout(20)
    cancel.click()

    expect(page.locator(".sql-error")).to_contain_text("The statement was cancelled")
    expect(cancel).to_be_hidden()
    expect(page.get_by_role("button", name="Run", exact=True)).to_be_enabled()


def test_a_question_is_drawn_and_drawn_otherwise(page: Page) -> None:
    page.goto("/sql")
    page.get_by_role("link", name="How much does each integration do a day?").click()
    page.get_by_role("button", name="Run", exact=True).click()
    chart = page.locator(".chart-wide svg")
    expect(chart).to_contain_text("processed over day by integration")
    page.get_by_label("Show as").select_option("line")
    expect(chart.locator("path.series-1")).to_have_count(1)
    page.get_by_label("Amount").select_option("errors")

    expect(chart).to_contain_text("errors over day by integration")


def test_a_result_is_downloaded(page: Page) -> None:
    page.goto("/sql?sql=select 42 as answer")
    page.get_by_role("button", name="Run", exact=True).click()
    with page.expect_download() as download:
        page.get_by_role("button", name="CSV").click()

    assert download.value.path().read_text().replace('"', "") == "answer\n42\n"


@pytest.mark.parametrize("scripts", [True, False])
def test_a_query_is_saved_shared_and_deleted(browser: Browser, server: str, scripts: bool) -> None:
    context = browser.new_context(base_url=server, java_script_enabled=scripts)
    page = context.new_page()
    page.goto("/sql?sql=select 42 as answer")
    page.get_by_label("Name").fill("the answer")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="the answer")).to_be_visible()
    address = page.url
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page.locator(".sql-result td")).to_have_text("42")
    page.goto("/sql")
    page.get_by_role("link", name="the answer").click()
    assert page.url == address

    page.get_by_role("link", name="Delete …").click()
    page.get_by_role("button", name="Delete").click()

    expect(page.get_by_text("Nothing yet.")).to_be_visible()
    context.close()


def test_without_scripts_the_plain_field_runs_with_parameters(browser: Browser, server: str) -> None:
    context = browser.new_context(base_url=server, java_script_enabled=False)
    page = context.new_page()
    page.goto("/sql")
    page.get_by_role("textbox", name="Statement").fill("select $n::int + 1 as n")
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page.locator(".sql-error")).to_contain_text("the statement asks for $n")
    page.get_by_label("$n").fill("41")
    page.get_by_role("button", name="Run", exact=True).click()

    expect(page.locator(".sql-result td")).to_have_text("42")
    context.close()


def test_the_page_with_all_it_loads_stays_small(page: Page) -> None:
    sizes: dict[str, int] = {}
    page.on("requestfinished", lambda each: sizes.__setitem__(each.url, each.sizes()["responseBodySize"]))
    with page.expect_response("**/sql/words.json"):
        page.goto("/sql")
    page.wait_for_load_state("networkidle")

    assert any("codemirror" in address for address in sizes)
    assert sum(sizes.values()) < 150_000, sizes
