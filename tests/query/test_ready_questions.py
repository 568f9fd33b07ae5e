"""Each ready question on a small world in which it has something to find, and something beside it to leave out."""

import json
from datetime import UTC, datetime

import pytest

from ingest.action import Progress
from ingest.recorder import RunChange
from query.ready_questions import ChartChoice, find_question, list_questions
from query.sandbox import run_sql
from query.sql_parameters import parameters_of


def ask(world, name, *columns, **parameters):
    """The rows of the answer, as tuples of these columns."""
    sql = find_question(name).sql
    given = {**dict.fromkeys(parameters_of(sql)), **parameters}
    answer = run_sql(world.view, sql, parameters=given or None).table.to_pylist()
    return [tuple(row[column] for column in columns) for row in answer]


def visit(world, run, record, status="OK", operation="UPDATE", *, day=1, integration="servicenow", **fields):
    """One action on a record, in a run of its own night."""
    said = {"happened_at": f"2026-11-{day:02}T10:00:00Z", "target_type": "app", "target_id": f"t-{record}"}
    ids = {"source_id": record, "source_name": record.upper(), "source_type": "cmdb"}
    whole = {**said, **ids, "run_id": run, "status": status, "operation": operation, "integration": integration}
    world.record({**whole, **fields})


def test_every_question_is_answered_on_an_empty_lake(world):
    answers = {each.name: ask(world, each.name) for each in list_questions()}

    assert len(answers) >= 12
    assert set(map(len, answers.values())) == {0}


def test_questions_say_how_their_answer_is_drawn():
    charts = {each.name: each.chart for each in list_questions()}

    assert charts["batches-and-bytes-by-day"] == ChartChoice(kind="stacked bars", amount="bytes", over="day", by="kind")
    assert charts["longest-runs"] == ChartChoice(kind="bars", amount="seconds", over="run_id")
    assert charts["errors-never-ok"] is None
    assert all("-- chart" not in each.sql for each in list_questions())


def test_failing_three_runs_in_a_row_counts_only_runs_that_touched_the_record(world):
    for day, statuses in enumerate(("E E E -", "O E E E", "E E O E", "E E E O", "- E - E"), 1):
        for record, status in zip("abcd", statuses.split(), strict=True):
            if status != "-":
                visit(world, f"n{day}", record, "ERROR" if status == "E" else "OK", day=day)

    found = ask(world, "failing-three-runs-in-a-row", "record_id", "record_name", "last_run_id")

    assert found == [("b", "B", "n5")]  # a ends E E E after O, but c was OK in between and d a run before


def test_slowest_hours_are_those_with_the_longest_way_from_action_to_action(world):
    for second in (0, 4):
        world.record({"run_id": "slow", "happened_at": f"2026-11-01T10:00:{second:02}Z"})
    for millisecond in range(0, 40, 10):
        world.record({"run_id": "quick", "happened_at": f"2026-11-01T11:00:00.{millisecond:03}Z"})

    found = ask(world, "slowest-hours", "hour", "ms_per_action", "actions", "longest_run_id")

    assert found == [
        (datetime(2026, 11, 1, 10, tzinfo=UTC), 2000, 2, "slow"),
        (datetime(2026, 11, 1, 11, tzinfo=UTC), 7.5, 4, "quick"),
    ]


def test_overwritten_means_changed_by_another_integration_and_not_only_looked_at(world):
    visit(world, "a", "x", day=1, integration="servicenow")
    visit(world, "b", "x", day=2, integration="signavio")
    visit(world, "c", "x", day=3, integration="signavio")
    visit(world, "d", "y", day=1, integration="servicenow")
    visit(world, "e", "y", operation="NONE", day=2, integration="signavio")
    visit(world, "f", "z", day=1, integration="servicenow")
    visit(world, "g", "z", "ERROR", day=2, integration="signavio")

    found = ask(
        world, "overwritten-by-another-integration", "integration_before", "overwritten_by", "target_id", "last_run_id"
    )

    assert found == [("servicenow", "signavio", "t-x", "b")]


