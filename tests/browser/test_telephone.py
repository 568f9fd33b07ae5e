"""What fits a telephone: no page of the cast moves sideways on one."""

import pytest
from playwright.sync_api import Page

from ingest.problem import problem_id_of, template_of
from tests.web.pages.cast import failure

ADDRESSES = (
    "/",
    "/runs",
    "/runs?q=nowhere",
    "/runs/broken",
    "/runs/live",
    "/runs/broken?status=ERROR",
    "/problems",
    "/problems?state=all",
    f"/problems/{problem_id_of(template_of(failure(1)['message']))}",
    "/search?q=broken",
    "/compare?a=nightly&b=broken",
    "/compare?b=broken",
    "/records/-/b1",
    "/health",
    "/sql",
    "/sql/questions/actions-by-day",
    "/sql/statements",
    "/api/v1/docs",
)


@pytest.fixture
def server(standing: str) -> str:
    return standing


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_telephone_never_scrolls_sideways(page: Page, address: str) -> None:
    page.set_viewport_size({"width": 360, "height": 740})

    page.goto(address)

    assert page.evaluate("document.documentElement.scrollWidth") == 360
