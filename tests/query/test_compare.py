"""Two runs side by side: which records differ, and how."""

import pytest

from ingest.action import Operation, Status
from ingest.errors import InvalidInput, RunNotFound
from query.compare import (
    Difference,
    ProblemState,
    compare_problems,
    count_records,
    find_last_ok,
    find_records,
    stream_records,
)
from query.runs import get_run


def monday(source_id, **fields):
    return {"run_id": "monday", "source_type": "ci", "source_id": source_id, **fields}


def tuesday(source_id, **fields):
    return monday(source_id, **fields) | {"run_id": "tuesday", "happened_at": "2026-11-23T10:00:00Z"}


FAILED = {"status": "ERROR", "message": "no permission"}


@pytest.fixture
def compared(world):
    world.record(
        monday("breaks", operation="NONE"),
        monday("recovers", **FAILED),
        monday("broken", **FAILED),
        monday("vanishes", operation="NONE"),
        monday("churns"),
        monday("steady", operation="NONE"),
    )
    world.record(
        tuesday("breaks", operation="NONE", source_name="Payroll", code="403", **FAILED),
        tuesday("recovers"),
        tuesday("broken", **FAILED),
        tuesday("appears", operation="CREATE"),
        tuesday("churns"),
        tuesday("steady", operation="NONE"),
    )
    return world.view


def _count(problem):
    return problem and problem.count


def ids(page):
    return [record.record_id for record in page.items]


@pytest.mark.parametrize(
    ("difference", "found"),
    [
        (Difference.FAILING_NOW, ["breaks"]),
        (Difference.FAILING_THEN, ["recovers"]),
        (Difference.FAILING_BOTH, ["broken"]),
        (Difference.VANISHED, ["vanishes"]),
        (Difference.APPEARED, ["appears"]),
        (Difference.OPERATION_CHANGED, []),
        (Difference.UPDATED_AGAIN, ["churns"]),
    ],
)
def test_records_are_found_by_how_they_differ(compared, difference, found):
    assert ids(find_records(compared, "monday", "tuesday", difference)) == found
    assert count_records(compared, "monday", "tuesday").by_difference[difference] == len(found)


def test_counts_say_what_was_compared(compared):
    counts = count_records(compared, "monday", "tuesday")

    assert (counts.in_a, counts.in_b, counts.in_both) == (6, 6, 5)
    assert (counts.named_only, counts.unnamed_a, counts.unnamed_b) == (0, 0, 0)


def test_a_record_shows_what_each_run_did_with_it(compared):
    [record] = find_records(compared, "monday", "tuesday", Difference.FAILING_NOW).items

    assert (record.record_type, record.name, record.differences) == ("ci", "Payroll", (Difference.FAILING_NOW,))
    assert (record.a.status, record.a.operations, record.a.message) == (Status.OK, (Operation.NONE,), None)
    assert (record.b.status, record.b.code, record.b.message) == (Status.ERROR, "403", "no permission")


def test_the_worst_of_several_actions_counts_and_all_operations_do(world):
    world.record(monday("a"), monday("a", operation="DELETE", status="WARNING", message="late"), monday("a"))
    world.record(tuesday("a", operation="CREATE"), tuesday("a", operation="UPDATE"))

    [record] = find_records(world.view, "monday", "tuesday", Difference.OPERATION_CHANGED).items

    assert (record.a.status, record.a.message) == (Status.WARNING, "late")
    assert record.a.operations == (Operation.UPDATE, Operation.DELETE)
    assert record.b.operations == (Operation.CREATE, Operation.UPDATE)


def test_a_record_without_source_id_is_its_target_and_else_its_name(world):
    def lines(run_id, status):
        return [
            {"run_id": run_id, "target_type": "App", "target_id": "t1", "source_name": "Payroll", "status": status},
            {"run_id": run_id, "source_type": "file", "source_name": "t1", "status": status},
            {"run_id": run_id, "target_type": "App", "target_name": "Ledger", "status": status},
            {"run_id": run_id, "status": status},
        ]

    world.record(*lines("monday", "OK"))
    world.record(*lines("tuesday", "ERROR"))

    found = find_records(world.view, "monday", "tuesday", Difference.FAILING_NOW).items
    counts = count_records(world.view, "monday", "tuesday")

    assert [(record.record_type, record.record_id, record.name) for record in found] == [
        ("App", None, "Ledger"),
        ("App", "t1", None),
        ("file", None, "t1"),
    ]
    assert (counts.in_both, counts.named_only, counts.unnamed_a, counts.unnamed_b) == (3, 2, 1, 1)


