"""How synclog says things to people: numbers, times, statuses, outcomes.

Pure functions, registered as Jinja filters under their own names by pages and reports alike, so that one fact reads the
same everywhere. Words that are also columns, filters or SQL values (OK, ERROR, CREATE …) are shown exactly as they are
stored; only ABORTION_PENDING loses its underscore.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from ingest.action import Operation, Progress, Status
from ingest.counts import Counts
from query.flags import QUIET_FOR

if TYPE_CHECKING:
    from query.runs import Run

NOTHING = "—"


def format_count(number: int | None) -> str:
    """12345 -> 12,345"""
    return NOTHING if number is None else f"{number:,}"


def plural(number: int, noun: str, nouns: str | None = None) -> str:
    """2, 'error' -> 2 errors; nouns for words that do more than add an s."""
    return f"{format_count(number)} {noun if number == 1 else nouns or noun + 's'}"


def format_percent(percent: float | None) -> str:
    """37.25 -> 37.3 %; never 100 % or 0 % before it is true."""
    if percent is None:
        return NOTHING
    if 0 < percent < 0.1:
        return "< 0.1 %"
    if 99.9 < percent < 100:
        return "99.9 %"
    return f"{percent:.1f}".removesuffix(".0") + " %"


def format_bytes(size: int | None) -> str:
    """20971520 -> 21 MB; decimal units, as disks are sold."""
    if size is None:
        return NOTHING
    amount = float(size)
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 999.5:
            return f"{amount:.0f} {unit}" if unit == "B" or amount >= 9.95 else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:,.1f} TB"


def format_duration(span: timedelta | None) -> str:
    """840 ms, 3.2 s, 4 min 12 s, 2 h 05 min, 3 d 4 h."""
    if span is None:
        return NOTHING
    if span < timedelta(0):
        return "−" + format_duration(-span)
    milliseconds = round(span / timedelta(milliseconds=1))
    if milliseconds == 0 and span:
        return "< 1 ms"
    if milliseconds < 1000:
        return f"{milliseconds} ms"
    tenths = round(milliseconds / 100)
    if tenths < 600:
        return f"{tenths / 10:.1f} s"
    minutes, seconds = divmod(round(milliseconds / 1000), 60)
    if minutes < 60:
        return f"{minutes} min {seconds:02} s"
    hours, minutes = divmod(round(span / timedelta(minutes=1)), 60)
    if hours < 24:
        return f"{hours} h {minutes:02} min"
    days, hours = divmod(round(span / timedelta(hours=1)), 24)
    return f"{days:,} d {hours} h"


def rough_duration(span: timedelta) -> str:
    """90 s, 42 min, 5 h, 3 d: for guesses, and for what changes while it is read."""
    for unit, length in (("d", timedelta(days=1)), ("h", timedelta(hours=1)), ("min", timedelta(minutes=1))):
        if span >= 2 * length:
            return f"{round(span / length):,} {unit}"
    return f"{max(1, round(span.total_seconds()))} s"


def format_milliseconds(milliseconds: int | None) -> str:
    """The same for a duration as a sender gave it, however absurd."""
    if milliseconds is None:
        return NOTHING
    longest = timedelta.max // timedelta(milliseconds=1)
    return format_duration(timedelta(milliseconds=max(-longest, min(milliseconds, longest))))


def format_datetime(moment: datetime | None) -> str:
    """2026-11-22 10:15:00 UTC"""
    return NOTHING if moment is None else f"{_utc(moment).isoformat(' ', 'seconds')[:19]} UTC"


def format_date(moment: datetime | None) -> str:
    """2026-11-22"""
    return NOTHING if moment is None else _utc(moment).date().isoformat()


def format_time(moment: datetime | None) -> str:
    """10:15:00.123"""
    return NOTHING if moment is None else _utc(moment).time().isoformat("milliseconds")


def iso_datetime(moment: datetime | None) -> str:
    """2026-11-22T10:15:00.123456Z, for machines and for ``<time datetime>``."""
    return "" if moment is None else _utc(moment).isoformat("T", "microseconds").replace("+00:00", "Z")


def relative_time(moment: datetime | None, now: datetime) -> str:
    """just now, 5 minutes ago, in 2 hours."""
    if moment is None:
        return NOTHING
    seconds = (now - moment).total_seconds()
    for unit, length in (("year", 31_557_600), ("month", 2_629_800), ("day", 86_400), ("hour", 3600), ("minute", 60)):
        if abs(seconds) >= length:
            amount = plural(int(abs(seconds) // length), unit)
            return f"{amount} ago" if seconds > 0 else f"in {amount}"
    return "just now"


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)


def progress_word(progress: Progress) -> str:
    """ABORTION_PENDING -> ABORTION PENDING"""
    return progress.replace("_", " ")


def end_is_unseen(run: Run, now: datetime) -> bool:
    """Whether a run that claims to be running fell silent."""
    return run.progress is Progress.RUNNING and now - run.last_sign_at > QUIET_FOR


def progress_label(run: Run, now: datetime | None = None) -> str:
    """The progress of a run in words; "no end seen" for one that fell silent, where now is given."""
    if now is not None and end_is_unseen(run, now):
        return "no end seen"
    return progress_word(run.progress)


def status_label(status: Status | None) -> str:
    return NOTHING if status is None else str(status)


def operation_label(operation: Operation) -> str:
    return str(operation)


def status_class(status: Status | None) -> str:
    """The CSS class that carries a status's colour: status-error."""
    return f"status-{status.lower()}" if status else "status-none"


