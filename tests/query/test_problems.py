from datetime import UTC, datetime

from ingest.action import Operation, Status
from ingest.problem_summary import ProblemExample
from ingest.timestamps import to_microseconds
from query.problems import ProblemCount, list_problem_counts, list_run_problems


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


def test_problems_in_short_are_the_same_problems_in_the_same_order(world):
    world.record(
        {"status": "WARNING", "message": "record 7 slow", "source_id": "a"},
        {"status": "ERROR", "message": "record 12 refused", "source_id": "a"},
        {"status": "ERROR", "message": "record 13 refused", "target_name": "b"},
        {"status": "WARNING", "message": "record 14 refused", "source_id": "a", "happened_at": "2026-11-22T09:00:00Z"},
        {"status": "ERROR", "code": "E403"},
    )

    problems = list_run_problems(world.view, "nightly")

    assert [problem.template for problem in problems] == ["record <n> refused", "<id>", "record <n> slow"]
    assert list_problem_counts(world.view, "nightly") == [
        ProblemCount(
            problem_id=problem.problem_id,
            template=problem.template,
            status=problem.status,
            count=problem.count,
            records=problem.records,
            records_are_exact=True,
            first_at=problem.first_at,
            last_at=problem.last_at,
            example=ProblemExample(
                happened_us=to_microseconds(first.happened_at),
                batch_id=first.batch_id,
                row=first.row,
                operation=first.operation,
                code=first.code,
                message=first.message,
            ),
        )
        for problem in problems
        for first in problem.examples[:1]
    ]
    assert [problem.records for problem in list_problem_counts(world.view, "nightly", limit=1)] == [2]


def test_problem_that_happens_again_is_counted_again(world):
    world.record({"status": "ERROR", "message": "refused"})
    before = list_problem_counts(world.view, "nightly")
    world.record({"status": "ERROR", "message": "refused"})

    after = list_problem_counts(world.view, "nightly")

    assert ([problem.count for problem in before], [problem.count for problem in after]) == ([1], [2])