def test_pages_go_on_where_the_last_one_ended_whatever_the_ids(world):
    texts = ["", "'", "%", "<b>", "a" * 10_000, "b/c", "é", "日本", "\u202eright", "z z"]
    records = [(kind, text) for kind in (None, "App", "ci") for text in texts[1:]]
    world.record(*({"run_id": "monday", "source_type": kind, "source_id": text} for kind, text in records))
    world.record({"run_id": "tuesday"})

    found, cursor = [], None
    while True:
        page = find_records(world.view, "monday", "tuesday", Difference.VANISHED, limit=4, cursor=cursor)
        found += [(record.record_type, record.record_id) for record in page.items]
        if (cursor := page.next_cursor) is None:
            break

    assert len(found) == len(records)
    assert set(found) == set(records)


def test_all_differing_records_are_streamed(compared):
    table = stream_records(compared, "monday", "tuesday", None).read_all()

    assert table.select(["record_id", "differences", "status_a", "status_b"]).to_pylist() == [
        {"record_id": "appears", "differences": "appeared", "status_a": None, "status_b": "OK"},
        {"record_id": "breaks", "differences": "failing-now", "status_a": "OK", "status_b": "ERROR"},
        {"record_id": "broken", "differences": "failing-both", "status_a": "ERROR", "status_b": "ERROR"},
        {"record_id": "churns", "differences": "updated-again", "status_a": "OK", "status_b": "OK"},
        {"record_id": "recovers", "differences": "failing-then", "status_a": "ERROR", "status_b": "OK"},
        {"record_id": "vanishes", "differences": "vanished", "status_a": "OK", "status_b": None},
    ]


def test_a_run_is_not_compared_with_itself(compared):
    with pytest.raises(InvalidInput, match="itself"):
        count_records(compared, "monday", "monday")


def test_problems_are_new_persisting_or_gone(world):
    def failures(run_id, *messages):
        failed = {"run_id": run_id, "status": "ERROR"}
        return [{**failed, "source_id": str(number), "message": text} for number, text in enumerate(messages)]

    world.record(*failures("monday", "no permission", "timed out", "timed out"))
    world.record(*failures("tuesday", "timed out", "lifecycle is unknown"))

    compared = compare_problems(world.view, get_run(world.view, "monday"), get_run(world.view, "tuesday"))

    assert [(each.latest.template, each.state, _count(each.a), _count(each.b)) for each in compared.problems] == [
        ("lifecycle is unknown", ProblemState.NEW, None, 1),
        ("timed out", ProblemState.PERSISTING, 2, 1),
        ("no permission", ProblemState.GONE, 1, None),
    ]
    assert compared.is_whole


def test_the_last_ok_run_is_of_the_same_integration_and_configuration(world):
    def run(run_id, day, status, **fields):
        happened_at = f"2026-11-{day}T10:00:00Z"
        world.record({"run_id": run_id, "source_id": "a", "status": status, "happened_at": happened_at, **fields})

    run("good", 20, "OK")
    run("bad", 21, "ERROR")
    run("other", 22, "OK", configuration="test")
    run("now", 23, "OK")

    assert find_last_ok(world.view, get_run(world.view, "now")) == "good"
    assert find_last_ok(world.view, get_run(world.view, "good")) is None


@pytest.mark.parametrize("runs", [("unknown", "tuesday"), ("monday", "unknown")])
def test_an_unknown_run_is_refused(compared, runs):
    for question in (lambda: count_records(compared, *runs), lambda: stream_records(compared, *runs, None)):
        with pytest.raises(RunNotFound):
            question()


def test_a_cursor_of_another_list_is_refused(compared):
    with pytest.raises(InvalidInput):
        find_records(compared, "monday", "tuesday", Difference.VANISHED, cursor="bm9uc2Vuc2U")
