"""Drawings as SVG text, one code path for pages, HTML reports and PDF.

Colours come only from the classes status-ok, status-info, status-warning, status-error and operation-create …: each
sets ``color`` and every shape is filled with currentColor. There are no style attributes and no scripts, so the
drawings live under a strict content security policy, and they scale with ``width: 100%`` through their view box.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from markupsafe import Markup

from ingest.action import OPERATIONS, STATUSES, Operation, Status
from ingest.counts import Counts
from reports.axis import nice_step, short_count, time_label, time_marks
from reports.wording import format_count, format_datetime, format_duration, plural, status_class, status_icon

if TYPE_CHECKING:
    from query.timeline import Bucket, Timeline

LEFT, RIGHT, TOP, BOTTOM = 46, 8, 30, 24
WIDEST_BAR = 40.0
THINNEST_TROUBLE = 1.5
"""A single error among a million actions is still this many units high."""

_SVG = '<svg xmlns="http://www.w3.org/2000/svg" class="chart {}" width="{}" height="{}" viewBox="0 0 {} {}" role="img"'


@dataclass(frozen=True, slots=True, kw_only=True)
class _Frame:
    """Where the bars go, and what a count is in units of height."""

    width: int
    height: int
    highest: int

    @property
    def inner_width(self) -> float:
        return self.width - LEFT - RIGHT

    @property
    def floor(self) -> float:
        return self.height - BOTTOM

    def height_of(self, count: int) -> float:
        return (self.floor - TOP) * count / self.highest


def stacked_bars(timeline: Timeline, *, width: int = 720, height: int = 200, name: str = "actions-over-time") -> Markup:
    """Actions over time by status; ``name`` keeps the ids apart when a page shows several."""
    counts = {status: sum(_count(bucket, status) for bucket in timeline.buckets) for status in STATUSES}
    if not sum(counts.values()):
        return _empty(width, height, "No actions yet")
    highest = max(sum(_count(bucket, status) for status in STATUSES) for bucket in timeline.buckets)
    frame = _Frame(width=width, height=height, highest=highest)
    return Markup("").join(
        (
            Markup(_SVG + ' aria-labelledby="{}-title {}-desc">').format(
                "chart-bars", width, height, width, height, name, name
            ),
            Markup('<title id="{}-title">Actions over time by status</title>').format(name),
            Markup('<desc id="{}-desc">{}</desc>').format(name, _describe(timeline, counts)),
            *_legend(counts),
            *_count_axis(frame),
            *_time_axis(timeline, frame),
            *_bars(timeline, frame),
            Markup("</svg>"),
        )
    )


def proportion_bar(counts: Counts, *, width: int = 240, height: int = 8) -> Markup:
    """One thin bar of the actions by status, worst first."""
    parts = [(status_class(status), status.value, counts.of_status(status)) for status in reversed(STATUSES)]
    return _proportions(parts, width, height)


def operation_bar(counts: Counts, *, width: int = 240, height: int = 8) -> Markup:
    """One thin bar of the actions by operation."""
    parts = [(operation_class(operation), operation.value, counts.of_operation(operation)) for operation in OPERATIONS]
    return _proportions(parts, width, height)


def operation_class(operation: Operation) -> str:
    """The CSS class that carries an operation's colour: operation-create."""
    return f"operation-{operation.value.lower()}"


def _count(bucket: Bucket, status: Status) -> int:
    number: int = getattr(bucket, status.value.lower())
    return number


def _describe(timeline: Timeline, counts: dict[Status, int]) -> str:
    amounts = ", ".join(f"{format_count(number)} {status}" for status, number in counts.items() if number)
    last = timeline.buckets[-1].start_at
    return (
        f"{amounts}, from {format_datetime(timeline.start_at)} to {format_datetime(last)},"
        f" in {plural(len(timeline.buckets), 'step')} of {format_duration(timeline.bucket)}."
    )


def _legend(counts: dict[Status, int]) -> Iterator[Markup]:
    x = float(LEFT)
    for status, number in counts.items():
        if not number:
            continue
        words = f"{status} {format_count(number)}"
        yield Markup('<g transform="translate({:.1f} 0.5)">{}</g>').format(x, status_icon(status))
        yield _text(x + 19, 11.5, words, "start")
        x += 40 + 6.6 * len(words)


def _count_axis(frame: _Frame) -> Iterator[Markup]:
    step = nice_step(frame.highest / 5)
    for count in range(0, frame.highest + 1, step):
        y = frame.floor - frame.height_of(count)
        kind = "chart-axis" if count == 0 else "chart-grid"
        yield Markup('<path class="{}" fill="none" stroke="currentColor" d="M{} {:.1f}H{}"/>').format(
            kind, LEFT, y, frame.width - RIGHT
        )
        yield _text(LEFT - 6, y + 3.5, short_count(count), "end")


