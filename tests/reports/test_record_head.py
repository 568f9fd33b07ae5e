"""What the history of a record comes to."""

from datetime import UTC, datetime, timedelta
from typing import Any

from ingest.action import Operation, Status
from query.actions import Action
from reports.flip_flop import Writer
from reports.record_head import Partner, build_record_head, group_by_run

START = datetime(2026, 6, 1, tzinfo=UTC)
OK, ERROR, WARNING = Status.OK, Status.ERROR, Status.WARNING


def action(night: int, status: Status, /, integration: str = "servicenow", **fields: Any) -> Action:
    said = {
        "run_id": f"{integration}-{night}", "source_type": "ci", "source_id": "a", "source_name": "Payroll",
        "target_type": "App", "target_id": "t", "target_name": "Payroll (target)",
        "happened_at": START + timedelta(days=night), "message": None,
    }  # fmt: skip
    return Action(
        batch_id="b", row=night, integration=integration, configuration=None, trigger=None, operation=Operation.UPDATE,
        status=status, code=None, details=None, duration_ms=None, problem_id=None, **said | fields,
    )  # fmt: skip


def head_of(*actions: Action, record_id: str = "a", is_whole: bool = True) -> Any:
    newest_first = sorted(actions, key=lambda each: each.happened_at, reverse=True)
    return build_record_head("ci", record_id, newest_first, is_whole=is_whole)


def test_a_record_fails_since_the_first_of_an_unbroken_row_of_runs() -> None:
    head = head_of(*(action(night, status) for night, status in enumerate((ERROR, OK, ERROR, ERROR))))

    assert head.failing_since == START + timedelta(days=2)
    assert head.last_good.run_id == "servicenow-1"
    assert head.outcome == (
        "Fails with servicenow since 2026-06-03 00:00:00 UTC, in 2 runs; last good 2026-06-02 00:00:00 UTC."
    )


def test_the_reason_is_the_last_error_of_an_integration_that_fails() -> None:
    head = head_of(
        action(0, ERROR, message="first"),
        action(1, ERROR, message="last"),
        action(2, ERROR, integration="signavio", message="mended"),
        action(3, OK, integration="signavio"),
    )

    assert head.last_error.message == "last"
    assert head_of(action(0, ERROR), action(1, OK)).last_error is None


def test_an_error_and_a_later_ok_in_one_run_fail() -> None:
    later = START + timedelta(days=1, hours=1)
    head = head_of(action(0, OK), action(1, ERROR), action(1, OK, happened_at=later))

    assert (head.failing_since, head.status) == (START + timedelta(days=1), ERROR)
    assert head.last_good.happened_at == later


def test_each_integration_stands_on_its_own() -> None:
    head = head_of(*(action(n, ERROR) for n in range(3)), *(action(n, OK, integration="signavio") for n in range(9)))

    assert [(str(each.writer), each.runs, each.status, each.failing_runs) for each in head.standings] == [
        ("signavio", 9, OK, 0),
        ("servicenow", 3, ERROR, 3),
    ]
    assert head.outcome == "Fails with servicenow since 2026-06-01 00:00:00 UTC, in 3 runs; it was never OK there."


def test_older_actions_than_those_looked_at_may_have_failed_too() -> None:
    head = head_of(action(0, ERROR), is_whole=False)

    assert head.outcome == "Fails with servicenow since at least 2026-06-01 00:00:00 UTC, in 1 run."


def test_a_record_that_does_not_fail_says_so() -> None:
    assert head_of(action(0, ERROR), action(1, OK)).outcome == "The last run left it OK."
    both = head_of(action(0, OK), action(1, OK, integration="signavio"))
    assert both.outcome == "The last run of each integration left it OK."
    assert head_of(action(0, OK), action(1, WARNING)).outcome == "It does not fail."
    assert head_of().outcome == "No action that is kept names this record."


def test_names_are_the_latest_first_and_partners_the_most_frequent() -> None:
    head = head_of(
        action(0, OK, source_name="Old"),
        action(1, OK),
        action(2, OK, source_name="Payroll 2", target_id="t2", target_name=None),
        action(3, OK, source_id="x", source_name="Other", target_type="ci", target_id="a", target_name=None),
    )

    assert (head.names, head.types) == (("Payroll 2", "Payroll", "Old"), ("ci",))
    assert head.partners == (
        Partner(record_type="App", record_id="t", name="Payroll (target)", actions=2, is_source=False),
        Partner(record_type="ci", record_id="x", name="Other", actions=1, is_source=True),
        Partner(record_type="App", record_id="t2", name=None, actions=1, is_source=False),
    )


def test_the_same_id_on_the_other_side_is_a_partner_of_another_type() -> None:
    head = head_of(action(0, OK, target_id="a"))

    assert (head.names, head.types) == (("Payroll",), ("ci",))
    assert [(each.record_type, each.record_id) for each in head.partners] == [("App", "a")]


def test_neighbouring_actions_of_a_run_stand_together() -> None:
    nights = [action(2, OK), action(1, ERROR), action(1, OK), action(2, WARNING)]

    assert [(visit.run_id, visit.status, len(visit.actions)) for visit in group_by_run(nights)] == [
        ("servicenow-2", OK, 1),
        ("servicenow-1", ERROR, 2),
        ("servicenow-2", WARNING, 1),
    ]
    assert group_by_run(nights)[1].writer == Writer(integration="servicenow", configuration=None)
