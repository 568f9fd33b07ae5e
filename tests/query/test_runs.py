from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from ingest.action import Progress, Scope, Status
from ingest.counts import Counts
from ingest.errors import InvalidInput, RunNotFound
from ingest.index_tables import runs
from ingest.recorder import RunAnnouncement, RunChange
from ingest.run_state import EventKind
from ingest.timestamps import to_microseconds
from query.runs import (
    RUN_SORTS,
    FigureRange,
    Neighbours,
    Run,
    RunFacets,
    RunFilter,
    RunMessage,
    find_neighbours,
    find_runs,
    get_run,
    list_facets,
    list_run_messages,
)

BEGUN = datetime(2026, 11, 22, 10, tzinfo=UTC)


def ids(page):
    return [run.run_id for run in page.items]


def test_run_seen_only_in_its_actions_is_complete(world):
    world.record(
        {"configuration": "prod", "trigger": "FULL_SYNC_JOB"},
        {"operation": "CREATE", "status": "ERROR", "happened_at": "2026-11-22T10:05:00Z"},
    )

    run = get_run(world.view, "nightly")

    assert run == Run(
        run_id="nightly",
        integration="servicenow",
        configuration="prod",
        trigger="FULL_SYNC_JOB",
        scope=None,
        progress=Progress.RUNNING,
        status=Status.ERROR,
        announced_at=None,
        started_at=None,
        finished_at=None,
        heard_at=run.heard_at,
        first_action_at=BEGUN,
        last_action_at=BEGUN + timedelta(minutes=5),
        expected=None,
        claimed={},
        cancellable=False,
        attributes={},
        message=None,
        counts=Counts(update_ok=1, create_error=1),
    )
    assert (run.begun_at, run.ended_at, run.duration, run.end_seen, run.percent) == (BEGUN, None, None, False, None)


def test_announced_run_knows_what_its_sender_said(world):
    announcement = RunAnnouncement(
        run_id="live", integration="rclone", scope=Scope.FULL, expected=4, cancellable=True, attributes={"host": "a"}
    )
    world.recorder.announce_run(announcement)
    world.record({"run_id": "live"})
    world.recorder.change_run("live", RunChange(progress=Progress.FINISHED, claimed={"processed": 2}, message="bye"))

    run = get_run(world.view, "live")

    assert (run.scope, run.expected, run.cancellable, run.attributes) == (Scope.FULL, 4, True, {"host": "a"})
    assert (run.claimed, run.message, run.percent, run.end_seen) == ({"processed": 2}, "bye", 25.0, True)
    assert run.duration == run.finished_at - run.begun_at


def test_unknown_run_is_not_found(world):
    with pytest.raises(RunNotFound, match="nowhere"):
        get_run(world.view, "nowhere")


def test_runs_come_newest_first(world):
    for day in (2, 3, 1):
        world.record({"run_id": f"day-{day}", "happened_at": f"2026-11-0{day}T10:00:00Z"})

    assert ids(find_runs(world.view, RunFilter())) == ["day-3", "day-2", "day-1"]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (RunFilter(integration="rclone"), ["copy"]),
        (RunFilter(configuration="prod"), ["broken"]),
        (RunFilter(trigger="MANUAL"), ["copy"]),
        (RunFilter(status=Status.ERROR), ["broken"]),
        (RunFilter(status=Status.OK), ["copy"]),
        (RunFilter(progress=Progress.FINISHED), ["copy"]),
        (RunFilter(since=BEGUN + timedelta(days=1)), ["broken"]),
        (RunFilter(until=BEGUN + timedelta(days=1)), ["copy"]),
        (RunFilter(q="BROK"), ["broken"]),
        (RunFilter(q="cLoNe"), ["copy"]),
        (RunFilter(q="_"), []),
        (RunFilter(q="%"), ["broken"]),
        (RunFilter(q="100% MÜNCHEN"), ["broken"]),
        (RunFilter(integration="nobody"), []),
    ],
)
def test_filter_chooses_runs(world, wanted, found):
    world.record({"run_id": "copy", "integration": "rclone", "trigger": "MANUAL"})
    world.record(
        {"run_id": "broken", "configuration": "prod", "status": "ERROR", "happened_at": "2026-11-23T10:00:00Z"}
    )
    world.record({"run_id": "broken", "status": "INFO", "happened_at": "2026-11-23T10:00:01Z"})
    world.recorder.change_run("copy", RunChange(progress=Progress.FINISHED))
    if wanted.q and "%" in wanted.q:
        world.record({"run_id": "other", "happened_at": "2026-10-23T10:00:00Z"})
        world.record({"run_id": "broken", "happened_at": "2026-11-23T10:00:02Z"})
        world.record({"run_id": "zz", "configuration": "100% München", "happened_at": "2026-10-24T10:00:00Z"})
        found = ["zz"]

    assert ids(find_runs(world.view, wanted)) == found


