"""Drawings: complete, well-formed and without a style attribute."""

from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree

import pytest

from ingest.action import Status
from ingest.counts import Counts
from query.timeline import Bucket, Timeline
from reports.axis import nice_step, short_count, time_label, time_marks
from reports.charts import LinkedBar, history_bars, linked_bars, operation_bar, proportion_bar, stacked_bars

MORNING = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
SVG = "{http://www.w3.org/2000/svg}"


def a_timeline(*counts: tuple[int, int, int, int], bucket: timedelta = timedelta(minutes=1)) -> Timeline:
    """Counts are OK, INFO, WARNING, ERROR, one bucket after the other."""
    return Timeline(
        start_at=MORNING,
        bucket=bucket,
        buckets=tuple(
            Bucket(start_at=MORNING + place * bucket, ok=ok, info=info, warning=warning, error=error)
            for place, (ok, info, warning, error) in enumerate(counts)
        ),
    )


def sums_by_class(drawing: str) -> dict[str, int]:
    """What the bars of a drawing add up to."""
    sums: dict[str, int] = {}
    for bar in ElementTree.fromstring(drawing).iter(f"{SVG}rect"):
        if count := bar.get("data-count"):
            sums[bar.attrib["class"]] = sums.get(bar.attrib["class"], 0) + int(count)
    return sums


def test_bars_add_up_to_the_timeline() -> None:
    timeline = a_timeline((10, 1, 0, 2), (0, 0, 0, 0), (5, 0, 3, 1))

    drawing = stacked_bars(timeline)

    assert sums_by_class(drawing) == {"status-ok": 15, "status-info": 1, "status-warning": 3, "status-error": 3}


def test_one_error_among_a_million_is_still_seen() -> None:
    timeline = a_timeline((1_000_000, 0, 0, 1))

    drawing = stacked_bars(timeline)

    bars = [bar for bar in ElementTree.fromstring(drawing).iter(f"{SVG}rect") if bar.get("class") == "status-error"]
    assert [float(bar.attrib["height"]) for bar in bars] == [1.5]


def test_bars_stay_inside_the_drawing() -> None:
    timeline = a_timeline(*[(1000, 1, 1, 1)] * 60)

    drawing = stacked_bars(timeline, width=300, height=120)

    bars = [bar.attrib for bar in ElementTree.fromstring(drawing).iter(f"{SVG}rect") if bar.get("data-count")]
    assert all(float(bar["y"]) >= 0 and float(bar["y"]) + float(bar["height"]) <= 120 for bar in bars)
    assert all(float(bar["x"]) >= 0 and float(bar["x"]) + float(bar["width"]) <= 300 for bar in bars)


def test_drawing_says_in_words_what_it_shows() -> None:
    drawing = ElementTree.fromstring(stacked_bars(a_timeline((1200, 0, 0, 3)), name="history"))

    words = {element.get("id"): element.text for element in drawing if element.get("id")}
    assert words == {
        "history-title": "Actions over time by status",
        "history-desc": "1,200 OK, 3 ERROR, from 2026-11-22 10:00:00 UTC to 2026-11-22 10:00:00 UTC,"
        " in 1 step of 1 min 00 s.",
    }
    assert drawing.get("aria-labelledby") == "history-title history-desc"


def test_drawing_has_no_style_of_its_own() -> None:
    drawings = stacked_bars(a_timeline((1, 1, 1, 1))) + proportion_bar(Counts(create_ok=1))

    assert not any(word in drawings for word in ("style", "<script", "#000"))


@pytest.mark.parametrize("timeline", [a_timeline(), a_timeline((0, 0, 0, 0), (0, 0, 0, 0))])
def test_run_without_actions_has_a_drawing_that_says_so(timeline: Timeline) -> None:
    drawing = ElementTree.fromstring(stacked_bars(timeline))

    assert [text.text for text in drawing.iter(f"{SVG}text")] == ["No actions yet"]


@pytest.mark.parametrize("bucket", [timedelta(microseconds=1), timedelta(seconds=7), timedelta(days=90_000)])
def test_any_span_has_a_few_marks(bucket: timedelta) -> None:
    marks = time_marks(MORNING, bucket * 30, 7)

    assert 1 <= len(marks) <= 8


def test_marks_stop_at_the_end_of_the_calendar() -> None:
    marks = time_marks(datetime(9999, 12, 31, 23, tzinfo=UTC), timedelta(hours=2), 7)

    assert marks == [datetime(9999, 12, 31, 23, minute, tzinfo=UTC) for minute in (0, 30)]


