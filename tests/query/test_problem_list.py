"""Problems across runs: figures, filters, order, paging, and one of them run by run."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from ingest.action import Progress, Scope, Status
from ingest.problem import problem_id_of, template_of
from ingest.problem_notes import ProblemNote
from ingest.recorder import RunAnnouncement, RunChange
from query.causes import load_causes
from query.problem_history import find_first_run, list_occurrences
from query.problem_list import PROBLEM_SORTS, Known, ProblemFilter, find_problems, list_problems, list_trends
from query.problem_states import ProblemState

NOW = datetime(2026, 11, 25, tzinfo=UTC)
KNOWN = Known(causes=load_causes(), notes={}, now=NOW)


def run(world, run_id, *failures, integration="servicenow", configuration="prod", scope=Scope.FULL):
    names = {"integration": integration, "configuration": configuration}
    world.recorder.announce_run(RunAnnouncement(run_id=run_id, scope=scope, **names))
    usual = {"run_id": run_id, **names, "status": "ERROR"}
    world.record({**usual, "status": "OK"}, *({**usual, **failure} for failure in failures))
    world.recorder.change_run(run_id, RunChange(progress=Progress.FINISHED))


@pytest.fixture
def nights(world):
    denied = {"message": "permission denied on 'x'", "code": "403", "source_id": "a"}
    run(world, "night-1", denied, {"message": "slow", "status": "WARNING", "source_id": "a"})
    run(world, "night-2", denied, denied | {"source_id": "b"})
    run(world, "night-3", denied, {"message": "boom", "source_id": "c"})
    run(world, "other-1", denied, integration="signavio", configuration=None)
    return world


def ids(*messages):
    return [problem_id_of(template_of(message)) for message in messages]


DENIED, SLOW, BOOM = ids("permission denied on 'x'", "slow", "boom")


def found(world, known=KNOWN, **wanted):
    return [
        (each.problem_id, each.configuration, each.state.value)
        for each in list_problems(world.view, ProblemFilter(**wanted), known, sort="-state")
    ]


def test_figures_are_those_of_all_runs(nights):
    [denied] = list_problems(nights.view, ProblemFilter(q="DENIED", integration="servicenow"), KNOWN, sort="-count")

    assert denied.template == "permission denied on <name>"
    assert (denied.count, denied.records, denied.records_are_exact, denied.runs) == (4, 2, True, 3)
    assert (denied.state, denied.cause.name, denied.status) == (ProblemState.PERSISTING, "permission", Status.ERROR)
    assert denied.first_at == denied.last_at == datetime(2026, 11, 22, 10, tzinfo=UTC)
    assert denied.example.code == "403"


def test_what_deserves_a_look_comes_first(nights):
    assert found(nights) == [
        (BOOM, "prod", "new"),
        (DENIED, None, "new"),
        (DENIED, "prod", "persisting"),
        (SLOW, "prod", "resolved"),
    ]


@pytest.mark.parametrize(("wanted", "expected"), [
    ({"states": (ProblemState.RESOLVED,)}, [SLOW]),
    ({"cause": "permission", "integration": "signavio"}, [DENIED]),
    ({"status": Status.WARNING}, [SLOW]),
    ({"q": "403 denied", "configuration": "prod"}, [DENIED]),
    ({"problem_id": BOOM}, [BOOM]),
    ({"since": NOW}, []),
    ({"until": datetime(2026, 11, 1, tzinfo=UTC)}, []),
])  # fmt: skip
def test_filters_choose(nights, wanted, expected):
    assert [problem_id for problem_id, _, _ in found(nights, **wanted)] == expected


def test_muted_and_expected_come_last(nights):
    note = ProblemNote(integration="servicenow", problem_id=BOOM, is_expected=True, note="known", changed_at=NOW)
    known = replace(KNOWN, notes={("servicenow", BOOM): note})

    assert found(nights, known)[-1][0] == BOOM
    assert [each for each, _, _ in found(nights, known, is_set_aside=True)] == [BOOM]
    assert BOOM not in [each for each, _, _ in found(nights, known, is_set_aside=False)]
    assert [each for each, _, _ in found(nights, known, q="known")] == [BOOM]
    muted = replace(note, is_expected=False, muted_until=NOW + timedelta(days=1))
    known = replace(KNOWN, notes={("servicenow", BOOM): muted})
    assert found(nights, known)[-1][0] == BOOM
    assert found(nights, replace(known, now=NOW + timedelta(days=2)))[-1][0] == SLOW


@pytest.mark.parametrize("sort", [*PROBLEM_SORTS, *(f"-{name}" for name in PROBLEM_SORTS)])
def test_pages_lose_nothing(nights, sort):
    everything = list_problems(nights.view, ProblemFilter(), KNOWN, sort=sort)
    paged, cursor = [], None
    while True:
        page = find_problems(nights.view, ProblemFilter(), KNOWN, sort=sort, limit=1, cursor=cursor)
        paged += page.items
        cursor = page.next_cursor
        if cursor is None:
            break

    assert paged == everything
    assert len(paged) == 4


def test_trend_is_run_by_run(nights):
    problems = list_problems(nights.view, ProblemFilter(configuration="prod"), KNOWN, sort="template")

    trends = list_trends(nights.view, problems)

    assert {each.problem_id: trends[each.key] for each in problems} == {
        DENIED: [(1, Status.ERROR), (2, Status.ERROR), (1, Status.ERROR)],
        SLOW: [(1, Status.WARNING), (0, None), (0, None)],
        BOOM: [(0, None), (0, None), (1, Status.ERROR)],
    }


def test_one_problem_is_told_run_by_run(nights):
    [slow] = list_problems(nights.view, ProblemFilter(problem_id=SLOW), KNOWN, sort="count")

    told = list_occurrences(nights.view, slow)

    assert [(each.run_id, each.count, each.state) for each in told] == [
        ("night-1", 1, ProblemState.NEW),
        ("night-2", 0, ProblemState.RESOLVED),
        ("night-3", 0, ProblemState.RESOLVED),
    ]
    assert told[0].example.message == "slow"
    assert [each.state for each in list_occurrences(nights.view, slow, most=2)] == [ProblemState.RESOLVED] * 2
    assert find_first_run(nights.view, slow) == "night-1"
