"""What people do with the pages, with scripts and without them."""

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from ingest.action import Progress
from ingest.recorder import RunChange
from tests.builders import line
from tests.web.pages.cast import record
from web.workspace import Workspace


def test_from_the_list_to_the_copied_message_of_one_failure(page: Page) -> None:
    page.goto("/")
    page.get_by_role("link", name="Runs", exact=True).click()
    expect(page.locator("tr.run")).to_have_count(4)
    page.get_by_role("combobox", name="Status").select_option("ERROR")
    expect(page.locator("tr.run")).to_have_count(1)
    assert page.url.endswith("/runs?status=ERROR")

    page.get_by_role("link", name="Details").click()
    page.get_by_role("link", name="Errors 60").click()
    expect(page.locator("tr.action")).to_have_count(50)
    assert "status=ERROR" in page.url

    page.locator("tr.action .opener").first.click()
    details = page.locator("tr.action-details")
    expect(details.locator(".message-text")).to_contain_text("was refused")
    details.get_by_role("button", name="Copy message").click()
    expect(details.get_by_role("button", name="Copied")).to_be_visible()

    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == details.locator(".message-text").inner_text()


def test_an_opened_action_closes_again_and_its_link_and_ticket_can_be_copied(page: Page) -> None:
    page.goto("/runs/nightly")
    opener = page.locator(".opener").first
    opener.click()
    expect(opener).to_have_attribute("aria-expanded", "true")

    page.get_by_role("button", name="Copy link").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == page.locator(".permalink").evaluate("a => a.href")
    page.get_by_role("button", name="Copy for a ticket").click()
    page.wait_for_function("navigator.clipboard.readText().then(text => text.startsWith('OK: CREATE'))")

    opener.click()
    expect(page.locator("tr.action-details")).to_have_count(0)
    expect(opener).to_have_attribute("aria-expanded", "false")


def test_the_keyboard_reaches_search_rows_and_details(page: Page) -> None:
    page.goto("/runs/broken")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    expect(page.locator(".opener").nth(0)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("tr.action-details")).to_have_count(1)
    page.keyboard.press("Escape")
    expect(page.locator("tr.action-details")).to_have_count(0)
    page.keyboard.press("/")
    expect(page.get_by_role("main").get_by_role("searchbox")).to_be_focused()


def test_load_more_adds_the_rest_below(page: Page) -> None:
    page.goto("/runs/broken")
    expect(page.locator("tr.action")).to_have_count(50)

    page.get_by_role("link", name="Load more").click()

    expect(page.locator("tr.action")).to_have_count(62)
    expect(page.get_by_role("link", name="Load more")).to_have_count(0)


def test_typing_filters_the_list_and_back_undoes_it(page: Page) -> None:
    page.goto("/runs")
    page.get_by_role("main").get_by_role("searchbox").press_sequentially("signa")
    expect(page.locator("tr.run")).to_have_count(1)
    assert page.url.endswith("/runs?q=signa")

    page.go_back()

    expect(page.locator("tr.run")).to_have_count(4)


def test_a_running_run_is_followed_until_it_ends(page: Page, workspace: Workspace) -> None:
    page.goto("/runs/live")
    expect(page.locator(".run-summary .live")).to_be_visible()

    record(workspace.recorder, "live", [line(operation="CREATE") for _ in range(3)])
    workspace.recorder.change_run("live", RunChange(progress=Progress.FINISHED))

    expect(page.locator(".outcome")).to_contain_text("Finished. All 4 records are right")
    expect(page.locator(".run-summary")).not_to_have_attribute("hx-trigger", re.compile("every"))


def test_the_list_follows_a_running_run_until_it_ends(page: Page, workspace: Workspace) -> None:
    page.goto("/runs?integration=rclone")
    row = page.locator("tr.run")
    expect(row).to_contain_text("RUNNING")

    workspace.recorder.change_run("live", RunChange(progress=Progress.FINISHED))

    expect(row).to_contain_text("FINISHED")
    expect(page.locator(".run-list")).not_to_have_attribute("hx-trigger", re.compile("every"))


def test_a_run_is_cancelled_by_its_button(page: Page) -> None:
    page.goto("/runs/live")

    page.get_by_role("button", name="Cancel run").click()

    expect(page.locator(".progress-word")).to_have_text("ABORTION PENDING")


def test_times_are_in_the_readers_own_zone_and_utc_when_pointed_at(browser: Browser, server: str) -> None:
    context = browser.new_context(base_url=server, timezone_id="Europe/Helsinki")
    page = context.new_page()
    page.goto("/runs/nightly")

    start = page.locator(".facts > div").filter(has_text="Start (Europe/Helsinki)").locator("time")
    expect(start).to_have_text("2025-11-22 12:15:00")
    expect(start).to_have_attribute("title", "2025-11-22 10:15:00 UTC")
    page.locator(".opener").first.click()
    expect(page.locator("tr.action-details time")).to_have_text("2025-11-22 12:15:00.000")
    context.close()


