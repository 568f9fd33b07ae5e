"""Where the ticks of a chart go and what they say."""

from datetime import UTC, datetime, timedelta

from reports.wording import format_count

_STEPS = (
    *(timedelta(milliseconds=step) for step in (1, 2, 5, 10, 20, 50, 100, 200, 500)),
    *(timedelta(seconds=step) for step in (1, 2, 5, 10, 15, 30)),
    *(timedelta(minutes=step) for step in (1, 2, 5, 10, 15, 30)),
    *(timedelta(hours=step) for step in (1, 2, 3, 6, 12)),
    *(timedelta(days=step) for step in (1, 2, 7, 14, 30, 91, 183, 366, 731, 1827, 3653, 36525, 365_250)),
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def nice_step(least: float) -> int:
    """The smallest of 1, 2, 5, 10, 20, 50 … that is at least this."""
    power = 1
    while True:
        for digit in (1, 2, 5):
            if digit * power >= least:
                return digit * power
        power *= 10


def short_count(number: int) -> str:
    """1,200 · 45k · 1.5M, for the margin of a chart."""
    for size, unit in ((1_000_000_000, "G"), (1_000_000, "M"), (1000, "k")):
        if number >= size and (size > 1000 or number >= 10_000):
            return f"{number / size:.1f}".removesuffix(".0") + unit
    return format_count(number)


def time_marks(start_at: datetime, span: timedelta, most: int) -> list[datetime]:
    """Round moments inside the span, about as many as there is room for."""
    step = next((step for step in _STEPS if step * most >= span), _STEPS[-1])
    number = -((_EPOCH - start_at) // step)
    marks = []
    try:
        while (moment := _EPOCH + number * step) - start_at < span:
            marks.append(moment)
            number += 1
    except OverflowError:
        pass  # the span reaches the last day of the calendar
    return marks or [start_at]


def time_label(moment: datetime, step: timedelta, previous: datetime | None) -> str:
    """As much of a moment as tells it from its neighbours; the date where a day begins."""
    if step >= timedelta(days=200):
        return f"{moment.year:04}-{moment.month:02}"
    if step >= timedelta(hours=20):
        return f"{moment.day} {moment:%b}"
    clock = moment.strftime("%H:%M")
    if step < timedelta(minutes=1):
        clock = moment.strftime("%H:%M:%S")
    if step < timedelta(seconds=1):
        clock += f".{moment.microsecond // 1000:03}"
    new_day = previous is None or moment.date() != previous.date()
    return f"{moment.day} {moment:%b} {clock}" if new_day else clock