# Each status has its own outline, so that it is told apart without colour. The mark inside is white unless a style
# sheet says otherwise for .status-mark.
_MARK = 'class="status-mark" fill="none" stroke="#fff" stroke-width="2" stroke-linecap="round" stroke-linejoin="round"'
_SHAPES: Mapping[Status | None, str] = {
    Status.OK: f'<circle cx="8" cy="8" r="7.5" fill="currentColor"/><path {_MARK} d="M4.7 8.3l2.3 2.3 4.3-4.9"/>',
    Status.INFO: '<rect x="1" y="1" width="14" height="14" rx="3" fill="currentColor"/>'
    f'<path {_MARK} d="M8 7.4v4.2M8 4.3v.1"/>',
    Status.WARNING: '<path d="M8 .8q.8 0 1.2.8l6.4 11.6q.8 1.8-1.2 1.8H1.6q-2 0-1.2-1.8L6.8 1.6Q7.2.8 8 .8z"'
    f' fill="currentColor"/><path {_MARK} d="M8 5.6v3.6M8 12.1v.1"/>',
    Status.ERROR: '<path d="M5 .5h6L15.5 5v6L11 15.5H5L.5 11V5z" fill="currentColor"/>'
    f'<path {_MARK} d="M5.4 5.4l5.2 5.2M10.6 5.4l-5.2 5.2"/>',
    None: '<circle cx="8" cy="8" r="6.5" fill="none" stroke="currentColor" stroke-width="1.5"/>'
    '<path fill="none" stroke="currentColor" stroke-width="1.5" stroke-linecap="round" d="M5.5 8h5"/>',
}


def status_icon(status: Status | None) -> Markup:
    """The shape of a status as SVG in the colour around it; a word always stands beside it, so it is hidden."""
    return Markup(
        '<svg xmlns="http://www.w3.org/2000/svg" class="status-icon {}" width="14" height="14" viewBox="0 0 16 16"'
        ' aria-hidden="true" focusable="false">{}</svg>'
    ).format(status_class(status), Markup(_SHAPES[status]))


def status_use(status: Status) -> Markup:
    """The same shape where a page has ``status_symbols``: a list of fifty rows does not draw it fifty times."""
    return Markup('<svg class="status-icon" aria-hidden="true"><use href="#status-{}"/></svg>').format(status.lower())


def status_symbols() -> Markup:
    """The shapes of all statuses, once, unseen."""
    symbols = (
        Markup('<symbol id="status-{}" viewBox="0 0 16 16">{}</symbol>').format(status.lower(), Markup(_SHAPES[status]))
        for status in Status
    )
    return Markup('<svg class="status-symbols" aria-hidden="true">{}</svg>').format(Markup("").join(symbols))


def count_phrases(counts: Counts) -> list[str]:
    """["12 created", "4,274 unchanged"], leaving out what did not happen."""
    amounts = (
        (counts.creates, "created"),
        (counts.updates, "updated"),
        (counts.deletes, "deleted"),
        (counts.unchanged, "unchanged"),
    )
    return [f"{format_count(number)} {word}" for number, word in amounts if number]


def trouble_phrase(counts: Counts) -> str:
    """ "2 errors and 1 warning"; empty when there are neither."""
    troubles = [(counts.errors, "error"), (counts.warnings, "warning")]
    return " and ".join(plural(number, word) for number, word in troubles if number)


