"""Drawings as SVG text, one code path for pages, HTML reports and PDF.

Colours come only from the classes status-ok, status-info, status-warning, status-error and operation-create …: each
sets ``color`` and every shape is filled with currentColor. There are no style attributes and no scripts, so the
drawings live under a strict content security policy, and they scale with ``width: 100%`` through their view box. Pieces
are plain text with every word escaped where it is put in: a Markup a bar made charts the slowest part of a page.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from markupsafe import Markup, escape

from ingest.action import OPERATIONS, STATUSES, Operation, Status
from ingest.counts import Counts
from reports.axis import nice_step, short_count, time_label, time_marks
from reports.wording import format_count, format_datetime, format_duration, plural, status_class, status_icon

if TYPE_CHECKING:
    from query.timeline import Bucket, Timeline

LEFT, RIGHT, TOP, BOTTOM = 46, 8, 30, 24
WIDEST_BAR = 40.0
HISTORY_SLOTS = 20
LINKED_STATUSES = (Status.OK, None, Status.INFO, Status.WARNING, Status.ERROR)
FEWEST_SLOTS = 24
"""A chart of two days does not make two blocks of them."""
THINNEST_TROUBLE = 1.5
"""A single error among a million actions is still this many units high."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkedBar:
    """One bar: how many of each status, in the order of LINKED_STATUSES, where it leads, and the same in words."""

    counts: Sequence[int]
    address: str
    words: str


def stacked_bars(timeline: Timeline, *, width: int = 720, height: int = 200, name: str = "actions-over-time") -> Markup:
    """Actions over time by status; ``name`` keeps the ids apart when a page shows several."""
    stacks = [_counts_of(bucket) for bucket in timeline.buckets]
    counts = {status: sum(stack[place] for stack in stacks) for place, status in enumerate(STATUSES)}
    if not sum(counts.values()):
        return _empty(width, height, "No actions yet")
    frame = _Frame(width=width, height=height, highest=max(map(sum, stacks)))
    named = escape(name)
    return Markup(
        "".join(
            (
                svg_opening("chart-bars", width, height, f' aria-labelledby="{named}-title {named}-desc"'),
                f'<title id="{named}-title">Actions over time by status</title>',
                f'<desc id="{named}-desc">{escape(_describe(timeline, counts))}</desc>',
                *_legend(counts),
                *_count_axis(frame),
                *_time_axis(timeline, frame),
                *_bars(timeline, stacks, frame),
                "</svg>",
            )
        )
    )


def history_bars(
    history: Sequence[tuple[int, Status | None]], *, words: str, width: int = 128, height: int = 28
) -> Markup:
    """A thumbnail of up to HISTORY_SLOTS runs, oldest first: as high as each was busy, in the colour of its status.

    One path a status, not one shape a run: a page has fifty of these. ``words`` say the same to who cannot see it.
    """
    slot = width / HISTORY_SLOTS
    first = HISTORY_SLOTS - len(history)  # the newest is on the right, however few there are
    highest = max((amount for amount, _ in history), default=0) or 1
    paths: dict[str, list[str]] = {}
    for place, (amount, status) in enumerate(history, first):
        bar = max(2.0, (height - 1) * amount / highest)
        path = f"M{place * slot + 0.5:.1f} {height}v-{bar:.1f}h{slot - 1:.1f}v{bar:.1f}z"
        paths.setdefault(status_class(status), []).append(path)
    shapes = (f'<path class="{name}" fill="currentColor" d="{"".join(path)}"/>' for name, path in paths.items())
    opening = svg_opening("chart-history", width, height)
    return Markup("".join((opening, f"<title>{escape(words)}</title>", *shapes, "</svg>")))


def linked_bars(bars: Sequence[LinkedBar], *, words: str, width: int = 1120, height: int = 96) -> Markup:
    """Runs over time by status, oldest first; each bar is a link. Stretched to the page, so words stand beside it."""
    slots = max(len(bars), FEWEST_SLOTS)
    slot, gap = width / slots, min(2.0, width / slots / 5)
    frame = _Frame(width=width, height=height + BOTTOM, highest=max((sum(bar.counts) for bar in bars), default=1) or 1)
    pieces = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="chart chart-linked" viewBox="0 {TOP} {width} {height - TOP}"'
        f' preserveAspectRatio="none" role="group" aria-label="{escape(words)}">'
    ]
    for place, bar in enumerate(bars, slots - len(bars)):
        if not any(bar.counts):
            continue
        pieces.append(
            f'<a href="{escape(bar.address)}"><title>{escape(bar.words)}</title><rect class="chart-reach" fill="none"'
            f' pointer-events="all" x="{place * slot:.1f}" y="{TOP}" width="{slot:.1f}" height="{height - TOP}"/>'
        )
        kinds = zip(reversed(LINKED_STATUSES), reversed(bar.counts), strict=True)
        pieces += (*_stack(kinds, frame, place * slot + gap / 2, slot - gap), "</a>")
    return Markup("".join((*pieces, "</svg>")))


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


def svg_opening(kind: str, width: int, height: int, attributes: str = "") -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="chart {kind}" width="{width}" height="{height}"'
        f' viewBox="0 0 {width} {height}" role="img"{attributes}>'
    )


def _counts_of(bucket: Bucket) -> tuple[int, ...]:
    """In the order of STATUSES."""
    return bucket.ok, bucket.info, bucket.warning, bucket.error


def _describe(timeline: Timeline, counts: dict[Status, int]) -> str:
    amounts = ", ".join(f"{format_count(number)} {status}" for status, number in counts.items() if number)
    last = timeline.buckets[-1].start_at
    return (
        f"{amounts}, from {format_datetime(timeline.start_at)} to {format_datetime(last)},"
        f" in {plural(len(timeline.buckets), 'step')} of {format_duration(timeline.bucket)}."
    )


