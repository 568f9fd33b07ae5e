"""A drawing of what became of one record over time: a lane for each integration, a mark for each of its runs.

A mark is as tall as it is bad, so that trouble is seen without colour too. Only so many marks are drawn, the latest:
a record that is written every minute would fill the page with them.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from markupsafe import Markup, escape

from ingest.action import Status
from reports.axis import time_label, time_marks
from reports.charts import svg_opening, svg_text
from reports.flip_flop import Writer
from reports.record_head import Visit
from reports.wording import format_datetime, plural, shorten, status_class, visible_text

MOST_MARKS = 240
MOST_LANES = 6
LANE = 44
MARK_WIDTH = 5
_TOP, _BOTTOM, _SIDE = 4, 24, 8
_HEIGHTS = {Status.OK: 7, Status.INFO: 10, Status.WARNING: 14, Status.ERROR: 18}


def status_lanes(visits: Sequence[Visit], *, width: int = 1120, name: str = "statuses-over-time") -> Markup:
    """The latest runs on a record by their worst status; ``visits`` come the latest first."""
    shown = visits[:MOST_MARKS]
    if not shown:
        return Markup("")
    writers = list(dict.fromkeys(visit.writer for visit in shown))[:MOST_LANES]
    first, last = min(visit.last_at for visit in shown), max(visit.last_at for visit in shown)
    span = max(last - first, timedelta(seconds=1))
    height = _TOP + LANE * len(writers) + _BOTTOM
    return Markup(
        "".join(
            (
                svg_opening("chart-lanes", width, height, f' aria-labelledby="{name}-title {name}-desc"'),
                f'<title id="{name}-title">Status by run, over time</title>',
                f'<desc id="{name}-desc">{escape(_describe(shown))}</desc>',
                *_axis(first, span, width, height),
                *(
                    piece
                    for number, writer in enumerate(writers)
                    for piece in _lane(number, writer, shown, first, span, width)
                ),
                "</svg>",
            )
        )
    )


def _describe(visits: Sequence[Visit]) -> str:
    counts = {status: sum(visit.status is status for visit in visits) for status in reversed(Status)}
    amounts = ", ".join(f"{number} {status}" for status, number in counts.items() if number)
    return f"{plural(len(visits), 'run')}: {amounts}; the last at {format_datetime(visits[0].last_at)}."


def _axis(first: datetime, span: timedelta, width: int, height: int) -> Iterator[str]:
    floor = height - _BOTTOM
    marks = 1 + int((width - 2 * _SIDE) // 110)
    previous: datetime | None = None
    for moment in time_marks(first, span, marks):
        x = _x(moment, first, span, width)
        yield f'<path class="chart-grid" fill="none" stroke="currentColor" d="M{x:.1f} {_TOP}V{floor + 4}"/>'
        anchor = "end" if x > width - 40 else "start" if x < 40 else "middle"
        yield svg_text(x, floor + 17, time_label(moment, span / marks, previous), anchor)
        previous = moment


def _lane(
    number: int, writer: Writer, visits: Sequence[Visit], first: datetime, span: timedelta, width: int
) -> Iterator[str]:
    floor = _TOP + LANE * (number + 1) - 4
    yield svg_text(_SIDE, floor - 23, visible_text(shorten(str(writer), 60)), "start")
    yield f'<path class="chart-axis" fill="none" stroke="currentColor" d="M{_SIDE} {floor + 0.5}H{width - _SIDE}"/>'
    for status in Status:  # the worst on top; one path for all marks of a status, because a page has many
        alike = [visit for visit in visits if (visit.writer, visit.status) == (writer, status)]
        places = [_x(visit.last_at, first, span, width) for visit in alike]
        if places:
            tall = _HEIGHTS[status]
            marks = "".join(f"M{x - MARK_WIDTH / 2:.1f} {floor}h{MARK_WIDTH}v-{tall}h-{MARK_WIDTH}z" for x in places)
            yield f'<path class="{status_class(status)}" fill="currentColor" data-count="{len(places)}" d="{marks}"/>'


def _x(moment: datetime, first: datetime, span: timedelta, width: int) -> float:
    inner = width - 2 * _SIDE - MARK_WIDTH
    return _SIDE + MARK_WIDTH / 2 + inner * ((moment - first) / span)