def test_rows_that_htmx_brings_are_in_the_readers_own_zone_too(browser: Browser, server: str) -> None:
    context = browser.new_context(base_url=server, timezone_id="Europe/Helsinki")
    page = context.new_page()
    page.goto("/runs/broken")
    page.get_by_role("link", name="Load more").click()

    expect(page.locator("tr.action")).to_have_count(62)
    expect(page.locator("tr.action").last.locator("time")).to_have_text("2025-11-22 13:16:59")
    context.close()


def test_a_time_in_other_words_tells_both_when_pointed_at(browser: Browser, server: str) -> None:
    context = browser.new_context(base_url=server, timezone_id="Europe/Helsinki")
    page = context.new_page()
    page.goto("/?q=servicenow")

    ago = page.locator("tr.watched time").nth(1)
    expect(ago).to_contain_text("ago")
    expect(ago).to_have_attribute("title", "2025-11-22 12:15:00 (2025-11-22 10:15:00 UTC)")
    context.close()


@pytest.mark.parametrize("address", ["/", "/runs"])
def test_the_keyboard_walks_the_rows_of_every_list(page: Page, address: str) -> None:
    page.goto(address)
    rows = page.locator("main tbody tr")
    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(rows.nth(1).get_by_role("link").first).to_be_focused()
    page.keyboard.press("k")
    page.keyboard.press("k")
    expect(rows.nth(0).get_by_role("link").first).to_be_focused()

    page.keyboard.press("Enter")

    expect(page.locator("main.run")).to_be_visible()


def test_the_keyboard_changes_pages_and_explains_itself(page: Page) -> None:
    page.goto("/sql")
    page.get_by_role("link", name="Overview").focus()
    page.keyboard.press("g")
    page.keyboard.press("r")
    expect(page.locator("main.runs")).to_be_visible()

    page.wait_for_load_state()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.get_by_role("button", name="Keyboard shortcuts").click()
    page.get_by_role("button", name="Close").click()
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_the_overview_follows_its_runs_and_leaves_what_is_being_typed(page: Page, workspace: Workspace) -> None:
    page.goto("/")
    expect(page.get_by_role("heading", level=1)).to_have_text("2 of 3 integrations need attention")
    page.get_by_role("main").get_by_role("searchbox").fill("half a na")

    record(workspace.recorder, "live", [line(status="ERROR", integration="rclone")])

    expect(page.get_by_role("heading", level=1)).to_have_text("3 of 3 integrations need attention", timeout=9000)
    expect(page.locator("tr.watched").nth(1)).to_contain_text("failing")
    expect(page.get_by_role("main").get_by_role("searchbox")).to_have_value("half a na")


def test_a_run_is_cancelled_in_the_list(page: Page) -> None:
    page.goto("/runs?integration=rclone")

    page.get_by_role("button", name="Cancel").click()

    expect(page.locator("tr.run .progress-word")).to_have_text("ABORTION PENDING")
    assert page.url.endswith("/runs?integration=rclone")


def test_a_bar_of_the_timeline_zooms_in(page: Page) -> None:
    page.goto("/runs?integration=servicenow&range=9999d")
    expect(page.locator("tr.run")).to_have_count(2)

    page.locator(".chart-linked a").first.click()

    expect(page.locator("tr.run")).to_have_count(1)


def test_columns_are_chosen_and_stay_in_the_address(page: Page) -> None:
    page.goto("/runs")
    page.get_by_text("Columns").click()

    page.get_by_role("checkbox", name="Unchanged").check()

    expect(page.get_by_role("columnheader", name="Unchanged")).to_be_visible()
    assert page.url.endswith("/runs?column=unchanged")


def test_hostile_text_runs_nothing(page: Page, workspace: Workspace) -> None:
    evil = "</pre></td><img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>"
    record(workspace.recorder, "evil", [line(status="ERROR", message=evil, source_name=evil, details={evil: evil})])

    page.goto("/runs/evil")
    page.locator(".opener").click()

    expect(page.locator(".message-text")).to_have_text(evil)
    assert "owned" not in page.title()


def test_everything_is_there_without_scripts(browser: Browser, server: str) -> None:
    context = browser.new_context(base_url=server, java_script_enabled=False)
    page = context.new_page()
    page.goto("/runs")
    page.get_by_role("combobox", name="Status").select_option("ERROR")
    page.get_by_role("button", name="Filter").click()
    page.get_by_role("link", name="Details").click()
    page.get_by_role("checkbox", name="WARNING").check()
    page.get_by_role("button", name="Filter").click()
    page.locator(".opener").click()

    expect(page.locator(".message-text")).to_have_text("owner is unknown")
    expect(page.get_by_role("button", name="Copy message")).to_be_hidden()
    context.close()
