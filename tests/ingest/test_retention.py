"""Retention: what is due goes, what was counted stays, and examples stay with it."""

import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.care import verify
from ingest.errors import SynclogError
from ingest.fault_points import FaultPoint, install
from ingest.index_tables import runs
from ingest.recorder import Recorder, RunAnnouncement
from ingest.retention import Due, Plan, Removal, carry_out, plan, total
from ingest.retention_rules import Outcome, Rule, Rules
from ingest.timestamps import from_microseconds
from tests.builders import Clock, line, ndjson

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
DAYS_30 = Rules(default=Rule(ok_days=30, failure_days=365))


class World:
    """A data folder in which time is what the test says."""

    def __init__(self, data: Path) -> None:
        self.clock = Clock()
        self.recorder = Recorder.open(data, now=self.clock)
        self.compactor = self.recorder.compactor()

    def record(self, *lines: dict[str, Any], days_ago: float) -> None:
        self.clock.turn_back(days_ago)
        self.recorder.record(ndjson(lines), "ndjson")
        self.clock.come_back()

    def plan(self, rules: Rules, *, everything: bool = True) -> Plan:
        return plan(self.recorder.lake, self.recorder.index, rules, now=NOW, everything=everything)

    def retain(self, rules: Rules, *, everything: bool = True) -> list[Removal]:
        return list(carry_out(self.plan(rules, everything=everything), self.compactor))

    def compact(self) -> None:
        list(self.compactor.compact(everything=True))

    def rows(self, kind: str = "actions") -> list[dict[str, Any]]:
        ids = [batch.batch_id for batch in self.recorder.index.list_live(kind)]
        tables = self.recorder.lake.read_in_parts(kind, ids)
        found = [row for table in tables for row in table.to_pylist()]
        return sorted(found, key=lambda row: (row["batch_id"], row["row"]))

    def totals(self) -> dict[str, dict[str, Any]]:
        with self.recorder.index.reading() as connection:
            return {row["run_id"]: dict(row) for row in connection.execute(sa.select(runs)).mappings()}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path)
    yield world
    world.recorder.close()


def ok(source_id: str = "a1", **fields: Any) -> dict[str, Any]:
    return line(source_id=source_id, **fields)


def failure(source_id: str, message: str = "No permission on 17", **fields: Any) -> dict[str, Any]:
    return line(source_id=source_id, **{"status": "ERROR", "message": message, **fields})


def of_sources(rows: Iterable[dict[str, Any]]) -> list[str]:
    return [row["source_id"] for row in rows]


def figures(dues: Iterable[Due]) -> dict[tuple[str | None, Outcome], int]:
    return {(due.integration, due.outcome): due.rows for due in dues}


