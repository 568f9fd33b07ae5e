"""The history of a record that changed many times."""

from playwright.sync_api import Page, expect

from tests.builders import line
from tests.web.pages.cast import NIGHT, record, recorder_at
from web.workspace import Workspace


def test_changes_and_the_rest_of_a_long_history_are_shown(page: Page, workspace: Workspace) -> None:
    with recorder_at(workspace.settings.data, NIGHT) as recorder:
        for number in range(60):
            phases = ["plan", "active"] if number % 2 else ["active", "plan"]
            moment = f"2025-11-22T10:{number:02}:00Z"
            flip = line(happened_at=moment, source_id="flip", details={"changes": {"phase": phases}})
            record(recorder, f"flip-{number}", [flip])
    workspace.recorder.catch_up()

    page.goto("/records/-/flip")
    expect(page.locator("tr.action")).to_have_count(50)
    expect(page.locator(".changes").first).to_contain_text("plan → active")
    expect(page.locator(".flip-flop")).to_contain_text("60 times")
    page.get_by_role("link", name="Load more").click()
    expect(page.locator("tr.action")).to_have_count(60)