def _legend(counts: dict[Status, int]) -> Iterator[str]:
    x = float(LEFT)
    for status, number in counts.items():
        if not number:
            continue
        words = f"{status} {format_count(number)}"
        yield f'<g transform="translate({x:.1f} 0.5)">{status_icon(status)}</g>'
        yield svg_text(x + 19, 11.5, words, "start")
        x += 40 + 6.6 * len(words)


def _count_axis(frame: _Frame) -> Iterator[str]:
    step = nice_step(frame.highest / 5)
    for count in range(0, frame.highest + 1, step):
        y = frame.floor - frame.height_of(count)
        kind = "chart-axis" if count == 0 else "chart-grid"
        yield f'<path class="{kind}" fill="none" stroke="currentColor" d="M{LEFT} {y:.1f}H{frame.width - RIGHT}"/>'
        yield svg_text(LEFT - 6, y + 3.5, short_count(count), "end")


def _time_axis(timeline: Timeline, frame: _Frame) -> Iterator[str]:
    span = timeline.bucket * len(timeline.buckets)
    marks = 1 + int(frame.inner_width // 110)
    previous: datetime | None = None
    for moment in time_marks(timeline.start_at, span, marks):
        x = LEFT + frame.inner_width * ((moment - timeline.start_at) / span)
        yield f'<path class="chart-axis" fill="none" stroke="currentColor" d="M{x:.1f} {frame.floor:.1f}v4"/>'
        label = time_label(moment, span / marks, previous)
        anchor = "end" if x > frame.width - 30 else "start" if x < LEFT + 20 else "middle"
        yield svg_text(min(x, frame.width - RIGHT), frame.floor + 17, label, anchor)
        previous = moment
    yield svg_text(frame.width - RIGHT, 11.5, "UTC", "end")


def _bars(timeline: Timeline, stacks: Sequence[Sequence[int]], frame: _Frame) -> Iterator[str]:
    slot = frame.inner_width / len(stacks)
    bar = min(max(slot - 1, slot * 0.8), WIDEST_BAR)
    after = f"and the {format_duration(timeline.bucket)} after:"
    for number, (bucket, stack) in enumerate(zip(timeline.buckets, stacks, strict=True)):
        if any(stack):
            x = LEFT + slot * number
            tooltip = escape(f"{format_datetime(bucket.start_at)} {after} {_amounts(stack)}")
            yield (
                f'<g><title>{tooltip}</title><rect class="chart-reach" fill="none" pointer-events="all"'
                f' x="{x:.1f}" y="{TOP}" width="{slot:.1f}" height="{frame.floor - TOP:.1f}"/>'
            )
            worst_first = zip(reversed(STATUSES), reversed(stack), strict=True)
            yield from _stack(worst_first, frame, x + (slot - bar) / 2, bar)
            yield "</g>"


def _stack(worst_first: Iterable[tuple[Status | None, int]], frame: _Frame, x: float, width: float) -> Iterator[str]:
    """Errors stand on the axis, where they can be compared; what lifts a thin one to be seen is taken from above it."""
    stack = list(worst_first)
    room = max(frame.height_of(sum(count for _, count in stack)), THINNEST_TROUBLE)
    bottom = frame.floor
    for status, count in stack:
        if count:
            height = max(frame.height_of(count), THINNEST_TROUBLE)
            if status is Status.OK:
                height = max(room - (frame.floor - bottom), min(0.5, frame.height_of(count)))
            bottom -= height
            yield (
                f'<rect class="{status_class(status)}" fill="currentColor" x="{x:.2f}" y="{bottom:.2f}"'
                f' width="{width:.2f}" height="{height:.2f}" data-count="{count}"/>'
            )


def _amounts(stack: Sequence[int]) -> str:
    """Worst first."""
    worst_first = zip(reversed(STATUSES), reversed(stack), strict=True)
    return ", ".join(f"{format_count(count)} {status}" for status, count in worst_first if count)


def _proportions(parts: Sequence[tuple[str, str, int]], width: int, height: int) -> Markup:
    total = sum(count for _, _, count in parts)
    words = ", ".join(f"{format_count(count)} {word}" for _, word, count in parts if count) or "nothing yet"
    pieces = [
        svg_opening("chart-proportions", width, height, ' preserveAspectRatio="none"'),
        f"<title>{escape(words)}</title>",
        f'<rect class="chart-empty" fill="currentColor" fill-opacity="0.1" width="{width}" height="{height}"/>',
    ]
    shown = [part for part in parts if part[2]]
    thin = THINNEST_TROUBLE * len(shown)
    x = 0.0
    for name, _, count in shown:
        length = THINNEST_TROUBLE + (width - thin) * count / total
        pieces.append(
            f'<rect class="{name}" fill="currentColor" x="{x:.2f}" width="{length:.2f}" height="{height}"'
            f' data-count="{count}"/>'
        )
        x += length
    return Markup("".join((*pieces, "</svg>")))


def _empty(width: int, height: int, words: str) -> Markup:
    opening = svg_opening("chart-nothing", width, height)
    return Markup(f"{opening}<title>{escape(words)}</title>{svg_text(width / 2, height / 2, words, 'middle')}</svg>")


def svg_text(x: float, y: float, words: str, anchor: str) -> str:
    return (
        f'<text class="chart-text" font-size="11" fill="currentColor" x="{x:.1f}" y="{y:.1f}"'
        f' text-anchor="{anchor}">{escape(words)}</text>'
    )
