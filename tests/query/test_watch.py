from datetime import UTC, datetime, timedelta

import pytest

from ingest.action import Progress, Scope, Status
from ingest.errors import InvalidInput
from ingest.recorder import RunAnnouncement, RunChange
from query.problems import OpenProblems, list_problem_counts
from query.recent_runs import RecentRun, list_last_successes, list_recent_runs
from query.watch import Group, Watch, WatchFilter, find_watched

BEGUN = datetime(2026, 11, 22, 10, tzinfo=UTC)
NOW = BEGUN + timedelta(minutes=5)


def record_runs(world, integration, *statuses, configuration=None):
    """One finished run a day for each status, the last of them on the 22nd."""
    for place, status in enumerate(statuses):
        day = 23 - len(statuses) + place
        run_id = f"{integration}-{configuration}-{day}"
        world.record(
            {
                "run_id": run_id,
                "integration": integration,
                "configuration": configuration,
                "status": status,
                "happened_at": f"2026-11-{day}T10:00:00Z",
            }
        )
        world.recorder.change_run(run_id, RunChange(progress=Progress.FINISHED))


def names(watched):
    return [(each.integration, each.configuration) for each in watched]


def test_recent_runs_are_grouped_newest_first_and_no_more_than_asked_for(world):
    record_runs(world, "rclone", "OK", "OK", "ERROR")
    record_runs(world, "rclone", "OK", configuration="photos")

    found = list_recent_runs(world.view, most=2)

    assert {key: [run.run_id for run in runs] for key, runs in found.items()} == {
        ("rclone", None): ["rclone-None-22", "rclone-None-21"],
        ("rclone", "photos"): ["rclone-photos-22"],
    }


def test_recent_run_has_the_figures_of_the_run(world):
    world.recorder.announce_run(RunAnnouncement(run_id="a", integration="x", trigger="T", scope=Scope.FULL))
    moves = [{"operation": word, "status": "OK"} for word in ("CREATE", "UPDATE", "DELETE", "NONE")]
    troubles = [{"operation": "UPDATE", "status": "ERROR"}, {"operation": "NONE", "status": "WARNING"}]
    world.record(*({"run_id": "a", **each} for each in (*moves, *troubles)))

    [run] = list_recent_runs(world.view)[("x", None)]

    assert run == RecentRun(
        run_id="a",
        integration="x",
        configuration=None,
        trigger="T",
        scope=Scope.FULL,
        progress=Progress.RUNNING,
        status=Status.ERROR,
        begun_at=run.begun_at,
        ended_at=None,
        last_sign_at=run.last_sign_at,
        processed=6,
        moved=3,
        warnings=1,
        errors=1,
    )


def test_runs_that_began_at_once_are_no_more_than_asked_for(world):
    world.record(*({"run_id": f"r{number}"} for number in range(5)))

    assert [run.run_id for run in list_recent_runs(world.view, most=2)["servicenow", None]] == ["r4", "r3"]


def test_last_success_is_found_however_long_ago(world):
    record_runs(world, "rclone", "WARNING", *["ERROR"] * 4)
    record_runs(world, "signavio", "ERROR")

    [rclone, signavio] = sorted(Watch(world.view).list_watched(NOW), key=lambda each: each.integration)

    assert list_last_successes(world.view) == {("rclone", None): BEGUN - timedelta(days=4)}
    assert (rclone.last_success_at, signavio.last_success_at) == (BEGUN - timedelta(days=4), None)


def test_what_needs_attention_comes_first_then_what_ran_last(world):
    record_runs(world, "fine", "OK")
    record_runs(world, "late", *["OK"] * 9)
    record_runs(world, "broken", "ERROR")
    world.record({"run_id": "new", "integration": "new", "happened_at": "2026-11-24T00:00:00Z"})

    watched = Watch(world.view).list_watched(BEGUN + timedelta(days=2))

    assert [(each.integration, [finding.flag for finding in each.findings]) for each in watched] == [
        ("new", ["stuck"]),
        ("broken", ["failed"]),
        ("late", ["overdue"]),
        ("fine", []),
    ]


def test_a_change_of_a_run_is_seen_at_once(world):
    watch = Watch(world.view)
    assert watch.list_watched(NOW) == []

    record_runs(world, "rclone", "OK")
    before = watch.list_watched(NOW)
    world.record({"run_id": "rclone-None-22", "integration": "rclone", "status": "ERROR"})
    after = watch.list_watched(NOW)

    assert [Group.HEALTHY in each.groups for each in (*before, *after)] == [True, False]


@pytest.mark.parametrize(
    ("watch_filter", "found"),
    [
        (WatchFilter(), ["broken", "zebra", "fine"]),
        (WatchFilter(group=Group.ATTENTION), ["broken"]),
        (WatchFilter(group=Group.FAILED), ["broken"]),
        (WatchFilter(group=Group.UNUSUAL), []),
        (WatchFilter(group=Group.HEALTHY), ["zebra", "fine"]),
        (WatchFilter(q="EBR"), ["zebra"]),
        (WatchFilter(q="münchen"), ["fine"]),
        (WatchFilter(group=Group.HEALTHY, q="broken"), []),
    ],
)
def test_filter_chooses_by_group_and_text(world, watch_filter, found):
    record_runs(world, "fine", "OK", configuration="MÜNCHEN")
    record_runs(world, "broken", "ERROR")
    world.record({"run_id": "z", "integration": "zebra", "happened_at": "2026-11-22T10:01:00Z"})

    watched = Watch(world.view).list_watched(NOW)

    assert [each.integration for each in find_watched(watched, watch_filter).items] == found


def test_pages_hold_every_integration_once(world):
    for number in range(5):
        record_runs(world, "same", "OK", configuration=f"c{number}")
    watched = Watch(world.view).list_watched(NOW)

    first = find_watched(watched, WatchFilter(), limit=3)
    second = find_watched(watched, WatchFilter(), limit=3, cursor=first.next_cursor)

    assert names(first.items) + names(second.items) == names(watched)
    assert second.next_cursor is None
    with pytest.raises(InvalidInput, match="cursor"):
        find_watched(watched, WatchFilter(), cursor="x")


def test_open_problems_are_counted_of_each_but_for_those_left_out(world):
    for day, messages in enumerate((["refused"], ["refused", "timed out"]), 21):
        world.record(
            *(
                {"run_id": f"r{day}", "status": "ERROR", "message": text, "happened_at": f"2026-11-{day}T10:00:00Z"}
                for text in messages
            )
        )
        world.recorder.change_run(f"r{day}", RunChange(progress=Progress.FINISHED))
    watch = Watch(world.view)
    known = problem_id_of("refused", world)

    [watched] = watch.list_watched(NOW)
    [without] = watch.list_watched(NOW, leave_out=[("servicenow", known)])

    assert watched.open_problems == OpenProblems(new=1, persisting=1)
    assert without.open_problems == OpenProblems(new=1)


def problem_id_of(message, world):
    found = list_problem_counts(world.view, "r21")
    return next(each.problem_id for each in found if each.template == message)