@pytest.mark.parametrize(
    ("ranges", "found"),
    [
        ((), ["big", "small", "open"]),
        ((FigureRange(figure="processed", least=2),), ["big"]),
        ((FigureRange(figure="processed", most=2),), ["small", "open"]),
        ((FigureRange(figure="errors", least=1, most=1),), ["big"]),
        ((FigureRange(figure="creates", least=1), FigureRange(figure="errors", most=0)), ["small"]),
        ((FigureRange(figure="duration", least=60_000_000),), ["big"]),
        ((FigureRange(figure="duration", most=59_999_999),), ["small"]),
        ((FigureRange(figure="oks", least=2),), ["big"]),
    ],
)
def test_ranges_choose_runs_by_their_figures(world, ranges, found):
    world.record(
        {"run_id": "big", "status": "ERROR", "happened_at": "2026-11-22T12:00:00Z"},
        {"run_id": "big", "happened_at": "2026-11-22T12:01:00Z"},
        {"run_id": "big", "happened_at": "2026-11-22T12:01:00Z"},
        {"run_id": "small", "operation": "CREATE", "happened_at": "2026-11-22T11:00:00Z"},
        {"run_id": "open", "happened_at": "2026-11-22T10:00:00Z"},
    )
    set_ends(world, big="2026-11-22T12:01:00Z", small="2026-11-22T11:00:00Z")

    assert ids(find_runs(world.view, RunFilter(ranges=ranges))) == found


def set_ends(world, **ends):
    """Run events carry the time they came in, so the ends of runs long past are put into the index."""
    with world.recorder.index.writing() as connection:
        for run_id, moment in ends.items():
            end_us = to_microseconds(datetime.fromisoformat(moment))
            connection.execute(
                sa.update(runs).where(runs.c.run_id == run_id).values(progress="FINISHED", finished_us=end_us)
            )


def test_pages_of_every_sort_hold_every_run_once_and_in_order(world):
    statuses = ["OK", "INFO", "WARNING", "ERROR"]
    for number in range(9):
        said = {"configuration": f"c{number % 2}"} if number % 3 else {}
        count = number % 4 + 1
        world.record(*[{"run_id": f"r{number}", "status": statuses[number % 4], **said} for _ in range(count)])
    for number in (10, 11):
        world.recorder.announce_run(RunAnnouncement(run_id=f"r{number}", integration="x", trigger="T"))
        world.recorder.change_run(f"r{number}", RunChange(progress=Progress.ABORTED))

    sorts = [f"{sign}{name}" for name in RUN_SORTS for sign in ("", "-")]
    whole = {sort: ids(find_runs(world.view, RunFilter(), sort=sort)) for sort in sorts}
    paged = {sort: ids_in_pages_of_two(world.view, sort) for sort in sorts}

    assert paged == whole
    assert {len(set(found)) for found in whole.values()} == {11}


def ids_in_pages_of_two(view, sort):
    page = find_runs(view, RunFilter(), sort=sort, limit=2)
    found = ids(page)
    while page.next_cursor is not None:
        page = find_runs(view, RunFilter(), sort=sort, limit=2, cursor=page.next_cursor)
        found += ids(page)
    return found


def test_runs_without_the_sorted_figure_come_last_in_both_directions(world):
    world.record({"run_id": "a", "configuration": "prod"})
    world.record({"run_id": "b"})

    assert ids(find_runs(world.view, RunFilter(), sort="configuration")) == ["a", "b"]
    assert ids(find_runs(world.view, RunFilter(), sort="-configuration")) == ["a", "b"]


def test_unknown_sort_and_foreign_cursor_are_refused(world):
    world.record({"run_id": "a"})
    world.record({"run_id": "b"})
    cursor = find_runs(world.view, RunFilter(), limit=1).next_cursor

    with pytest.raises(InvalidInput, match="colour"):
        find_runs(world.view, RunFilter(), sort="-colour")
    with pytest.raises(InvalidInput, match="another sort"):
        find_runs(world.view, RunFilter(), sort="errors", cursor=cursor)


def test_facets_are_what_occurs(world):
    world.record({"run_id": "a", "trigger": "T"}, {"run_id": "b", "integration": "rclone", "configuration": "prod"})

    facets = list_facets(world.view)

    assert facets == RunFacets(integrations=("rclone", "servicenow"), configurations=("prod",), triggers=("T",))


def test_neighbours_are_of_the_same_integration_and_configuration(world):
    for day in (1, 2, 3):
        world.record({"run_id": f"day-{day}", "happened_at": f"2026-11-0{day}T10:00:00Z"})
    world.record({"run_id": "other", "configuration": "test", "happened_at": "2026-11-02T11:00:00Z"})

    def neighbours(run_id):
        return find_neighbours(world.view, get_run(world.view, run_id))

    assert neighbours("day-2") == Neighbours(previous="day-1", next="day-3")
    assert neighbours("day-3") == Neighbours(previous="day-2", next=None)
    assert neighbours("other") == Neighbours(previous=None, next=None)


def test_messages_of_a_run_are_what_its_sender_said_in_words(world):
    world.recorder.announce_run(RunAnnouncement(run_id="live", integration="x"))
    world.recorder.change_run("live", RunChange(message="token expired", status=Status.ERROR))

    [message] = list_run_messages(world.view, "live")

    assert message == RunMessage(
        happened_at=message.happened_at, kind=EventKind.PROGRESS, status=Status.ERROR, message="token expired"
    )