@pytest.mark.parametrize(
    ("moment", "step", "previous", "label"),
    [
        (MORNING, timedelta(minutes=5), None, "22 Nov 10:00"),
        (MORNING, timedelta(minutes=5), MORNING, "10:00"),
        (MORNING, timedelta(seconds=5), MORNING, "10:00:00"),
        (MORNING, timedelta(milliseconds=5), MORNING, "10:00:00.000"),
        (MORNING, timedelta(minutes=5), MORNING - timedelta(days=1), "22 Nov 10:00"),
        (MORNING, timedelta(days=2), MORNING, "22 Nov"),
        (MORNING, timedelta(days=366), MORNING, "2026-11"),
    ],
)
def test_time_label_says_what_its_neighbours_do_not(
    moment: datetime, step: timedelta, previous: datetime | None, label: str
) -> None:
    assert time_label(moment, step, previous) == label


def test_count_axis_is_round() -> None:
    assert [nice_step(least) for least in (0.2, 1, 3, 17.6, 812)] == [1, 1, 5, 20, 1000]
    assert [short_count(count) for count in (0, 9000, 45_000, 1_500_000)] == ["0", "9,000", "45k", "1.5M"]


def test_proportions_add_up_and_fill_the_width() -> None:
    counts = Counts(create_ok=900_000, update_warning=1, none_error=2)

    by_status, by_operation = proportion_bar(counts, width=200), operation_bar(counts, width=200)

    assert sums_by_class(by_status) == {"status-error": 2, "status-warning": 1, "status-ok": 900_000}
    assert sums_by_class(by_operation) == {"operation-create": 900_000, "operation-update": 1, "operation-none": 2}
    bars = [bar for bar in ElementTree.fromstring(by_status).iter(f"{SVG}rect") if bar.get("data-count")]
    assert sum(float(bar.attrib["width"]) for bar in bars) == pytest.approx(200, abs=0.1)


def test_proportions_of_nothing_are_an_empty_bar() -> None:
    assert sums_by_class(proportion_bar(Counts())) == {}


def test_colours_come_from_classes_alone() -> None:
    drawing = ElementTree.fromstring(stacked_bars(a_timeline((1, 1, 1, 1))))

    bars = [bar for bar in drawing.iter(f"{SVG}rect") if bar.get("data-count")]
    assert {bar.attrib["class"] for bar in bars} == {f"status-{status.lower()}" for status in Status}
    assert {bar.attrib["fill"] for bar in bars} == {"currentColor"}


def test_linked_bars_stack_every_status_inside_the_drawing() -> None:
    bars = [
        LinkedBar(counts=(9, 1, 1, 1, 1), address="/runs?since=a&until=b", words="13 runs"),
        LinkedBar(counts=(0, 0, 0, 0, 0), address="/nowhere", words="none"),
        LinkedBar(counts=(0, 1, 0, 0, 0), address="/runs", words="1 run"),
    ]

    drawing = ElementTree.fromstring(linked_bars(bars, words="runs", height=96))

    links = drawing.findall(f"{SVG}a")
    assert [link.get("href") for link in links] == ["/runs?since=a&until=b", "/runs"]
    assert [link.findtext(f"{SVG}title") for link in links] == ["13 runs", "1 run"]
    assert sums_by_class(ElementTree.tostring(drawing, encoding="unicode")) == {
        "status-ok": 9,
        "status-none": 2,
        "status-info": 1,
        "status-warning": 1,
        "status-error": 1,
    }
    boxes = [each.attrib for each in drawing.iter(f"{SVG}rect") if each.get("data-count")]
    assert all(float(box["y"]) >= 29.9 and float(box["y"]) + float(box["height"]) <= 96.1 for box in boxes)


def test_thumbnail_has_one_shape_a_status_and_says_what_it_shows() -> None:
    drawing = ElementTree.fromstring(
        history_bars([(100, Status.OK), (50, Status.ERROR), (0, None), (100, Status.OK)], words="four runs")
    )

    shapes = {shape.get("class"): shape.attrib["d"].count("M") for shape in drawing.iter(f"{SVG}path")}
    assert shapes == {"status-ok": 2, "status-error": 1, "status-none": 1}
    assert drawing.findtext(f"{SVG}title") == "four runs"
