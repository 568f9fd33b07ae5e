"""What is unusual of an integration, told from its own history, at any hour."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ingest.action import Progress, Scope, Status
from query.flags import Finding, Flag, examine, learn
from query.recent_runs import RecentRun

MORNING = datetime(2026, 11, 22, 2, tzinfo=UTC)
DAY = timedelta(days=1)
SOON = MORNING + timedelta(hours=6)


def a_run(begun_at: datetime = MORNING, *, minutes: float = 10, **fields: Any) -> RecentRun:
    """A finished nightly run over 1,000 records of which it changed 20."""
    ended_at = begun_at + timedelta(minutes=minutes)
    is_over = fields.get("progress", Progress.FINISHED).is_over
    usual = {
        "run_id": f"run of {begun_at}",
        "integration": "servicenow",
        "configuration": "prod",
        "trigger": "FULL_SYNC_JOB",
        "scope": Scope.FULL,
        "progress": Progress.FINISHED,
        "status": Status.OK,
        "begun_at": begun_at,
        "ended_at": ended_at if is_over else None,
        "last_sign_at": ended_at,
        "processed": 1000,
        "moved": 20,
        "warnings": 0,
        "errors": 0,
    }
    return RecentRun(**{**usual, **fields})


def nights(number: int, **fields: Any) -> list[RecentRun]:
    """Runs of so many nights before this morning, newest first."""
    return [a_run(MORNING - DAY * night, **fields) for night in range(1, number + 1)]


def flags_of(last: RecentRun, earlier: list[RecentRun], now: datetime = SOON) -> list[str]:
    return [finding.flag for finding in examine(learn([last, *earlier]), now)]


@pytest.mark.parametrize(
    ("fields", "flags"),
    [
        ({}, []),
        ({"status": Status.WARNING, "warnings": 3}, []),
        ({"status": Status.ERROR, "errors": 3}, ["failed"]),
        ({"status": Status.ERROR, "errors": 60}, ["failed", "errors"]),
        ({"progress": Progress.ABORTED, "processed": 800}, ["failed"]),
        ({"moved": 0}, ["quiet"]),
        ({"moved": 0, "processed": 0}, ["fewer"]),
        ({"processed": 501}, []),
        ({"processed": 499}, ["fewer"]),
        ({"minutes": 19.9}, []),
        ({"minutes": 20.1}, ["longer"]),
        ({"minutes": 40, "processed": 10}, ["fewer", "longer"]),
    ],
)
def test_a_finished_run_is_held_against_what_is_usual(fields: dict[str, Any], flags: list[str]) -> None:
    assert flags_of(a_run(**fields), nights(12)) == flags


@pytest.mark.parametrize(
    ("silent_for", "progress", "flags"),
    [
        (timedelta(minutes=59), Progress.RUNNING, []),
        (timedelta(minutes=61), Progress.RUNNING, ["stuck"]),
        (timedelta(minutes=61), Progress.PENDING, ["stuck"]),
        (timedelta(minutes=61), Progress.ABORTION_PENDING, ["stuck"]),
    ],
)
def test_a_run_without_an_end_is_stuck_after_an_hour_of_silence(
    silent_for: timedelta, progress: Progress, flags: list[str]
) -> None:
    last = a_run(progress=progress, last_sign_at=MORNING)

    assert flags_of(last, [], MORNING + silent_for) == flags


def test_a_sender_that_never_says_its_end_is_not_stuck() -> None:
    earlier = nights(4, progress=Progress.RUNNING)

    assert flags_of(a_run(progress=Progress.RUNNING), earlier) == []


def test_a_run_under_way_is_long_before_it_ends() -> None:
    now = MORNING + timedelta(minutes=21)
    last = a_run(progress=Progress.RUNNING, last_sign_at=now)

    [finding] = examine(learn([last, *nights(9)]), now)

    assert finding == Finding(flag=Flag.LONGER, run=last, measured=21 * 60, usual=600, runs=9)


def test_a_run_under_way_that_fails_is_told_instead_of_the_one_before() -> None:
    failing = a_run(progress=Progress.RUNNING, status=Status.ERROR, errors=2, last_sign_at=SOON)
    failed = nights(1, status=Status.ERROR, errors=7)

    [finding] = examine(learn([failing, *failed]), SOON)

    assert (finding.flag, finding.run, finding.measured) == (Flag.FAILED, failing, 2)


def test_the_last_outcome_stands_while_the_next_run_is_under_way() -> None:
    running = a_run(progress=Progress.RUNNING, last_sign_at=MORNING)

    assert flags_of(running, nights(1, status=Status.ERROR), MORNING) == ["failed"]


@pytest.mark.parametrize("number", [0, 1, 4])
def test_too_little_history_says_nothing_of_what_is_usual(number: int) -> None:
    assert flags_of(a_run(processed=1, moved=0, minutes=600), nights(number)) == []


@pytest.mark.parametrize(
    "other",
    [{"trigger": "LEANIX_CHANGES"}, {"scope": Scope.PARTIAL}, {"progress": Progress.ABORTED}],
)
def test_only_finished_runs_of_the_same_kind_say_what_is_usual(other: dict[str, Any]) -> None:
    assert flags_of(a_run(processed=1, moved=1), nights(12, **other), MORNING) == []


def test_three_runs_gone_wrong_do_not_change_what_is_usual() -> None:
    wrong = [a_run(MORNING - DAY * night, processed=0, moved=0, minutes=300) for night in (1, 2, 3)]
    right = [a_run(MORNING - DAY * night) for night in range(4, 13)]

    assert flags_of(a_run(processed=0, moved=0), [*wrong, *right]) == ["fewer"]
    assert flags_of(a_run(), [*wrong, *right]) == []


def test_what_varies_much_is_seldom_unusual() -> None:
    earlier = [a_run(MORNING - DAY * night, processed=100 * night) for night in range(1, 11)]

    assert flags_of(a_run(processed=60), earlier) == []


def test_moving_nothing_is_odd_only_where_something_is_usually_moved() -> None:
    mostly_idle = [a_run(MORNING - DAY * night, moved=night % 3) for night in range(1, 13)]

    assert flags_of(a_run(moved=0), mostly_idle) == []


@pytest.mark.parametrize(
    ("hours", "flags"), [(23, []), (24, []), (26.3, []), (26.5, ["overdue"]), (24 * 30, ["overdue"])]
)
def test_a_run_is_overdue_a_tenth_of_its_interval_after_it_was_expected(hours: float, flags: list[str]) -> None:
    assert flags_of(a_run(), nights(12), MORNING + timedelta(hours=hours)) == flags


def test_overdue_says_how_late_and_how_often() -> None:
    last = a_run()

    [finding] = examine(learn([last, *nights(12)]), MORNING + timedelta(hours=30))

    assert finding == Finding(
        flag=Flag.OVERDUE, run=last, measured=6 * 3600, usual=24 * 3600, runs=12, trigger="FULL_SYNC_JOB"
    )


def test_nobody_is_overdue_on_weekends_when_nothing_runs_on_weekends() -> None:
    friday = datetime(2026, 11, 20, 2, tzinfo=UTC)
    workdays = [friday - DAY * day for day in range(30) if (friday - DAY * day).weekday() < 5]
    runs = [a_run(moment) for moment in workdays]

    assert flags_of(runs[0], runs[1:], friday + timedelta(days=2.9)) == []
    assert flags_of(runs[0], runs[1:], friday + timedelta(days=3.3)) == ["overdue"]


def test_runs_begun_by_hand_are_never_expected() -> None:
    moments = [MORNING - timedelta(hours=hours) for hours in (0, 1, 30, 31, 90, 200, 210, 400)]
    first, *others = [a_run(moment, trigger="FULL_SYNC_MANUAL") for moment in moments]

    learned = learn([first, *others])

    assert (learned.rhythms, learned.next_expected_at(MORNING)) == ((), None)
    assert examine(learned, MORNING + DAY * 90) == ()


def test_a_script_that_calls_a_tool_again_and_again_keeps_no_rhythm() -> None:
    calls = [a_run(MORNING - timedelta(seconds=call)) for call in range(8)]

    assert learn(calls).rhythms == ()


def test_each_trigger_has_a_rhythm_of_its_own_and_the_next_is_the_first_of_them() -> None:
    nightly = [a_run(MORNING - DAY * night) for night in range(8)]
    hourly = [a_run(MORNING - timedelta(hours=hour), trigger="CHANGES", scope=Scope.PARTIAL) for hour in range(8)]
    runs = sorted([*nightly, *hourly], key=lambda run: run.begun_at, reverse=True)

    learned = learn(runs)

    assert [(each.trigger, each.interval) for each in learned.rhythms] == [
        ("CHANGES", timedelta(hours=1)),
        ("FULL_SYNC_JOB", DAY),
    ]
    assert learned.next_expected_at(MORNING) == MORNING + timedelta(hours=1)


def test_a_trigger_that_others_have_replaced_is_expected_no_more() -> None:
    nightly = [a_run(MORNING - DAY * (20 + night)) for night in range(8)]
    hourly = [a_run(MORNING - timedelta(hours=hour), trigger="CHANGES") for hour in range(8)]

    learned = learn([*hourly, *nightly])

    assert examine(learned, MORNING) == ()
    assert learned.next_expected_at(MORNING) == MORNING + timedelta(hours=1)
    assert flags_of(nightly[0], nightly[1:], MORNING) == ["overdue"]