def test_records_without_a_type_are_found_like_others(world):
    for day, integration in enumerate(("servicenow", "signavio", "signavio"), 1):
        visit(world, f"n{day}", "x", day=day, integration=integration, target_type=None, configuration=None)

    assert ask(world, "overwritten-by-another-integration", "target_id") == [("t-x",)]
    assert ask(world, "changed-every-night", "target_id", "runs") == [("t-x", 2)]


def test_new_problems_are_those_first_seen_in_the_last_week_of_the_lake(world):
    visit(world, "a", "x", "ERROR", day=1, message="old trouble")
    visit(world, "b", "x", "ERROR", day=20, message="old trouble")
    visit(world, "b", "x", "WARNING", day=15, message="new doubt")
    visit(world, "b", "x", "ERROR", day=16, message="new trouble")

    assert ask(world, "new-problems-this-week", "message", "count") == [("new trouble", 1), ("new doubt", 1)]


def test_far_fewer_compares_with_the_runs_before_of_the_same_kind(world):
    for day, amount in enumerate((10, 12, 11, 4, 11), 1):
        lines = [
            {"run_id": f"n{day}", "happened_at": f"2026-11-{day:02}T10:00:00Z", "source_id": str(number)}
            for number in range(amount)
        ]
        world.record(*lines)
        world.recorder.change_run(f"n{day}", RunChange(progress=Progress.FINISHED))
    visit(world, "other", "x", day=6, integration="signavio")

    found = ask(world, "far-fewer-records-than-usual", "run_id", "processed", "usual", "percent_of_usual")

    assert found == [("n4", 4, 11, 36.4)]


def test_changed_every_night_counts_runs_not_actions(world):
    for day in (1, 2, 3):
        visit(world, f"n{day}", "churns", day=day)
        visit(world, f"n{day}", "quiet", operation="NONE", day=day)
        visit(world, f"n{day}", "sometimes", operation="UPDATE" if day < 3 else "NONE", day=day)
    visit(world, "n1", "twice", day=1)
    visit(world, "n1", "twice", day=1)

    found = ask(world, "changed-every-night", "target_id", "runs_with_changes", "runs", "percent_of_runs")

    assert found == [("t-churns", 3, 3, 100), ("t-sometimes", 2, 3, 66.7)]


def test_most_frequent_errors_leaves_out_warnings_and_keeps_five_of_each_integration(world):
    words = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh")
    for times, word in enumerate(words, 1):
        world.record(*[{"status": "ERROR", "message": f"the {word} went wrong"}] * times)
    visit(world, "b", "x", "WARNING", integration="signavio", message="odd")
    visit(world, "b", "x", "ERROR", integration="signavio", message="bad")

    found = ask(world, "most-frequent-errors", "integration", "message", "count")

    assert [count for integration, _, count in found if integration == "servicenow"] == [7, 6, 5, 4, 3]
    assert found[-1] == ("signavio", "bad", 1)


def test_errors_never_ok_leaves_out_records_that_were_ok_once(world):
    visit(world, "a", "never", "ERROR", day=1)
    visit(world, "b", "never", "ERROR", day=2, message="again")
    visit(world, "a", "first", "OK", day=1)
    visit(world, "b", "first", "ERROR", day=2)
    visit(world, "a", "later", "ERROR", day=1)
    visit(world, "b", "later", "OK", day=2)

    assert ask(world, "errors-never-ok", "record_id", "errors", "runs", "last_message") == [("never", 2, 2, "again")]


@pytest.mark.parametrize(("asked", "count"), [("a", 3), (None, 1)])
def test_actions_per_minute_are_those_of_one_run_the_newest_without_a_name(world, asked, count):
    world.record(*[{"run_id": "a", "happened_at": f"2026-11-01T10:00:{second}Z"} for second in (10, 20, 30)])
    world.record({"run_id": "b", "happened_at": "2026-11-02T10:07:10Z", "status": "ERROR"})

    found = ask(world, "actions-per-minute", "minute", "status", "actions", run_id=asked)

    assert [actions for _, _, actions in found] == [count]


