"""How numbers, times and outcomes read, case by case."""

import re
from datetime import UTC, datetime, timedelta, timezone

import pytest

from ingest.action import Progress, Status
from ingest.counts import Counts
from query.runs import Run
from reports.wording import (
    FILTERS,
    end_is_unseen,
    format_bytes,
    format_count,
    format_datetime,
    format_duration,
    format_milliseconds,
    format_percent,
    format_time,
    gone_phrase,
    iso_datetime,
    plural,
    progress_label,
    relative_time,
    rough_duration,
    run_outcome,
    shorten,
    status_icon,
    status_symbols,
    status_use,
    visible_text,
)

MORNING = datetime(2026, 11, 22, 10, 15, 0, 123456, tzinfo=UTC)


def a_run(
    progress: Progress = Progress.FINISHED,
    counts: Counts | None = None,
    *,
    status: Status | None = None,
    expected: int | None = None,
    gone: int = 0,
) -> Run:
    """A run as the query package gives it; its status is that of its actions unless given."""
    counted = counts or Counts()
    return Run(
        run_id="nightly",
        integration="servicenow",
        configuration="prod",
        trigger="FULL_SYNC_JOB",
        scope=None,
        progress=progress,
        status=status or counted.worst_status,
        announced_at=MORNING,
        started_at=MORNING,
        finished_at=None,
        heard_at=MORNING,
        first_action_at=None,
        last_action_at=None,
        expected=expected,
        claimed={},
        cancellable=False,
        attributes={},
        message=None,
        counts=counted,
        gone=gone,
    )


@pytest.mark.parametrize(
    ("gone", "words"),
    [
        (0, ""),
        (1, "1 of 20,000 actions was removed by retention"),
        (12_000, "12,000 of 20,000 actions were removed by retention"),
    ],
)
def test_a_run_says_how_many_of_its_actions_are_gone(gone: int, words: str) -> None:
    assert gone_phrase(a_run(counts=Counts(update_ok=20_000), gone=gone)) == words


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (None, "—"),
        (timedelta(0), "0 ms"),
        (timedelta(microseconds=4), "< 1 ms"),
        (timedelta(milliseconds=840), "840 ms"),
        (timedelta(milliseconds=3200), "3.2 s"),
        (timedelta(milliseconds=59_949), "59.9 s"),
        (timedelta(milliseconds=59_960), "1 min 00 s"),
        (timedelta(minutes=4, seconds=12), "4 min 12 s"),
        (timedelta(minutes=59, milliseconds=59_600), "1 h 00 min"),
        (timedelta(hours=2, minutes=5), "2 h 05 min"),
        (timedelta(hours=23, minutes=59, seconds=45), "1 d 0 h"),
        (timedelta(days=3, hours=4), "3 d 4 h"),
        (timedelta.max, "1,000,000,000 d 0 h"),
        (timedelta(seconds=-3.2), "−3.2 s"),
    ],
)
def test_duration_reads_in_two_units_at_most(span: timedelta | None, words: str) -> None:
    assert format_duration(span) == words


@pytest.mark.parametrize(
    ("percent", "words"),
    [(None, "—"), (0, "0 %"), (0.01, "< 0.1 %"), (37.25, "37.2 %"), (50, "50 %"), (99.99, "99.9 %"), (100, "100 %")],
)
def test_percent_is_neither_nothing_nor_everything_before_it_is_true(percent: float | None, words: str) -> None:
    assert format_percent(percent) == words


@pytest.mark.parametrize(
    ("size", "words"),
    [(None, "—"), (0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (20_971_520, "21 MB"), (3 * 10**15, "3,000.0 TB")],
)
def test_size_reads_in_decimal_units(size: int | None, words: str) -> None:
    assert format_bytes(size) == words


@pytest.mark.parametrize(
    ("before_now", "words"),
    [
        (timedelta(seconds=20), "just now"),
        (timedelta(minutes=1), "1 minute ago"),
        (timedelta(hours=5), "5 hours ago"),
        (timedelta(days=800), "2 years ago"),
        (timedelta(days=-2), "in 2 days"),
    ],
)
def test_relative_time_names_the_greatest_unit(before_now: timedelta, words: str) -> None:
    assert relative_time(MORNING - before_now, MORNING) == words


def test_time_of_another_zone_is_shown_in_utc() -> None:
    moment = datetime(2026, 11, 22, 12, 15, 0, 123456, tzinfo=timezone(timedelta(hours=2)))

    shown = (format_datetime(moment), format_time(moment), iso_datetime(moment))

    assert shown == ("2026-11-22 10:15:00 UTC", "10:15:00.123", "2026-11-22T10:15:00.123456Z")


def test_time_of_any_year_can_be_shown() -> None:
    first, last = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)

    assert [format_datetime(first), format_datetime(last)] == ["0001-01-01 00:00:00 UTC", "9999-12-31 23:59:59 UTC"]


def test_absurd_duration_of_a_sender_can_be_shown() -> None:
    assert format_milliseconds(2**63 - 1) == "1,000,000,000 d 0 h"