def gone_phrase(run: Run) -> str:
    """ "12,000 of 20,000 actions were removed by retention"; empty when all are there."""
    if not run.gone:
        return ""
    of_all = f"{format_count(run.gone)} of {plural(run.counts.processed, 'action')}"
    return f"{of_all} {'was' if run.gone == 1 else 'were'} removed by retention"


def unreadable_phrase(run: Run) -> str:
    """ "12 of 20 actions cannot be read: a file is damaged"; empty when all can."""
    if not run.unreadable:
        return ""
    return (
        f"{format_count(run.unreadable)} of {plural(run.counts.processed, 'action')} cannot be read: a file is damaged"
    )


def run_outcome(run: Run, now: datetime | None = None) -> str:
    """What became of a run, in a sentence or two."""
    if now is not None and end_is_unseen(run, now):
        return f"No end seen {_after(run)}. Last heard of at {format_datetime(run.heard_at)}."
    match run.progress:
        case Progress.FINISHED:
            return _finished(run)
        case Progress.ABORTED:
            return f"Aborted {_after(run)}."
        case Progress.ABORTION_PENDING:
            return f"Asked to abort {_after(run)}."
        case Progress.PENDING if not run.counts.processed:
            return "Waiting to start."
        case _:
            return _so_far(run)


def _finished(run: Run) -> str:
    counts = run.counts
    records = plural(counts.processed, "record")
    itself = _of_itself(run)
    if trouble := trouble_phrase(counts):
        return f"Finished with {trouble} among {records}" + (
            f", and the run itself reported {itself}." if itself else "."
        )
    if not counts.processed:
        return f"Finished with {itself} before any record." if itself else "Finished. There was nothing to do."
    all_right = "The only record is right" if counts.processed == 1 else f"All {records} are right"
    beginning = f"Finished, but the run itself reported {itself}." if itself else "Finished."
    return f"{beginning} {all_right}: {', '.join(count_phrases(counts))}."


def _of_itself(run: Run) -> str:
    """What a run reported that is worse than all of its actions; empty when nothing is."""
    if run.status is Status.ERROR and not run.counts.errors:
        return "an error"
    if run.status is Status.WARNING and not run.counts.warnings:
        return "a warning"
    return ""


def _after(run: Run) -> str:
    return f"after {_amount(run)}{_among_them(run)}" if run.counts.processed else "before any record"


def _so_far(run: Run) -> str:
    return f"Running: {_amount(run)} so far{_among_them(run)}." if run.counts.processed else "Running, no record yet."


def _amount(run: Run) -> str:
    expected = f" of {format_count(run.expected)} expected" if run.expected else ""
    return plural(run.counts.processed, "record") + expected


def _among_them(run: Run) -> str:
    trouble = trouble_phrase(run.counts)
    return f", {trouble} among them" if trouble else ""


_HIDDEN = (*range(9), *range(11, 32), *range(0x7F, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A))
_VISIBLE = {code: f"⟨U+{code:04X}⟩" for code in _HIDDEN} | dict.fromkeys(range(0xD800, 0xE000), "\ufffd")


def visible_text(text: str | None) -> str:
    """Text of a sender with all that hides or reorders made visible: NUL becomes ⟨U+0000⟩, a Windows line end \\n."""
    return "" if text is None else text.replace("\r\n", "\n").translate(_VISIBLE)


def shorten(text: str | None, length: int, most_lines: int = 12) -> str:
    """At most so many characters and lines, saying how many more characters there were."""
    if text is None:
        return ""
    kept = "\n".join(text[:length].split("\n", most_lines)[:most_lines])
    if len(kept) == len(text):
        return text
    return f"{kept.rstrip()}… ({format_count(len(text) - len(kept.rstrip()))} more characters)"


FILTERS: Mapping[str, Callable[..., Any]] = {  # filters take and give whatever they are about
    filter_.__name__: filter_
    for filter_ in (
        format_count,
        plural,
        format_percent,
        format_bytes,
        format_duration,
        format_milliseconds,
        format_datetime,
        format_date,
        format_time,
        iso_datetime,
        relative_time,
        progress_word,
        progress_label,
        end_is_unseen,
        status_label,
        status_class,
        status_icon,
        status_use,
        operation_label,
        count_phrases,
        trouble_phrase,
        gone_phrase,
        unreadable_phrase,
        run_outcome,
        visible_text,
        shorten,
    )
}