def test_flip_flopping_fields_are_those_that_go_back_in_either_shape_of_changes(world):
    def changes(before, after):
        return {"changes": {"lifecycle": {"before": before, "after": after}, "owner": {"before": "x", "after": after}}}

    visit(world, "a", "x", day=1, integration="servicenow", details=changes("plan", "live"))
    visit(world, "b", "x", day=2, integration="signavio", details=changes("live", "plan"))
    visit(world, "c", "x", day=3, integration="servicenow", details=changes("plan", "live"))
    listed = [{"field": "cost", "before": "1", "after": "2"}]
    back = [{"field": "cost", "before": "2", "after": "1"}]
    visit(world, "a", "y", day=1, details={"changes": listed})
    visit(world, "b", "y", day=2, details={"changes": back})
    visit(world, "b", "z", day=2, details={"changes": "none", "text": json.dumps({"changes": 1})})

    found = ask(
        world, "flip-flopping-fields", "record_id", "field", "times_back", "from_value", "back_to_value", "integrations"
    )

    assert [(*row[:5], set(row[5].split(", "))) for row in found] == [
        ("t-x", "lifecycle", 2, "plan", "live", {"servicenow → signavio", "signavio → servicenow"}),
        ("t-y", "cost", 1, "2", "1", {"servicenow → servicenow"}),
    ]


def test_batches_and_bytes_are_counted_by_day_and_kind(world):
    visit(world, "a", "x", day=1)
    visit(world, "a", "y", day=1)
    visit(world, "b", "x", day=2)

    found = ask(world, "batches-and-bytes-by-day", "day", "kind", "batches", "rows")

    assert [(str(day), *rest) for day, *rest in found] == [
        ("2026-11-02", "actions", 1, 1),
        ("2026-11-01", "actions", 2, 2),
    ]


def test_which_trigger_fails_most_counts_runs_and_errors(world):
    visit(world, "a", "x", "ERROR", trigger="FULL")
    visit(world, "b", "x", trigger="FULL")
    visit(world, "c", "x", "ERROR", trigger="CHANGES")

    found = ask(world, "which-trigger-fails-most", "trigger", "runs", "failed_runs", "percent_failed", "errors")

    assert found == [("CHANGES", 1, 1, 100, 1), ("FULL", 2, 1, 50, 1)]


def test_actions_by_day_sums_the_runs_that_began_then(world):
    visit(world, "a", "x", day=1)
    visit(world, "a", "y", "ERROR", operation="NONE", day=1)
    visit(world, "b", "x", day=2)

    found = ask(world, "actions-by-day", "day", "runs", "processed", "changed", "errors")

    assert [(str(day), *map(int, rest)) for day, *rest in found] == [
        ("2026-11-02", 1, 1, 1, 0),
        ("2026-11-01", 1, 2, 1, 1),
    ]


def test_history_of_a_record_finds_it_on_either_side_newest_first(world):
    visit(world, "a", "x", day=1)
    visit(world, "b", "x", day=2)
    visit(world, "c", "y", day=3)

    assert ask(world, "history-of-a-record", "run_id", record_id="x") == [("b",), ("a",)]
    assert ask(world, "history-of-a-record", "run_id", record_id="t-y") == [("c",)]


def test_longest_runs_are_those_whose_end_is_known(world):
    visit(world, "open", "x", day=1)
    for run, day in (("short", 2), ("long", 1)):
        visit(world, run, "x", day=day)
        world.recorder.change_run(run, RunChange(progress=Progress.FINISHED))

    found = ask(world, "longest-runs", "run_id", "seconds")

    assert [run_id for run_id, _ in found] == ["long", "short"]
    assert round(found[0][1] - found[1][1]) == 24 * 60 * 60
