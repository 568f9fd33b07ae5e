"""The report of a run, from recorded actions to the text of its pages."""

import io
import json
import logging
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path

import pypdf
import pytest

from ingest.action import Progress, Scope, Status
from ingest.errors import RunNotFound
from ingest.recorder import Recorder, RunAnnouncement, RunChange
from query.lake_view import LakeView
from reports.html import render_run_report_html, report_security_policy
from reports.pdf import render_run_report_pdf
from reports.run_report import ClaimedCount, RunReport, build_run_report

MORNING = datetime(2026, 11, 22, 10, 15, tzinfo=UTC)
HOSTILE = "<script>alert(1)</script> \u202egnp.exe مرحبا 😀 \x01\x1b[31m " + "x" * 1_000_000


class World:
    """A lake in which the time is always MORNING."""

    def __init__(self, data: Path) -> None:
        self.recorder = Recorder.open(data, now=lambda: MORNING)
        self.view = LakeView(self.recorder.lake, self.recorder.index)

    def announce(self, run_id: str = "nightly", **fields: object) -> None:
        announcement = {"integration": "servicenow", "configuration": "prod", "trigger": "FULL_SYNC_JOB", **fields}
        self.recorder.announce_run(RunAnnouncement(run_id=run_id, **announcement))  # type: ignore[arg-type]

    def record(self, *actions: dict[str, object], run_id: str = "nightly") -> None:
        lines = [
            {"run_id": run_id, "happened_at": (MORNING + timedelta(seconds=second)).isoformat(), **action}
            for second, action in enumerate(actions)
        ]
        body = "\n".join(json.dumps(line) for line in lines)
        self.recorder.record(io.BytesIO(body.encode("utf-8", "surrogatepass")), "ndjson")

    def finish(self, run_id: str = "nightly", **claimed: int) -> None:
        self.recorder.change_run(run_id, RunChange(progress=Progress.FINISHED, claimed=claimed or None))

    def report(self, run_id: str = "nightly") -> RunReport:
        return build_run_report(self.view, run_id, now=MORNING + timedelta(hours=2))


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    built = World(tmp_path)
    yield built
    built.view.close()
    built.recorder.close()


def a_failure(number: int, **fields: object) -> dict[str, object]:
    return {
        "operation": "UPDATE",
        "status": "ERROR",
        "source_type": "cmdb_ci_appl",
        "source_id": f"a{number}",
        "target_type": "leanix.Application",
        "target_name": f"Payroll {number}",
        "code": "403",
        "message": f"Field {number} could not be set",
        **fields,
    }


def pages_of(pdf: bytes) -> list[str]:
    return [page.extract_text() for page in pypdf.PdfReader(io.BytesIO(pdf)).pages]


def test_report_says_what_ran_how_it_went_and_what_to_send(world: World) -> None:
    world.announce(scope=Scope.FULL)
    world.record({"operation": "CREATE", "source_name": "Payroll"}, a_failure(1), a_failure(2))
    world.recorder.change_run("nightly", RunChange(message="slowed down", status=Status.WARNING))
    world.finish(processed=4)

    text = "\n".join(pages_of(render_run_report_pdf(world.report())))

    for expected in (
        "servicenow · prod",
        "Finished with 2 errors among 3 records.",
        "The sender counted 4 processed; 3 are recorded.",
        "FULL_SYNC_JOB",
        "slowed down",
        "2 × ERROR",
        "in 2 records",
        "Payroll 2",
        "What to send to support",
        "synclog actions nightly --status ERROR --format csv > errors.csv",
        "2026-11-22T10:15:00.000000Z to 2026-11-22T10:15:02.000000Z",
    ):
        assert expected in text


def test_pdf_has_title_language_outline_and_page_numbers(world: World) -> None:
    world.announce()
    world.record(*[a_failure(number, message=f"{chr(65 + number)} failed") for number in range(12)])
    world.finish()

    document = pypdf.PdfReader(io.BytesIO(render_run_report_pdf(world.report())))

    pages = [page.extract_text() for page in document.pages]
    assert document.metadata is not None
    assert document.metadata.title == "servicenow · prod: run nightly"
    assert document.metadata.creation_date == MORNING + timedelta(hours=2)
    assert str(document.root_object["/Lang"]) == "en"
    assert "Errors and warnings" in [mark.title for mark in _flat(document.outline)]
    assert all(f"Page {number} of {len(pages)}" in page for number, page in enumerate(pages, start=1))
    assert all("Run nightly" in page for page in pages)
    assert [round(float(side)) for side in document.pages[0].mediabox[2:]] == [595, 842]


