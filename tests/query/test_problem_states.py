"""Where problems stand, first as a table, then against a lake of runs of every kind."""

import pytest

from ingest.action import Progress, Scope, Status
from ingest.problem import problem_id_of, template_of
from ingest.recorder import RunAnnouncement, RunChange
from query.open_problems import find_open_problems, find_run_problem_states
from query.problem_states import ProblemState, Sighting, derive_state
from query.problems import OpenProblems, count_open_problems
from query.runs import get_run

NEW, REGRESSED = ProblemState.NEW, ProblemState.REGRESSED
PERSISTING, RESOLVED = ProblemState.PERSISTING, ProblemState.RESOLVED


@pytest.mark.parametrize(("story", "state"), [
    # X, x: it occurred in a thorough run, in another one; O, o: it did not
    ("", None),
    ("O", None),
    ("X", NEW),
    ("x", NEW),
    ("OX", NEW),
    ("Xo", NEW),
    ("XX", PERSISTING),
    ("XoX", PERSISTING),
    ("xx", PERSISTING),
    ("XoXoo", PERSISTING),
    ("XO", RESOLVED),
    ("XoO", RESOLVED),
    ("XOo", RESOLVED),
    ("XXO", RESOLVED),
    ("XOX", REGRESSED),
    ("xOx", REGRESSED),
    ("XOXo", REGRESSED),
    ("XOXX", PERSISTING),
    ("XOXO", RESOLVED),
    ("XOOOX", REGRESSED),
])  # fmt: skip
def test_state_follows_from_the_runs(story, state):
    assert derive_state([Sighting(is_thorough=each.isupper(), has_it=each in "Xx") for each in story]) is state


def run(world, run_id, *messages, scope=None, trigger=None, progress=Progress.FINISHED, status=None, day="22"):
    """One run with these failures; each begins an hour after its name says."""
    world.recorder.announce_run(
        RunAnnouncement(run_id=run_id, integration="servicenow", configuration="prod", scope=scope, trigger=trigger)
    )
    at = f"2026-11-{day}T{run_id[-2:]}:00:00Z"
    failures = [{"run_id": run_id, "status": "ERROR", "message": message, "happened_at": at} for message in messages]
    world.record({"run_id": run_id, "happened_at": at}, *failures)
    world.recorder.change_run(run_id, RunChange(progress=Progress.RUNNING))
    world.recorder.change_run(run_id, RunChange(progress=progress, status=status))


def template_id(message):
    return problem_id_of(template_of(message))


def test_only_thorough_runs_resolve(world):
    run(world, "r01", "a", "b", "c", scope=Scope.FULL)
    run(world, "r02", "a", scope=Scope.PARTIAL)
    run(world, "r03", "a", trigger="SERVICENOW_CHANGES")
    run(world, "r04", "a", progress=Progress.ABORTED)

    assert set(find_open_problems(world.view).values()) == {NEW, PERSISTING}
    assert count_open_problems(world.view) == {("servicenow", "prod"): OpenProblems(new=2, persisting=1)}

    run(world, "r05", "b", scope=Scope.FULL)

    assert find_open_problems(world.view) == {("servicenow", "prod", template_id("b")): PERSISTING}
    states = find_run_problem_states(world.view, get_run(world.view, "r05"))
    assert states == {template_id("a"): RESOLVED, template_id("b"): PERSISTING, template_id("c"): RESOLVED}
    states = find_run_problem_states(world.view, get_run(world.view, "r04"))
    assert states == {template_id("a"): PERSISTING}


def test_what_comes_back_after_a_long_time_is_regressed(world):
    run(world, "r01", "a")
    for number in range(2, 9):
        run(world, f"r{number:02d}", "b")
    run(world, "r09", "a", "b", "c")

    expected = {template_id("a"): REGRESSED, template_id("b"): PERSISTING, template_id("c"): NEW}

    assert find_run_problem_states(world.view, get_run(world.view, "r09")) == expected
    assert find_open_problems(world.view) == {("servicenow", "prod", key): state for key, state in expected.items()}
    states = find_run_problem_states(world.view, get_run(world.view, "r02"))
    assert states == {template_id("a"): RESOLVED, template_id("b"): NEW}


def test_run_that_failed_as_a_whole_resolves_nothing(world):
    run(world, "r01", "a")
    run(world, "r02", status=Status.ERROR)

    assert count_open_problems(world.view) == {("servicenow", "prod"): OpenProblems(new=1)}


def test_run_of_which_only_actions_were_heard_is_over_when_the_next_has_begun(world):
    world.record({"run_id": "one", "status": "ERROR", "message": "a"})
    world.record({"run_id": "two", "happened_at": "2026-11-22T11:00:00Z"})
    assert set(find_open_problems(world.view).values()) == {NEW}

    world.record({"run_id": "three", "happened_at": "2026-11-22T12:00:00Z"})

    assert find_open_problems(world.view) == {}


def test_problems_people_know_of_can_be_left_out(world):
    run(world, "r01", "a", "b")

    counts = count_open_problems(world.view, leave_out={("servicenow", template_id("a"))})

    assert counts == {("servicenow", "prod"): OpenProblems(new=1)}