def _time_axis(timeline: Timeline, frame: _Frame) -> Iterator[Markup]:
    span = timeline.bucket * len(timeline.buckets)
    marks = 1 + int(frame.inner_width // 110)
    previous: datetime | None = None
    for moment in time_marks(timeline.start_at, span, marks):
        x = LEFT + frame.inner_width * ((moment - timeline.start_at) / span)
        yield Markup('<path class="chart-axis" fill="none" stroke="currentColor" d="M{:.1f} {:.1f}v4"/>').format(
            x, frame.floor
        )
        label = time_label(moment, span / marks, previous)
        anchor = "end" if x > frame.width - 30 else "start" if x < LEFT + 20 else "middle"
        yield _text(min(x, frame.width - RIGHT), frame.floor + 17, label, anchor)
        previous = moment
    yield _text(frame.width - RIGHT, 11.5, "UTC", "end")


def _bars(timeline: Timeline, frame: _Frame) -> Iterator[Markup]:
    slot = frame.inner_width / len(timeline.buckets)
    bar = min(max(slot - 1, slot * 0.8), WIDEST_BAR)
    for number, bucket in enumerate(timeline.buckets):
        if any(_count(bucket, status) for status in STATUSES):
            x = LEFT + slot * number
            yield Markup('<g><title>{}</title><rect class="chart-reach" fill="none" pointer-events="all"').format(
                _tooltip(timeline, bucket)
            )
            yield Markup(' x="{:.1f}" y="{}" width="{:.1f}" height="{:.1f}"/>').format(x, TOP, slot, frame.floor - TOP)
            yield from _stack(bucket, frame, x + (slot - bar) / 2, bar)
            yield Markup("</g>")


def _stack(bucket: Bucket, frame: _Frame, x: float, width: float) -> Iterator[Markup]:
    """Errors stand on the axis, where they can be compared; what lifts a thin one to be seen is taken from above it."""
    total = sum(_count(bucket, status) for status in STATUSES)
    room = max(frame.height_of(total), THINNEST_TROUBLE)
    bottom = frame.floor
    for status in reversed(STATUSES):
        if count := _count(bucket, status):
            least = 0.0 if status is Status.OK else THINNEST_TROUBLE
            height = max(frame.height_of(count), least)
            if status is Status.OK:
                height = max(room - (frame.floor - bottom), min(0.5, frame.height_of(count)))
            bottom -= height
            yield Markup(
                '<rect class="{}" fill="currentColor" x="{:.2f}" y="{:.2f}" width="{:.2f}" height="{:.2f}"'
                ' data-count="{}"/>'
            ).format(status_class(status), x, bottom, width, height, count)


def _tooltip(timeline: Timeline, bucket: Bucket) -> str:
    amounts = ", ".join(
        f"{format_count(_count(bucket, status))} {status}" for status in reversed(STATUSES) if _count(bucket, status)
    )
    return f"{format_datetime(bucket.start_at)} and the {format_duration(timeline.bucket)} after: {amounts}"


def _proportions(parts: Sequence[tuple[str, str, int]], width: int, height: int) -> Markup:
    total = sum(count for _, _, count in parts)
    words = ", ".join(f"{format_count(count)} {word}" for _, word, count in parts if count) or "nothing yet"
    opening = Markup(_SVG + ' preserveAspectRatio="none"><title>{}</title>').format(
        "chart-proportions", width, height, width, height, words
    )
    pieces = [
        opening,
        Markup('<rect class="chart-empty" fill="currentColor" fill-opacity="0.1" width="{}"').format(width),
    ]
    pieces.append(Markup(' height="{}"/>').format(height))
    shown = [part for part in parts if part[2]]
    thin = THINNEST_TROUBLE * len(shown)
    x = 0.0
    for name, _, count in shown:
        length = THINNEST_TROUBLE + (width - thin) * count / total
        pieces.append(
            Markup(
                '<rect class="{}" fill="currentColor" x="{:.2f}" width="{:.2f}" height="{}" data-count="{}"/>'
            ).format(name, x, length, height, count)
        )
        x += length
    return Markup("").join((*pieces, Markup("</svg>")))


def _empty(width: int, height: int, words: str) -> Markup:
    opening = Markup(_SVG + "><title>{}</title>").format("chart-nothing", width, height, width, height, words)
    return opening + _text(width / 2, height / 2, words, "middle") + Markup("</svg>")


def _text(x: float, y: float, words: str, anchor: str) -> Markup:
    return Markup(
        '<text class="chart-text" font-size="11" fill="currentColor" x="{:.1f}" y="{:.1f}" {}>{}</text>'
    ).format(x, y, Markup(f'text-anchor="{anchor}"'), words)