def test_counts_have_thousands_apart() -> None:
    words = [format_count(12345), format_count(None), plural(1, "error"), plural(1200, "entry", "entries")]

    assert words == ["12,345", "—", "1 error", "1,200 entries"]


@pytest.mark.parametrize(
    ("run", "outcome"),
    [
        (
            a_run(counts=Counts(none_ok=4116, update_error=2)),
            "Finished with 2 errors among 4,118 records.",
        ),
        (
            a_run(counts=Counts(none_ok=5, update_error=1, none_warning=1)),
            "Finished with 1 error and 1 warning among 7 records.",
        ),
        (
            a_run(counts=Counts(create_ok=4286)),
            "Finished. All 4,286 records are right: 4,286 created.",
        ),
        (
            a_run(counts=Counts(delete_ok=1)),
            "Finished. The only record is right: 1 deleted.",
        ),
        (
            a_run(counts=Counts(create_ok=2, none_info=3), status=Status.ERROR),
            "Finished, but the run itself reported an error. All 5 records are right: 2 created, 3 unchanged.",
        ),
        (
            a_run(counts=Counts(update_warning=2), status=Status.ERROR),
            "Finished with 2 warnings among 2 records, and the run itself reported an error.",
        ),
        (a_run(), "Finished. There was nothing to do."),
        (a_run(status=Status.ERROR), "Finished with an error before any record."),
        (a_run(status=Status.WARNING), "Finished with a warning before any record."),
        (a_run(Progress.PENDING), "Waiting to start."),
        (a_run(Progress.RUNNING), "Running, no record yet."),
        (a_run(Progress.RUNNING, Counts(create_ok=12), expected=50), "Running: 12 records of 50 expected so far."),
        (a_run(Progress.ABORTED), "Aborted before any record."),
        (
            a_run(Progress.ABORTED, Counts(create_ok=11, create_error=1)),
            "Aborted after 12 records, 1 error among them.",
        ),
        (a_run(Progress.ABORTION_PENDING, Counts(create_ok=1)), "Asked to abort after 1 record."),
    ],
)
def test_outcome_of_a_run_is_a_sentence(run: Run, outcome: str) -> None:
    assert run_outcome(run, MORNING) == outcome


def test_run_that_fell_silent_shows_that_no_end_was_seen() -> None:
    run = a_run(Progress.RUNNING, Counts(create_ok=12))
    later = MORNING + timedelta(hours=1, seconds=1)

    shown = (progress_label(run, later), run_outcome(run, later))

    assert shown == ("no end seen", "No end seen after 12 records. Last heard of at 2026-11-22 10:15:00 UTC.")


def test_run_heard_of_within_the_hour_is_running() -> None:
    run = a_run(Progress.RUNNING)

    assert (progress_label(run, MORNING + timedelta(hours=1)), end_is_unseen(run, MORNING)) == ("RUNNING", False)


def test_finished_run_never_looks_silent() -> None:
    assert progress_label(a_run(Progress.FINISHED), MORNING + timedelta(days=900)) == "FINISHED"


def test_abortion_pending_is_shown_with_a_space() -> None:
    assert progress_label(a_run(Progress.ABORTION_PENDING)) == "ABORTION PENDING"


def test_every_status_has_a_shape_of_its_own() -> None:
    icons = {str(status_icon(status)).split(">", 1)[1] for status in (*Status, None)}

    assert len(icons) == 5


def test_characters_that_hide_or_reorder_become_visible() -> None:
    text = "a\x00b\x1b[31m \u202egnp.exe\u202c\r\nc\td\ud800"

    assert visible_text(text) == "a⟨U+0000⟩b⟨U+001B⟩[31m ⟨U+202E⟩gnp.exe⟨U+202C⟩\nc\td\ufffd"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (None, ""),
        ("short", "short"),
        ("a" * 1_000_010, "aaaaaaaaaa… (1,000,000 more characters)"),
        ("a\nb\nc\nd", "a\nb\nc… (2 more characters)"),
    ],
)
def test_long_text_is_cut_with_a_mark(text: str | None, shown: str) -> None:
    assert shorten(text, 10, 3) == shown


def test_filters_bear_the_names_of_their_functions() -> None:
    assert all(name == function.__name__ for name, function in FILTERS.items())


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (timedelta(0), "1 s"),
        (timedelta(seconds=119), "119 s"),
        (timedelta(minutes=42, seconds=13), "42 min"),
        (timedelta(hours=3, minutes=1), "3 h"),
        (timedelta(days=1200), "1,200 d"),
    ],
)
def test_rough_duration_has_one_unit(span: timedelta, words: str) -> None:
    assert rough_duration(span) == words


def test_every_status_used_on_a_page_has_its_symbol() -> None:
    drawn = set(re.findall(r'id="([^"]+)"', status_symbols()))

    assert {re.search(r'href="#([^"]+)"', status_use(status))[1] for status in Status} == drawn
