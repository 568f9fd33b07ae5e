"""The result of a statement as a drawing: bars, stacked bars or lines.

A word that is a status has the colour of that status; other words are told apart by the classes series-1 to series-8.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from markupsafe import Markup, escape

from ingest.action import Status
from reports.axis import nice_step, short_count, time_label
from reports.charts import BOTTOM, LEFT, RIGHT, TOP, svg_opening, svg_text
from reports.result_plot import MOST_SERIES, ChartKind, Plot, word_of
from reports.wording import format_count, plural, shorten, status_class, visible_text

_LONGEST_LABEL = 18


def draw_plot(plot: Plot, *, width: int = 1120, height: int = 260, name: str = "result") -> Markup:
    """As SVG that says in words what it shows."""
    frame = _Frame(plot=plot, width=width, height=height)
    if not any(any(values) for values in plot.series.values()):
        return _nothing(width, height)
    title = f"{plot.choice.amount} over {plot.choice.over}" + (f" by {plot.choice.by}" if plot.choice.by else "")
    words = f"{plural(len(plot.places), 'value')} of {plot.choice.over}, at most {_amount(plot.highest)}."
    return Markup(
        "".join(
            (
                svg_opening("chart-result", width, height, f' aria-labelledby="{name}-title {name}-desc"'),
                f'<title id="{name}-title">{_said(title)}</title><desc id="{name}-desc">{_said(words)}</desc>',
                *_legend(plot, width),
                *_amount_axis(frame),
                *_place_axis(frame),
                *(_lines(frame) if plot.kind is ChartKind.LINE else _bars(frame)),
                "</svg>",
            )
        )
    )


def _nothing(width: int, height: int) -> Markup:
    words = "Every amount is 0"
    opening = svg_opening("chart-nothing", width, height)
    return Markup(f"{opening}<title>{words}</title>{svg_text(width / 2, height / 2, words, 'middle')}</svg>")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Frame:
    """Where things go."""

    plot: Plot
    width: int
    height: int

    @property
    def slot(self) -> float:
        return (self.width - LEFT - RIGHT) / len(self.plot.places)

    def y_of(self, amount: float) -> float:
        span = (self.plot.highest - self.plot.lowest) or 1
        floor = self.height - BOTTOM
        return floor - (floor - TOP) * (amount - self.plot.lowest) / span

    def x_of(self, number: float) -> float:
        """The left edge of a place; its middle is half a place on."""
        return LEFT + self.slot * number


def _legend(plot: Plot, width: int) -> Iterator[str]:
    x = float(LEFT)
    for number, word in enumerate(plot.series):
        said = shorten(word, _LONGEST_LABEL + 6).split("… (")[0]
        if x + 20 + 6.6 * len(said) > width:
            yield svg_text(x, 11.5, "…", "start")
            return
        kind = _class_of(word, number)
        yield f'<rect class="{kind}" fill="currentColor" x="{x:.1f}" y="2" width="11" height="11" rx="2"/>'
        yield svg_text(x + 16, 11.5, visible_text(said), "start")
        x += 32 + 6.6 * len(said)


def _amount_axis(frame: _Frame) -> Iterator[str]:
    plot = frame.plot
    for amount in _ticks(plot.lowest, plot.highest):
        y = frame.y_of(amount)
        kind = "chart-axis" if amount == 0 else "chart-grid"
        yield f'<path class="{kind}" fill="none" stroke="currentColor" d="M{LEFT} {y:.1f}H{frame.width - RIGHT}"/>'
        yield svg_text(LEFT - 6, y + 3.5, _short(amount), "end")


def _ticks(lowest: float, highest: float) -> list[float]:
    """Round amounts from the lowest to the highest, 0 among them."""
    span = highest - lowest
    scale = 1.0
    while span * scale < 50:
        scale *= 10
    step = nice_step(span * scale / 5) / scale
    return [number * step for number in range(-int(-lowest / step), int(highest / step) + 1)]


def _place_axis(frame: _Frame) -> Iterator[str]:
    places = frame.plot.places
    labels = [_label(place, places, number) for number, place in enumerate(places)]
    room = 12 + 6.4 * max(map(len, labels))
    every = max(1, int(-(-room // frame.slot)))
    for number in range(0, len(places), every):
        x = frame.x_of(number + 0.5)
        if x + room / 2 <= frame.width + 12:
            yield svg_text(max(x, LEFT + room / 2 - 30), frame.height - BOTTOM + 17, labels[number], "middle")


def _bars(frame: _Frame) -> Iterator[str]:
    plot = frame.plot
    beside = 1 if plot.is_stacked else len(plot.series)
    width = min(frame.slot * 0.8, 48.0 * beside) / beside
    for number, place in enumerate(plot.places):
        left = frame.x_of(number) + (frame.slot - width * beside) / 2
        yield f"<g><title>{_said(_tooltip(plot, number, place))}</title>"
        bottom = 0.0
        for at, (word, values) in enumerate(plot.series.items()):
            amount = values[number]
            start = bottom if plot.is_stacked else 0.0
            if amount:
                x = left if plot.is_stacked else left + width * at
                yield _bar(_class_of(word, at), x, width, frame.y_of(start), frame.y_of(start + amount), amount)
            bottom += max(0.0, amount)
        yield "</g>"


def _bar(kind: str, x: float, width: float, start: float, end: float, amount: float) -> str:
    return (
        f'<rect class="{kind}" fill="currentColor" x="{x:.2f}" y="{min(start, end):.2f}" width="{width:.2f}"'
        f' height="{max(abs(start - end), 0.5):.2f}" data-amount="{_amount(amount)}"/>'
    )


def _lines(frame: _Frame) -> Iterator[str]:
    for at, (word, values) in enumerate(frame.plot.series.items()):
        kind = _class_of(word, at)
        spots = [(frame.x_of(number + 0.5), frame.y_of(amount)) for number, amount in enumerate(values)]
        path = "L".join(f"{x:.1f} {y:.1f}" for x, y in spots)
        yield f'<path class="{kind}" fill="none" stroke="currentColor" stroke-width="2" d="M{path}"/>'
        for number, (x, y) in enumerate(spots):
            said = f"{word}: {word_of(frame.plot.places[number])}: {_amount(values[number])}"
            yield (
                f'<circle class="{kind}" fill="currentColor" cx="{x:.1f}" cy="{y:.1f}" r="2.5">'
                f"<title>{_said(said)}</title></circle>"
            )


def _tooltip(plot: Plot, number: int, place: object) -> str:
    amounts = [f"{word} {_amount(values[number])}" for word, values in plot.series.items() if values[number]]
    return f"{word_of(place)}: {', '.join(amounts) or '0'}"


def _class_of(word: str, number: int) -> str:
    return status_class(Status(word)) if word in Status.__members__ else f"series-{number % MOST_SERIES + 1}"


def _label(place: object, places: Sequence[object], number: int) -> str:
    if isinstance(place, datetime):
        previous = places[number - 1] if number else None
        step = places[1] - place if not number and len(places) > 1 else timedelta(hours=1)  # type: ignore[operator]
        if all(isinstance(each, datetime) and each.time() == place.time() for each in places[:50]):
            step = timedelta(days=1)
        return time_label(place, step, previous if isinstance(previous, datetime) else None)
    if isinstance(place, date):
        return f"{place.day} {place:%b}"
    return visible_text(shorten(word_of(place).replace("\n", " "), _LONGEST_LABEL).split("… (")[0])


def _amount(amount: float) -> str:
    return format_count(int(amount)) if amount == int(amount) else f"{amount:,.3f}".rstrip("0")


def _short(amount: float) -> str:
    if amount == int(amount):
        return ("−" if amount < 0 else "") + short_count(abs(int(amount)))
    return f"{amount:g}"


def _said(words: str) -> str:
    return str(escape(visible_text(words)))