def without_gone(totals: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {run_id: row | {"gone": 0} for run_id, row in totals.items()}


def test_old_ok_actions_go_and_failures_stay_longer(world: World) -> None:
    world.record(ok("old"), failure("failed"), days_ago=31)
    world.record(ok("young"), days_ago=29)
    before = world.totals()

    [removal] = world.retain(DAYS_30)

    assert of_sources(world.rows()) == ["failed", "young"]
    assert world.totals() == {"nightly": before["nightly"] | {"gone": 1}}
    assert figures(removal.dues) == {("servicenow", Outcome.OK): 1}
    assert verify(world.recorder) == []


def test_what_is_left_of_a_batch_goes_when_its_time_comes(world: World) -> None:
    world.record(ok("a"), failure("b"), days_ago=40)
    world.retain(DAYS_30)

    world.retain(Rules(default=Rule(ok_days=30, failure_days=35, keep_examples=False)))

    assert world.rows() == []
    assert world.totals()["nightly"]["gone"] == 2


def test_without_rules_nothing_is_ever_due(world: World) -> None:
    world.record(ok(), failure("b1"), days_ago=20_000)

    assert world.plan(Rules()).dues == []


def test_an_integration_may_have_its_own_rule_and_is_that_of_the_run(world: World) -> None:
    world.clock.turn_back(10)
    world.recorder.announce_run(RunAnnouncement(run_id="announced", integration="signavio"))
    world.record(ok("a"), ok("b", run_id="announced", integration=None), days_ago=10)
    rules = Rules(default=Rule(ok_days=30), integrations={"signavio": Rule(ok_days=7)})

    world.retain(rules)

    assert of_sources(world.rows()) == ["a"]


def test_what_happened_long_ago_is_young_when_it_came_today(world: World) -> None:
    world.record(ok(happened_at="1999-01-01T00:00:00Z"), days_ago=0)

    assert world.plan(DAYS_30).dues == []


def test_a_row_keeps_its_age_when_its_batch_is_merged(world: World) -> None:
    for days_ago in (40, 35, 20):
        world.record(ok(str(days_ago)), days_ago=days_ago)
    world.compact()

    [due] = world.plan(DAYS_30).dues
    oldest = from_microseconds(due.oldest_us).replace(microsecond=0)
    assert (due.rows, oldest) == (2, NOW - timedelta(days=40))
    world.retain(DAYS_30)

    assert of_sources(world.rows()) == ["20"]


def test_info_counts_as_a_failure(world: World) -> None:
    world.record(ok(), failure("b1", status="INFO"), days_ago=31)

    assert figures(world.plan(Rules(default=Rule(failure_days=30, keep_examples=False))).dues) == {
        ("servicenow", Outcome.FAILURE): 1
    }


def test_first_and_last_example_of_each_problem_of_each_integration_stay(world: World) -> None:
    for day in range(4):
        at = f"2024-01-0{day + 1}T00:00:00Z"
        world.record(
            failure(f"no permission {day}", happened_at=at),
            failure(f"too long {day}", "name is too long", happened_at=at),
            failure(f"other {day}", happened_at=at, integration="signavio", run_id="other"),
            days_ago=500 - day,
        )
    rules = Rules(
        default=Rule(failure_days=365), integrations={"signavio": Rule(failure_days=365, keep_examples=False)}
    )

    world.retain(rules)

    assert of_sources(world.rows()) == ["no permission 0", "too long 0", "no permission 3", "too long 3"]
    assert world.plan(rules).dues == []


def test_an_example_gives_way_to_a_later_one(world: World) -> None:
    for days_ago in (500, 450, 400):
        at = (NOW - timedelta(days=days_ago)).isoformat()
        world.record(failure(str(days_ago), happened_at=at), days_ago=days_ago)
    world.retain(DAYS_30)
    assert of_sources(world.rows()) == ["500", "400"]

    world.record(failure("new", happened_at=NOW.isoformat()), days_ago=0)
    world.retain(DAYS_30)

    assert of_sources(world.rows()) == ["500", "new"]
    assert world.totals()["nightly"]["gone"] == 2


def test_rejects_go_by_the_integration_of_their_run_or_by_the_default(world: World) -> None:
    world.record(ok(), line(status="purple"), line(status="blue", run_id="unheard of"), days_ago=10)
    rules = Rules(default=Rule(reject_days=7), integrations={"servicenow": Rule(reject_days=30)})

    assert figures(world.plan(rules).dues) == {(None, Outcome.REJECT): 1}
    world.retain(rules)

    assert [row["run_id"] for row in world.rows("rejects")] == ["nightly"]
    assert len(world.rows()) == 1


def test_a_batch_of_which_nothing_is_left_still_counts(world: World) -> None:
    world.record(ok("a"), ok("b"), days_ago=31)
    before = world.totals()

    world.retain(DAYS_30)

    [batch] = world.recorder.index.list_live("actions")
    assert (batch.rows, batch.runs) == (0, 1)
    assert world.totals() == {"nightly": before["nightly"] | {"gone": 2}}
    world.recorder.reindex()
    assert world.totals() == {"nightly": before["nightly"] | {"gone": 2}}
    assert world.plan(DAYS_30).batches == ()
    assert verify(world.recorder) == []


def test_empty_leftovers_are_merged_like_any_batch(world: World) -> None:
    world.record(ok("a"), days_ago=31)
    world.retain(DAYS_30)
    world.record(ok("b", run_id="later"), days_ago=0)

    world.compact()

    [batch] = world.recorder.index.list_live("actions")
    assert (batch.rows, batch.runs) == (1, 2)
    assert {run_id: row["gone"] for run_id, row in world.totals().items()} == {"nightly": 1, "later": 0}
    assert verify(world.recorder) == []


def test_on_schedule_a_batch_is_written_anew_once_it_is_worth_it(world: World) -> None:
    world.record(ok("old"), days_ago=31)
    world.record(*(ok(f"young {number}") for number in range(50)), days_ago=20)
    world.compact()

    assert world.retain(DAYS_30, everything=False) == []
    sooner = Rules(default=Rule(ok_days=23))  # then the old one has been due for more than a week
    assert [removal.batches for removal in world.retain(sooner, everything=False)] == [1]
    assert "old" not in of_sources(world.rows())


def test_many_small_batches_become_one(world: World) -> None:
    for number in range(5):
        world.record(ok(f"old {number}"), failure(f"b{number}", f"said {'x' * number}"), days_ago=40 - number)

    assert [removal.batches for removal in world.retain(DAYS_30)] == [5]
    assert len(world.recorder.index.list_live("actions")) == 1


@pytest.mark.parametrize(
    "damage",
    [lambda whole: whole[:20], lambda whole: whole.replace(b"UPDATE", b"UPD\0TE")],
    ids=["cut off", "in a column that is only read when it is written anew"],
)
def test_a_damaged_batch_is_left_and_does_not_hold_up_the_others(
    world: World, damage: Callable[[bytes], bytes]
) -> None:
    for number in range(3):
        world.record(ok(f"old {number}"), days_ago=40 - number)
    damaged = world.recorder.index.list_live("actions")[1].batch_id
    path = world.recorder.lake.path_of("actions", damaged)
    path.chmod(0o644)
    path.write_bytes(damage(path.read_bytes()))

    removals = world.retain(DAYS_30)

    assert figures(total(due for removal in removals for due in removal.dues)) == {("servicenow", Outcome.OK): 2}
    assert world.recorder.index.find_live([damaged]) == [damaged]
    assert world.totals()["nightly"]["gone"] == 2


class Killed(BaseException):
    pass


@pytest.mark.parametrize(
    "point",
    [
        FaultPoint.MERGE_CHOSEN,
        FaultPoint.PUT_BEGUN,
        FaultPoint.RENAMED,
        FaultPoint.RETENTION_REWRITTEN,
        FaultPoint.RETENTION_SWAPPED,
    ],
)
def test_stopped_anywhere_it_is_as_before_or_done(world: World, tmp_path: Path, point: FaultPoint) -> None:
    world.record(ok("old"), failure("b1"), days_ago=31)
    before = world.totals()

    def kill(name: str) -> None:
        if name == point:
            raise Killed

    install(kill)
    try:
        with pytest.raises(Killed):
            world.retain(DAYS_30)
    finally:
        install(None)
    world.clock.now = NOW + timedelta(minutes=2)  # its lease is over
    again = Recorder.open(tmp_path, now=world.clock)

    world.recorder.close()
    world.recorder, world.compactor = again, again.compactor()
    gone = world.totals()["nightly"]["gone"]
    assert of_sources(world.rows()) == (["b1"] if gone else ["old", "b1"])
    world.retain(DAYS_30)
    assert of_sources(world.rows()) == ["b1"]
    assert world.totals() == {"nightly": before["nightly"] | {"gone": 1}}
    assert verify(again) == []


def test_whoever_does_not_lead_removes_nothing(world: World) -> None:
    world.record(ok(), days_ago=31)
    leader = world.recorder.compactor()
    assert leader.lead()

    assert world.retain(DAYS_30) == []
    assert len(world.rows()) == 1


day_counts = st.none() | st.integers(1, 60)
rules_of_any_kind = st.builds(
    Rule, ok_days=day_counts, failure_days=day_counts, reject_days=day_counts, keep_examples=st.booleans()
)
lines = st.builds(
    lambda run, status, message, second: line(
        run_id=f"{run} run",
        integration=run,
        status=status,
        message=message,
        happened_at=f"2026-01-01T00:00:{second:02}Z",
    ),
    st.sampled_from(["x", "y"]),
    st.sampled_from(["OK", "INFO", "WARNING", "ERROR", "purple"]),
    st.sampled_from(["it broke", "it leaked", "no 17"]),
    st.integers(0, 59),
)


@settings(max_examples=25, deadline=None)
@given(
    batches=st.lists(st.tuples(st.lists(lines, min_size=1, max_size=6), st.integers(0, 70)), min_size=1, max_size=6),
    default=rules_of_any_kind,
    own=rules_of_any_kind,
    merged=st.booleans(),
)
def test_what_was_planned_goes_and_no_total_changes(
    batches: list[tuple[list[dict[str, Any]], int]], default: Rule, own: Rule, merged: bool
) -> None:
    rules = Rules(default=default, integrations={"y": own})
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder))
        for some, days_ago in sorted(batches, key=lambda batch: -batch[1]):
            world.record(*some, days_ago=days_ago)
        if merged:
            world.compact()
        actions, rejects, counted = world.rows(), world.rows("rejects"), world.totals()
        expected = [row for row in actions if not _is_due(row, rules, actions)]
        expected_rejects = [row for row in rejects if not _is_old(row, rules, Outcome.REJECT, counted)]
        planned = figures(world.plan(rules).dues)

        removed = world.retain(rules)

        assert world.rows() == expected
        assert world.rows("rejects") == expected_rejects
        assert figures(total(due for removal in removed for due in removal.dues)) == planned
        assert sum(planned.values()) == len(actions) + len(rejects) - len(expected) - len(expected_rejects)
        left = Counter(row["run_id"] for row in expected)
        there = Counter(row["run_id"] for row in actions)
        assert without_gone(world.totals()) == counted
        assert {run_id: row["gone"] for run_id, row in world.totals().items()} == {
            run_id: there[run_id] - left[run_id] for run_id in counted
        }
        assert world.plan(rules).batches == ()
        after = world.totals()
        world.recorder.reindex()
        assert (world.totals(), world.rows()) == (after, expected)
        assert verify(world.recorder) == []
        world.recorder.close()


