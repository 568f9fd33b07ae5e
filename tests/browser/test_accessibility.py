"""axe finds nothing on any page: WCAG 2.2 AA and its own best practices, light and dark, wide and on a telephone."""

from functools import cache
from importlib.resources import files

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from ingest.problem import problem_id_of, template_of
from tests.web.pages.cast import failure

ADDRESSES = (
    "/",
    "/runs",
    "/?flag=failed",
    "/runs?q=nowhere",
    "/runs?column=creates&column=ended_at&errors_min=1",
    "/runs/broken",
    "/runs/live",
    "/problems",
    "/problems?state=",
    "/rejects",
    "/search",
    "/search?q=owner&match=substring",
    "/problems?state=all",
    "/problems?state=resolved",
    f"/problems/{problem_id_of(template_of(failure(1)['message']))}",
    "/compare?a=nightly&b=broken",
    "/compare",
    "/records/-/a1",
    "/sql",
    "/sql?sql=select+status,count(*)+as+actions+from+actions+group+by+1",
    "/health",
    "/api/v1/docs",
)
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
LOOKS = [("light", 1280), ("dark", 360)]


@cache
def axe() -> str:
    return files("axe_playwright_python").joinpath("axe.min.js").read_text()


@pytest.fixture
def server(standing: str) -> str:
    return standing


def violations(page: Page) -> list[str]:
    """Each rule that is broken, with the first element that breaks it."""
    page.evaluate(axe())
    found = page.evaluate("rules => axe.run({runOnly: rules}).then(all => all.violations)", RULES)
    return [f"{each['id']}: {each['help']}: {each['nodes'][0]['html'][:300]}" for each in found]


@pytest.mark.parametrize(("scheme", "width"), LOOKS)
@pytest.mark.parametrize("address", ADDRESSES)
def test_axe_finds_nothing(page: Page, address: str, scheme: str, width: int) -> None:
    page.emulate_media(color_scheme="light" if scheme == "light" else "dark", reduced_motion="reduce")
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(address)

    assert violations(page) == []


def test_axe_finds_nothing_on_an_error_page(context: BrowserContext) -> None:
    page = context.new_page()
    page.goto("/runs/nowhere")

    assert violations(page) == []


@pytest.mark.parametrize(("scheme", "width"), LOOKS)
def test_axe_finds_nothing_on_the_page_of_a_problem(page: Page, scheme: str, width: int) -> None:
    page.emulate_media(color_scheme="light" if scheme == "light" else "dark")
    page.set_viewport_size({"width": width, "height": 900})
    page.goto("/problems")
    page.locator("main tbody tr").first.get_by_role("link").first.click()
    expect(page.get_by_role("heading", name="Run by run")).to_be_visible()

    assert violations(page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_an_opened_action(page: Page, scheme: str) -> None:
    page.emulate_media(color_scheme="light" if scheme == "light" else "dark")
    page.goto("/runs/broken")
    page.locator(".opener").first.click()
    expect(page.locator("tr.action-details")).to_have_count(1)

    assert violations(page) == []
