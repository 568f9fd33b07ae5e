"""A real server over the cast, and Debian's Chromium, in which every complaint of a page fails the test.

Tests that only read need no folder or server of their own: their module or class has a ``workspace`` or ``server`` of a
wider scope.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

from tests.browser.serving import open_copy, serving
from tests.web.pages.cast import record_cast
from web.workspace import Workspace

CHROMIUM = Path("/usr/bin/chromium")
QUIET = ("--no-sandbox", "--disable-gpu", "--disable-background-networking")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A browser that has seen enough hangs up; the file it was being sent is closed when it is collected."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"))


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if not CHROMIUM.exists():
        pytest.skip(f"there is no {CHROMIUM}")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def cast(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of the cast, to be copied."""
    data = tmp_path_factory.mktemp("cast") / "data"
    record_cast(data)
    return data


@pytest.fixture
def workspace(cast: Path, tmp_path: Path) -> Iterator[Workspace]:
    """The cast, in a folder of the test's own."""
    with open_copy(cast, tmp_path / "data") as workspace:
        yield workspace


@pytest.fixture
def server(workspace: Workspace) -> Iterator[str]:
    """The address of a server over the workspace."""
    with serving(workspace) as address:
        yield address


@pytest.fixture(scope="session")
def standing(cast: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of one server over the cast, for all that only reads."""
    with open_copy(cast, tmp_path_factory.mktemp("standing") / "data") as workspace, serving(workspace) as address:
        yield address


@pytest.fixture
def context(browser: Browser, server: str) -> Iterator[BrowserContext]:
    context = browser.new_context(base_url=server, viewport={"width": 1280, "height": 900})
    context.grant_permissions(["clipboard-read", "clipboard-write"], origin=server)
    context.set_default_timeout(10_000)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A page; whatever the browser complains of, a refused style or script among it, fails the test."""
    complaints: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            complaints.append(message.text)

    page = context.new_page()
    page.on("console", note)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    assert complaints == []