def _is_old(row: dict[str, Any], rules: Rules, outcome: Outcome, known: Iterable[str] = ()) -> bool:
    integration = row["run_id"].split()[0] if outcome is not Outcome.REJECT or row["run_id"] in known else None
    days = rules.of(integration).days_of(outcome)
    milliseconds = int(row["batch_id"].replace("-", "")[:12], 16)
    return days is not None and milliseconds < (NOW - timedelta(days=days)).timestamp() * 1000


def _is_due(row: dict[str, Any], rules: Rules, actions: list[dict[str, Any]]) -> bool:
    """The rule in words: old enough, and no example."""
    if row["status"] == "OK":
        return _is_old(row, rules, Outcome.OK)
    alike = [each for each in actions if (each["run_id"], each["problem_id"]) == (row["run_id"], row["problem_id"])]
    in_order = sorted(alike, key=lambda each: (each["happened_at"], each["batch_id"], each["row"]))
    is_example = rules.of(row["integration"]).keep_examples and row in (in_order[0], in_order[-1])
    return _is_old(row, rules, Outcome.FAILURE) and not is_example


def test_an_index_that_cannot_be_read_is_said(world: World) -> None:
    world.record(ok(), days_ago=31)
    world.recorder.index.engine.dispose()
    with world.recorder.index.writing() as connection:
        connection.execute(sa.text("drop table batch_runs"))

    with pytest.raises(SynclogError):
        world.plan(DAYS_30)
