from datetime import UTC, datetime, timedelta

import pytest

from ingest.action import Operation, Status
from ingest.errors import ActionNotFound, InvalidInput, RunNotFound
from query.actions import Action, ActionFilter, find_actions, get_action, stream_actions
from query.run_batches import files_of_run

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def messages(page):
    return [action.message for action in page.items]


def test_action_is_read_as_it_was_sent(world):
    receipt = world.record(
        {
            "configuration": "prod",
            "trigger": "FULL_SYNC_JOB",
            "happened_at": "2026-11-22T12:00:00.123456Z",
            "operation": "DELETE",
            "status": "ERROR",
            "source_type": "ci",
            "source_id": "1",
            "source_name": "Payroll",
            "target_type": "leanix.Application",
            "target_id": "2",
            "target_name": "Payroll",
            "code": "403",
            "message": "forbidden",
            "details": {"a": 1},
            "duration_ms": 41,
        }
    )

    [action] = find_actions(world.view, ActionFilter(), run_id="nightly").items

    assert action == Action(
        batch_id=receipt.batch_id,
        row=0,
        run_id="nightly",
        integration="servicenow",
        configuration="prod",
        trigger="FULL_SYNC_JOB",
        happened_at=NOON + timedelta(microseconds=123456),
        operation=Operation.DELETE,
        status=Status.ERROR,
        source_type="ci",
        source_id="1",
        source_name="Payroll",
        target_type="leanix.Application",
        target_id="2",
        target_name="Payroll",
        code="403",
        message="forbidden",
        details='{"a":1}',
        duration_ms=41,
        problem_id=action.problem_id,
    )
    assert get_action(world.view, "nightly", action.action_id) == action


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (ActionFilter(statuses=(Status.ERROR,)), ["100% sure"]),
        (ActionFilter(statuses=(Status.ERROR, Status.INFO)), ["100% sure", "a_b"]),
        (ActionFilter(operations=(Operation.CREATE,)), ["fine"]),
        (ActionFilter(statuses=(Status.ERROR,), operations=(Operation.CREATE,)), []),
        (ActionFilter(q="0% S"), ["100% sure"]),
        (ActionFilter(q="_"), ["a_b"]),
        (ActionFilter(q="ÄPFEL"), ["fine"]),
        (ActionFilter(q="t-9"), ["100% sure"]),
        (ActionFilter(q="e-77"), ["a_b"]),
        (ActionFilter(q="' or true --"), []),
        (ActionFilter(record="S-1"), ["fine"]),
        (ActionFilter(record="t-9"), ["100% sure"]),
        (ActionFilter(record="t-"), []),
        (ActionFilter(problem_id="nope"), []),
        (ActionFilter(since=NOON + timedelta(seconds=1)), ["100% sure", "a_b"]),
        (ActionFilter(until=NOON + timedelta(seconds=1)), ["fine"]),
        (ActionFilter(since=NOON + timedelta(days=1)), []),
    ],
)
def test_filter_chooses_actions(world, wanted, found):
    world.record(
        {
            "operation": "CREATE",
            "message": "fine",
            "source_id": "S-1",
            "source_name": "Äpfel",
            "happened_at": 1795348800,
        }
    )
    world.record(
        {"status": "ERROR", "message": "100% sure", "target_id": "t-9", "happened_at": "2026-11-22T12:00:01Z"},
        {"status": "INFO", "message": "a_b", "code": "E-77", "happened_at": "2026-11-22T12:00:02Z"},
    )

    assert messages(find_actions(world.view, wanted, run_id="nightly")) == found
    assert stream_actions(world.view, "nightly", wanted).read_all()["message"].to_pylist() == found


def test_actions_are_sorted_by_time_either_way(world):
    for minute in (2, 1, 3):
        world.record({"message": f"{minute}", "happened_at": f"2026-11-22T12:0{minute}:00Z"})

    assert messages(find_actions(world.view, ActionFilter(), run_id="nightly")) == ["1", "2", "3"]
    assert messages(find_actions(world.view, ActionFilter(), run_id="nightly", sort="-happened_at")) == ["3", "2", "1"]


def test_actions_of_all_runs_are_found_without_naming_one(world):
    world.record({"run_id": "a", "message": "1"}, {"run_id": "b", "message": "2"})

    assert messages(find_actions(world.view, ActionFilter(), run_id=None)) == ["1", "2"]


@pytest.mark.parametrize("moment", ["9999-12-31T23:59:59.999999Z", "0001-01-01T00:00:00Z"])
@pytest.mark.parametrize("sort", ["happened_at", "-happened_at"])
def test_pages_go_on_at_the_edges_of_time(world, moment, sort):
    for number in range(3):
        world.record({"message": f"{number}", "happened_at": moment})

    first = find_actions(world.view, ActionFilter(), run_id="nightly", sort=sort, limit=2)
    second = find_actions(world.view, ActionFilter(), run_id="nightly", sort=sort, cursor=first.next_cursor)

    assert sorted(messages(first) + messages(second)) == ["0", "1", "2"]
    assert second.next_cursor is None


def test_a_page_of_errors_opens_only_batches_with_errors(world):
    world.record({"message": "fine"})
    receipt = world.record({"status": "ERROR"})

    files = files_of_run(world.view, "nightly", statuses=(Status.ERROR,))

    assert files == [str(world.recorder.lake.path_of("actions", receipt.batch_id))]


def test_a_lake_without_actions_has_no_actions(world):
    assert find_actions(world.view, ActionFilter(), run_id=None).items == []
    assert find_actions(world.view, ActionFilter(), run_id="nowhere").items == []


def test_stream_of_an_unknown_run_is_refused_and_of_an_empty_choice_is_empty(world):
    world.record({})

    with pytest.raises(RunNotFound):
        stream_actions(world.view, "nowhere", ActionFilter())
    assert stream_actions(world.view, "nightly", ActionFilter(q="nothing")).read_all().num_rows == 0


@pytest.mark.parametrize("action_id", ["", ".", "x", "x.1", "x.-1", "x.²", f"x.{10**30}", "'.1"])
def test_unknown_action_is_not_found(world, action_id):
    world.record({})

    with pytest.raises(ActionNotFound):
        get_action(world.view, "nightly", action_id)


def test_unknown_sort_and_foreign_cursor_are_refused(world):
    with pytest.raises(InvalidInput, match="colour"):
        find_actions(world.view, ActionFilter(), run_id=None, sort="colour")
    with pytest.raises(InvalidInput, match="cursor"):
        find_actions(world.view, ActionFilter(), run_id=None, cursor="xyz")