def _flat(outline: Iterable[object]) -> Iterator[pypdf.generic.Destination]:
    for item in outline:
        if isinstance(item, list):
            yield from _flat(item)
        elif isinstance(item, pypdf.generic.Destination):
            yield item


def test_hostile_text_neither_breaks_nor_swells_the_report(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.announce(configuration="<b>\u202eprod", attributes={"<img src=file:///etc/passwd>": HOSTILE})
    world.record(*[a_failure(number, message=HOSTILE, source_name=HOSTILE, details=HOSTILE) for number in range(3)])
    world.finish()

    report = world.report()
    with caplog.at_level(logging.WARNING, logger="weasyprint"):
        pdf = render_run_report_pdf(report)
    page = render_run_report_html(report)

    assert not [record for record in caplog.records if "Failed to load" in record.getMessage()]
    assert "<script>alert(1)" in "".join(pages_of(pdf))
    assert "<script" not in page
    assert "⟨U+202E⟩" in page
    assert "\x01" not in page
    assert len(page) < 100_000
    assert len(pages_of(pdf)) < 6


def test_only_the_first_problems_are_shown_and_the_rest_counted(world: World) -> None:
    world.announce()
    letters = [f"{one}{other} failed" for one in "ABCDE" for other in "klmno"]
    world.record(*[a_failure(0, message=message) for message in letters])
    world.finish()

    report = world.report()
    page = render_run_report_html(report)

    assert (len(report.problems.shown), report.problems.more) == (15, 10)
    assert "And 10 problems not shown here." in page


def test_more_problems_than_are_looked_at_are_more_than(world: World) -> None:
    world.announce()
    letters = [f"{one}{other} failed" for one in "ABCDEFGHIJ" for other in "klmno"]
    world.record(*[a_failure(0, message=message) for message in letters])
    world.finish()

    page = render_run_report_html(world.report())

    assert "And at least 25 problems not shown here." in page


def test_remarks_are_apart_from_errors_and_warnings(world: World) -> None:
    world.announce()
    world.record(a_failure(1, status="INFO", message="skipped 1"), a_failure(2, status="WARNING", message="careful 2"))
    world.finish()

    report = world.report()

    assert [problem.status for problem in report.problems.shown] == [Status.WARNING]
    assert [problem.status for problem in report.remarks.shown] == [Status.INFO]


def test_run_without_any_action_has_a_report(world: World) -> None:
    world.announce(progress=Progress.PENDING)

    text = "\n".join(pages_of(render_run_report_pdf(world.report())))

    for expected in ("Waiting to start.", "No actions yet", "There are none.", "synclog run nightly"):
        assert expected in text


def test_silent_run_has_a_report_that_says_so(world: World) -> None:
    world.announce()
    world.record({"operation": "CREATE"})

    report = build_run_report(world.view, "nightly", now=datetime(2999, 1, 1, tzinfo=UTC))

    assert report.outcome.startswith("No end seen after 1 record. Last heard of at ")
    assert "no end seen" in render_run_report_html(report)


def test_claims_that_are_right_are_not_mentioned(world: World) -> None:
    world.announce()
    world.record({"operation": "CREATE"}, a_failure(1))
    world.finish(processed=2, errors=3, odd=7)

    assert world.report().disagreements == (ClaimedCount(name="errors", claimed=3, recorded=1),)


def test_run_id_is_quoted_for_the_shell(world: World) -> None:
    world.announce("2026-11-22 $(reboot)")

    assert world.report("2026-11-22 $(reboot)").command_lines[0] == "synclog run '2026-11-22 $(reboot)'"


def test_report_of_an_unknown_run_is_refused(world: World) -> None:
    with pytest.raises(RunNotFound, match="nobody"):
        world.report("nobody")


def test_html_report_needs_nothing_from_outside(world: World) -> None:
    world.announce()
    world.record(a_failure(1))
    found = _Outside()

    found.feed(render_run_report_html(world.report()))

    assert found.references == []
    assert report_security_policy().startswith("default-src 'none'; style-src 'sha256-")


class _Outside(HTMLParser):
    """Collects everything a browser would load or run, and style attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.references: list[tuple[str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.references += [(tag, name) for name, _ in attrs if name in ("src", "href", "style") or name[:2] == "on"]
        if tag in ("script", "link", "iframe", "object"):
            self.references.append((tag, ""))
