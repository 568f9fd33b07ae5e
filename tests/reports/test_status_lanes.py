"""The drawing of what became of one record."""

from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree

from ingest.action import Operation, Status
from query.actions import Action
from reports.record_head import Visit, group_by_run
from reports.status_lanes import MOST_MARKS, status_lanes

START = datetime(2026, 6, 1, tzinfo=UTC)


def visits(*statuses: Status, integration: str = "servicenow") -> tuple[Visit, ...]:
    """One run a day, the latest first."""
    actions = [
        Action(
            batch_id="b", row=day, run_id=f"r{day}", integration=integration, configuration=None, trigger=None,
            happened_at=START + timedelta(days=day), operation=Operation.UPDATE, status=status, source_type=None,
            source_id="a", source_name=None, target_type=None, target_id=None, target_name=None, code=None,
            message=None, details=None, duration_ms=None, problem_id=None,
        )
        for day, status in enumerate(statuses)
    ]  # fmt: skip
    return group_by_run(reversed(actions))


def marks(svg: str) -> dict[str, tuple[str, str]]:
    """By status: how many, and how tall."""
    paths = [each.attrib for each in ElementTree.fromstring(svg).iter() if "data-count" in each.attrib]
    return {each["class"]: (each["data-count"], each["d"].split("v-")[1].split("h")[0]) for each in paths}


def test_each_run_is_a_mark_as_tall_as_it_is_bad() -> None:
    drawing = status_lanes(visits(Status.OK, Status.ERROR, Status.WARNING))

    assert marks(drawing) == {"status-ok": ("1", "7"), "status-warning": ("1", "14"), "status-error": ("1", "18")}
    assert "3 runs: 1 ERROR, 1 WARNING, 1 OK; the last at 2026-06-03 00:00:00 UTC." in drawing


def test_a_drawing_has_no_styles_and_escapes_what_senders_wrote() -> None:
    drawing = status_lanes(visits(Status.OK, integration="<script>\u202e"))

    assert "style=" not in drawing
    assert "&lt;script&gt;⟨U+202E⟩" in drawing


def test_only_so_many_marks_are_drawn() -> None:
    assert marks(status_lanes(visits(*[Status.OK] * 1000)))["status-ok"][0] == str(MOST_MARKS)


def test_nothing_is_drawn_of_nothing() -> None:
    assert status_lanes(()) == ""
