"""The morning of an administrator, on real logs; and the same pages when a log is hostile."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.sync_api import Page, expect

from tests.builders import line, ndjson
from tests.web.pages.cast import record
from web.demo import fill
from web.settings import Settings
from web.workspace import Workspace, open_workspace


class TestOnRealLogs:
    @pytest.fixture(scope="class")
    @classmethod
    def workspace(cls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
        """Only to be read."""
        with open_workspace(Settings(data=tmp_path_factory.mktemp("demo"))) as workspace:
            fill(workspace.recorder)
            yield workspace

    def test_from_what_is_wrong_to_the_record_its_cause_and_its_first_time_in_three_clicks(self, page: Page) -> None:
        page.goto("/")
        expect(page.get_by_role("heading", level=1)).to_contain_text("need attention")
        docs = page.locator("tr.watched").filter(has_text="docs")
        expect(docs).to_contain_text("2 errors among 4,118 records")
        expect(docs.locator(".watched-problems")).to_have_text("1 new")

        docs.get_by_role("link", name="1 new").click()
        problem = page.locator("main tbody tr")
        expect(problem).to_have_count(1)
        expect(problem).to_contain_text("New")

        problem.get_by_role("link").first.click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Failed to copy: open <path>: is a directory")
        expect(page.locator("main")).to_contain_text("in no run before")
        expect(page.locator("main")).to_contain_text("configuration of the integration")
        expect(page.locator("main")).to_contain_text("docs-3-failed")

        page.get_by_role("link", name="new-8.txt").first.click()
        expect(page.get_by_role("heading", level=1)).to_have_text("new-8.txt")
        expect(page.locator("main")).to_contain_text("Fails with rclone docs since")
        expect(page.locator("main")).to_contain_text("Copied (new)")

    def test_what_was_found_is_handed_on_as_link_table_and_report(self, page: Page) -> None:
        page.goto("/runs/docs-3-failed?status=ERROR")
        expect(page.locator("tr.action")).to_have_count(2)

        with page.expect_download() as table:
            page.get_by_role("link", name="CSV").first.click()
        rows = list(csv.DictReader(io.StringIO(Path(table.value.path()).read_text(encoding="utf-8-sig"))))
        report = page.request.get("/api/v1/runs/docs-3-failed/report.pdf")

        assert sorted(row["source_id"] for row in rows) == ["new-7.txt", "new-8.txt"]
        assert report.body().startswith(b"%PDF")

    def test_since_last_night_is_one_click_from_the_run(self, page: Page) -> None:
        page.goto("/runs/docs-3-failed")

        page.get_by_role("link", name="Compare with the previous").click()

        expect(page.locator("main")).to_contain_text("1 new, 0 persisting, 0 gone")
        expect(page.locator("#records")).to_contain_text("new-7.txt")


EVIL = '</pre></td><img src=x onerror="window.owned=1"><script>window.owned=1</script>'
LONG_ID = "x/" * 5000
HOSTILE = (
    line(status="ERROR", source_id="evil", source_name=EVIL, message=EVIL, code=EVIL, details={EVIL: EVIL}),
    line(status="ERROR", source_id="large", message="a dump " * 150_000),
    line(status="WARNING", source_id=LONG_ID, source_name="n" * 10_000, message="of a long id"),
    line(
        status="ERROR",
        source_id="bidi",
        source_name="שלום \u202eevil\u202c 👩‍👩‍👧‍👦",
        message="مرحبا \u0007 \x01 " * 50,
    ),
)


class TestOnAHostileLog:
    @pytest.fixture(scope="class")
    @classmethod
    def workspace(cls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
        """Only to be read."""
        with open_workspace(Settings(data=tmp_path_factory.mktemp("hostile"))) as workspace:
            record(workspace.recorder, "evil", [{**each, "integration": EVIL} for each in HOSTILE])
            record(workspace.recorder, "before", [{**each, "integration": EVIL, "status": "OK"} for each in HOSTILE])
            workspace.recorder.record(ndjson([{"status": EVIL}, "x" * 1_000_000]), "ndjson")
            yield workspace

    @pytest.mark.parametrize(
        "address",
        [
            "/",
            "/runs",
            "/runs/evil",
            "/runs/evil?q=evil",
            "/problems",
            "/search?q=evil",
            "/search?q=" + quote(EVIL),
            "/records/-/" + quote(LONG_ID, safe="/"),
            "/records/-/bidi",
            "/compare?a=before&b=evil",
            "/rejects",
            "/sql?sql=select+source_name,message+from+actions",
        ],
    )
    def test_it_runs_nothing_stays_small_and_fits_a_telephone(self, page: Page, address: str) -> None:
        page.set_viewport_size({"width": 360, "height": 740})

        answer = page.goto(address)

        assert answer is not None
        assert answer.status == 200
        assert len(answer.body()) < 150_000
        assert page.evaluate("window.owned") is None
        assert page.locator("main img, main script").count() == 0
        assert page.evaluate("document.documentElement.scrollWidth") == 360

    def test_every_problem_and_action_of_it_can_be_opened(self, page: Page) -> None:
        page.goto("/problems")
        problems = page.locator("main tbody tr a").evaluate_all("links => links.map(link => link.getAttribute('href'))")
        page.goto("/runs/evil")
        actions = page.locator(".opener").evaluate_all("links => links.map(link => link.getAttribute('href'))")
        assert len(actions) == len(HOSTILE)

        for address in [*problems, *actions]:
            answer = page.goto(address)
            assert answer is not None
            assert answer.status == 200
            assert page.evaluate("window.owned") is None
