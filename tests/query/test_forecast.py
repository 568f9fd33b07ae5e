from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from ingest.action import Progress, Scope
from ingest.counts import Counts
from ingest.recorder import RunAnnouncement, RunChange
from query.forecast import Forecast, forecast, get_forecast
from query.recent_runs import list_runs_like
from query.runs import get_run

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)


@pytest.fixture
def run(world):
    world.recorder.announce_run(RunAnnouncement(run_id="live", integration="x"))
    live = get_run(world.view, "live")
    return replace(live, started_at=NOW - timedelta(minutes=10), counts=Counts(update_ok=250))


def earlier(world, *totals):
    for number, total in enumerate(totals):
        world.record(*({"run_id": f"e{number}", "integration": "x"} for _ in range(total)))
        world.recorder.change_run(f"e{number}", RunChange(progress=Progress.FINISHED))
    return [run for number in range(len(totals)) for run in like(world, f"e{number}")]


def like(world, run_id):
    run = replace(get_run(world.view, run_id), started_at=datetime(2030, 1, 1, tzinfo=UTC))
    return [each for each in list_runs_like(world.view, run, most=99) if each.run_id == run_id]


def test_announced_total_is_the_forecast(run):
    found = forecast(replace(run, expected=1000), [], now=NOW)

    assert found == Forecast(total=1000, earlier=None, percent=25.0, remaining=timedelta(minutes=30))


def test_earlier_runs_that_agree_are_the_forecast(world, run):
    found = forecast(run, [replace(each, processed=1000) for each in earlier(world, 1, 1, 1)], now=NOW)

    assert found == Forecast(total=1000, earlier=3, percent=25.0, remaining=timedelta(minutes=30))


@pytest.mark.parametrize("totals", [(), (1000, 1000), (100, 1000, 9000, 20), (0, 0, 0, 0)])
def test_too_few_or_too_different_runs_say_nothing(world, run, totals):
    runs = earlier(world, *[1 for _ in totals])

    assert forecast(run, [replace(each, processed=n) for each, n in zip(runs, totals, strict=True)], now=NOW) is None


def test_a_run_that_is_larger_than_usual_has_no_end_in_sight(run):
    found = forecast(replace(run, expected=200), [], now=NOW)

    assert (found.percent, found.remaining) == (100.0, None)


def test_nothing_done_yet_gives_no_remaining_time(run):
    found = forecast(replace(run, expected=200, counts=Counts()), [], now=NOW)

    assert (found.percent, found.remaining) == (0.0, None)


def test_runs_like_it_are_finished_earlier_and_of_the_same_kind(world):
    for run_id, said in {
        "same": {},
        "other trigger": {"trigger": "MANUAL"},
        "other scope": {"scope": Scope.FULL},
        "other configuration": {"configuration": "test"},
        "other integration": {"integration": "y"},
    }.items():
        world.recorder.announce_run(RunAnnouncement(run_id=run_id, **{"integration": "x", **said}))
        world.recorder.change_run(run_id, RunChange(progress=Progress.FINISHED))
    world.recorder.announce_run(RunAnnouncement(run_id="unfinished", integration="x"))
    world.recorder.announce_run(RunAnnouncement(run_id="live", integration="x"))

    live = get_run(world.view, "live")

    assert [each.run_id for each in list_runs_like(world.view, live, most=9)] == ["same"]
    assert get_forecast(world.view, get_run(world.view, "same"), now=NOW) is None
