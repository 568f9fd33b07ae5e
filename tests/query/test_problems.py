from datetime import UTC, datetime

from ingest.action import Operation, Status
from query.problems import list_run_problems


def test_same_failure_of_different_records_is_one_problem(world):
    world.record(
        {"status": "ERROR", "message": "record 12 refused", "code": "403", "source_id": "a"},
        {"status": "OK", "message": "record 13 taken"},
    )
    world.record(
        {"status": "WARNING", "message": "record 7 refused", "operation": "CREATE", "source_id": "a", "code": "400"},
        {
            "status": "ERROR",
            "message": "record 8 refused",
            "code": "403",
            "source_id": "b",
            "happened_at": "2026-11-22T11:00:00Z",
        },
    )

    [problem] = list_run_problems(world.view, "nightly")

    assert problem.template == "record <n> refused"
    assert (problem.status, problem.count, problem.records) == (Status.ERROR, 3, 2)
    assert (problem.operations, problem.codes) == ((Operation.CREATE, Operation.UPDATE), ("400", "403"))
    assert problem.first_at == datetime(2026, 11, 22, 10, tzinfo=UTC)
    assert problem.last_at == datetime(2026, 11, 22, 11, tzinfo=UTC)
    assert [example.message for example in problem.examples] == [
        "record 12 refused",
        "record 8 refused",
        "record 7 refused",
    ]


def test_worst_problem_comes_first_then_the_most_frequent(world):
    world.record(
        {"status": "WARNING", "message": "slow"},
        {"status": "WARNING", "message": "slow"},
        {"status": "ERROR", "message": "refused"},
        {"status": "ERROR", "message": "gone"},
        {"status": "ERROR", "message": "gone"},
        {"status": "INFO", "message": "by the way"},
    )

    problems = list_run_problems(world.view, "nightly")

    assert [problem.template for problem in problems] == ["gone", "refused", "slow", "by the way"]
    assert [problem.template for problem in list_run_problems(world.view, "nightly", limit=1)] == ["gone"]


def test_failure_without_a_message_is_a_problem_too(world):
    world.record({"status": "ERROR"}, {"status": "ERROR", "code": "E403"})

    assert sorted(problem.template for problem in list_run_problems(world.view, "nightly")) == ["<id>", "UPDATE ERROR"]


def test_run_without_failures_has_no_problems(world):
    world.record({"message": "fine"})

    assert list_run_problems(world.view, "nightly") == []
