"""Problems: from the list to the records and the note, with scripts and without them."""

from playwright.sync_api import Browser, Page, expect

from ingest.problem import problem_id_of, template_of
from tests.web.pages.cast import failure

REFUSED = problem_id_of(template_of(failure(1)["message"]))


def test_what_people_keep_goes_from_the_problem_to_the_run(page: Page) -> None:
    page.goto("/problems")
    page.get_by_role("link", name="fact sheet <n> was refused").click()
    expect(page.locator(".touched-records li")).to_have_count(50)

    page.get_by_label("Note").fill("the <b>owner</b> knows")
    page.get_by_label("Ticket").fill("https://tickets.example/7")
    page.locator(".note-form .choice").click()
    page.get_by_role("button", name="Keep").click()

    expect(page.locator(".page-header .note-text")).to_have_text("the <b>owner</b> knows")
    page.locator("tr.run a").first.click()
    expect(page).to_have_url(f"{page.url.split('/runs')[0]}/runs/broken?problem_id={REFUSED}#actions")
    folded = page.get_by_text("1 muted or expected problem")
    expect(page.get_by_text("the <b>owner</b> knows")).to_be_hidden()
    folded.click()
    expect(page.get_by_text("the <b>owner</b> knows")).to_be_visible()


def test_typing_finds_while_the_rest_of_the_page_stays(page: Page) -> None:
    page.goto("/problems?state=all")
    expect(page.locator(".problem-row")).to_have_count(2)

    page.get_by_label("Search", exact=True).fill("owner")

    expect(page.locator(".problem-row")).to_have_count(1)
    expect(page).to_have_url(f"{page.url.split('/problems')[0]}/problems?state=all&q=owner")


def test_keys_lead_to_problems_and_into_one(page: Page) -> None:
    page.goto("/runs")
    page.keyboard.press("g")
    page.keyboard.press("p")
    expect(page.get_by_role("heading", level=1)).to_have_text("Problems")

    page.wait_for_load_state()
    page.keyboard.press("j")
    page.keyboard.press("Enter")

    expect(page.get_by_role("heading", name="Run by run")).to_be_visible()


def test_without_scripts_there_are_links_and_a_form(browser: Browser, server: str) -> None:
    context = browser.new_context(base_url=server, java_script_enabled=False)
    page = context.new_page()
    page.goto(f"/problems/{REFUSED}")

    page.get_by_label("Note").fill("by hand")
    page.get_by_role("button", name="Keep").click()

    expect(page.locator(".page-header .note-text")).to_have_text("by hand")
    page.get_by_role("link", name="All its actions, with their records").click()
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    context.close()
