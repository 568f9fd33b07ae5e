"""The timeline above the list of runs: a bar for each day or hour, which leads to the runs that began in it."""

from dataclasses import dataclass
from datetime import datetime

from markupsafe import Markup

from query.run_history import RunBucket, RunHistory
from reports.charts import LINKED_STATUSES, LinkedBar, linked_bars
from reports.wording import format_count, format_datetime, format_duration, plural
from web.pages.addresses import Arguments, address, said

TIMES = ("range", "since", "until")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunTimeline:
    """The chart and what stands beside it."""

    history: RunHistory
    arguments: Arguments

    @property
    def chart(self) -> Markup:
        elsewhere = address("/runs", said(self.arguments, without=[*TIMES, "cursor"]))
        start = f"{elsewhere}{'&' if '?' in elsewhere else '?'}"
        bars = [_bar_of(bucket, start) for bucket in self.history.buckets]
        return linked_bars(bars, words="Runs over time by status; each bar shows just the runs that began then")

    @property
    def start_at(self) -> datetime:
        return self.history.buckets[0].start_at

    @property
    def end_at(self) -> datetime:
        return self.history.buckets[-1].start_at

    @property
    def scale(self) -> str:
        """ "1 d a bar, at most 12 runs": what the chart has no axes for."""
        length = format_duration(self.history.bucket).replace(" 0 h", "").replace(" 00 min", "").replace(" 00 s", "")
        return f"{length} a bar, at most {plural(max(bucket.runs for bucket in self.history.buckets), 'run')}"

    @property
    def whole_address(self) -> str | None:
        """All times again, where only some are shown."""
        if not any(name in self.arguments for name in TIMES):
            return None
        return address("/runs", said(self.arguments, without=[*TIMES, "cursor"]))


def _bar_of(bucket: RunBucket, start: str) -> LinkedBar:
    """``start`` is the address but for the times; sixty whole ones would take as long as the rows below."""
    counts = [bucket.counts.get(status, 0) for status in LINKED_STATUSES]
    worst_first = zip(reversed(LINKED_STATUSES), reversed(counts), strict=True)
    amounts = ", ".join(
        f"{format_count(count)} {status or 'without a status'}" for status, count in worst_first if count
    )
    return LinkedBar(
        counts=counts,
        address=f"{start}since={_spelled(bucket.start_at)}&until={_spelled(bucket.end_at)}",
        words=f"{format_datetime(bucket.start_at)}: {amounts}",
    )


def _spelled(moment: datetime) -> str:
    """As the fields of the filter spell it, in an address."""
    return moment.strftime("%Y-%m-%dT%H%%3A%M%%3A%S").rjust(23, "0")
