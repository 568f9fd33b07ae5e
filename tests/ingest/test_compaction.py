import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pyarrow.compute as pc
import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.action import Progress
from ingest.care import verify
from ingest.compaction import FAN_IN, FULL_ROWS, GRACE_SECONDS, KEEP_FILES, LEASE_SECONDS, Compactor, choose
from ingest.index_tables import metadata
from ingest.lake import MERGING
from ingest.recorder import Recorder, RunAnnouncement, RunChange
from tests.builders import Clock, all_rows, line, ndjson

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def recorder(tmp_path: Path, clock: Clock) -> Recorder:
    recorder = Recorder.open(tmp_path, now=clock)
    yield recorder
    recorder.close()


def compactor_of(recorder: Recorder, clock: Clock) -> Compactor:
    return Compactor(recorder.lake, recorder.index, now=clock, catch_up=recorder.catch_up)


def record_some(recorder: Recorder, batches: int = 5) -> None:
    for number in range(batches):
        statuses = ("OK", "ERROR", "OK", "WARNING")
        recorder.record(
            ndjson(
                line(run_id=f"run {place % 2}", status=status, source_id=f"{number}-{place}", message=f"said {number}")
                for place, status in enumerate(statuses)
            ),
            "ndjson",
            idempotency_key=f"key {number}",
        )


def live_rows(recorder: Recorder, kind: str = "actions") -> list[dict[str, object]]:
    tables = recorder.lake.read_in_parts(kind, [row.batch_id for row in recorder.index.list_live(kind)])
    return sorted((row for table in tables for row in table.to_pylist()), key=lambda row: (row["batch_id"], row["row"]))


def totals(recorder: Recorder) -> list[tuple[object, ...]]:
    runs = metadata.tables["runs"]
    with recorder.index.engine.connect() as connection:
        return [tuple(row) for row in connection.execute(sa.select(runs).order_by(runs.c.run_id))]


def test_many_small_batches_become_one_with_the_same_rows(recorder: Recorder, clock: Clock) -> None:
    record_some(recorder)
    before, counted = live_rows(recorder), totals(recorder)

    merges = list(compactor_of(recorder, clock).compact(everything=True))

    assert [(merge.kind, merge.batches, merge.rows) for merge in merges] == [("actions", 5, 20)]
    assert len(recorder.index.list_live("actions")) == 1
    assert live_rows(recorder) == before
    assert totals(recorder) == counted
    assert verify(recorder) == []


def test_failures_come_first_run_by_run_the_worst_before_others(recorder: Recorder, clock: Clock) -> None:
    record_some(recorder)
    list(compactor_of(recorder, clock).compact(everything=True))
    [merged] = recorder.index.list_live("actions")

    rows = recorder.lake.read("actions", merged.batch_id).select(["run_id", "status"]).to_pylist()

    assert [(row["run_id"], row["status"]) for row in rows] == (
        [("run 1", "ERROR")] * 5 + [("run 1", "WARNING")] * 5 + [("run 0", "OK")] * 10
    )


def test_a_leader_that_gives_way_does_so_between_two_merges_as_long_as_somebody_wishes_to_lead(
    recorder: Recorder, clock: Clock
) -> None:
    """And no longer than a minute after whoever wished was killed."""
    record_some(recorder)
    server, command = recorder.compactor(gives_way=True), compactor_of(recorder, clock)
    assert server.lead()
    assert not command.lead()

    command.wish()

    assert list(server.compact(everything=True)) == []
    assert not server.leads
    clock.pass_by(LEASE_SECONDS + 1)
    assert server.lead()


def test_whoever_wished_leads_until_it_resigns(recorder: Recorder, clock: Clock) -> None:
    server, command = recorder.compactor(gives_way=True), compactor_of(recorder, clock)
    server.lead()
    command.wish()
    assert not server.lead()

    assert command.lead()

    assert not server.lead()
    clock.pass_by(LEASE_SECONDS - 1)
    assert command.lead()
    clock.pass_by(LEASE_SECONDS - 1)
    assert not server.lead()
    command.resign()
    assert server.lead()


def test_a_command_does_not_give_way(recorder: Recorder, clock: Clock) -> None:
    record_some(recorder)
    one, other = compactor_of(recorder, clock), compactor_of(recorder, clock)
    one.lead()

    other.wish()

    assert len(list(one.compact(everything=True))) == 1
    other.resign()
    assert recorder.compactor(gives_way=True).lead() is False
    one.resign()
    assert recorder.compactor(gives_way=True).lead()


def test_an_index_made_anew_says_the_same(recorder: Recorder, clock: Clock) -> None:
    recorder.announce_run(RunAnnouncement(run_id="run 0", integration="signavio", configuration="eu"))
    record_some(recorder)
    recorder.change_run("run 0", RunChange(progress=Progress.FINISHED, message="done"))
    recorder.change_run("run 1", RunChange(progress=Progress.ABORTED))
    counted = totals(recorder)
    list(compactor_of(recorder, clock).compact(everything=True))
    assert totals(recorder) == counted

    recorder.reindex()

    assert totals(recorder) == counted
    assert recorder.index.find_answer("key 3") is not None
    assert recorder.catch_up() == 0


def test_a_request_sent_again_is_still_known_after_its_batch_was_merged(recorder: Recorder, clock: Clock) -> None:
    first = recorder.record(ndjson([line()]), "ndjson", idempotency_key="once")
    record_some(recorder)
    list(compactor_of(recorder, clock).compact(everything=True))
    recorder.reindex()

    again = recorder.record(ndjson([line()]), "ndjson", idempotency_key="once")

    assert (again.batch_id, again.repeated) == (first.batch_id, True)


def test_replaced_files_go_after_the_grace_and_not_while_somebody_needs_them(recorder: Recorder, clock: Clock) -> None:
    record_some(recorder)
    compactor = compactor_of(recorder, clock)
    list(compactor.compact(everything=True))

    compactor.sweep()
    assert len(list(recorder.lake.list_ids("actions"))) == 6

    clock.pass_by(GRACE_SECONDS + 1)
    recorder.index.take_lease(KEEP_FILES, "a backup", now_us=int(clock().timestamp() * 1e6), seconds=60)
    assert compactor.sweep() == 0
    assert len(list(recorder.lake.list_ids("actions"))) == 6

    clock.pass_by(61)
    assert compactor.sweep() > 0
    assert len(list(recorder.lake.list_ids("actions"))) == 1
    assert verify(recorder) == []


def test_only_one_process_merges(recorder: Recorder, clock: Clock) -> None:
    record_some(recorder)
    one, other = compactor_of(recorder, clock), compactor_of(recorder, clock)
    assert one.lead()

    assert list(other.compact(everything=True)) == []

    clock.pass_by(61)  # the one has died
    assert len(list(other.compact(everything=True))) == 1
    assert one.merge("actions", [row.batch_id for row in recorder.index.list_live("actions")]) is None
    assert len(list(recorder.lake.list_ids("actions"))) == 6


def test_a_merged_batch_that_was_sealed_but_not_indexed_takes_its_place_later(recorder: Recorder, clock: Clock) -> None:
    record_some(recorder)
    before, counted = live_rows(recorder), totals(recorder)
    compactor = compactor_of(recorder, clock)

    class Died(BaseException):
        pass

    def die(*_: object, **__: object) -> None:
        raise Died

    compactor._index = type("Dying", (), {"replace": die})()  # type: ignore[assignment]
    with pytest.raises(Died):
        compactor.merge("actions", [row.batch_id for row in recorder.index.list_live("actions")])

    assert compactor_of(recorder, clock).lead()
    assert len(recorder.index.list_live("actions")) == 1
    assert (live_rows(recorder), totals(recorder)) == (before, counted)


def test_of_two_that_replace_the_same_the_later_counts_with_and_without_index(recorder: Recorder, clock: Clock) -> None:
    record_some(recorder, 3)
    counted = totals(recorder)
    first, second = compactor_of(recorder, clock), compactor_of(recorder, clock)
    ids = [row.batch_id for row in recorder.index.list_live("actions")]
    assert second.lead()
    [addition] = _sealed_only(recorder, first, ids[:2])
    assert second.merge("actions", ids) is not None
    assert addition in set(recorder.lake.list_ids("actions"))

    recorder.catch_up()
    assert totals(recorder) == counted
    recorder.reindex()

    assert totals(recorder) == counted
    assert len(live_rows(recorder)) == 12
    clock.pass_by(GRACE_SECONDS + 1)
    second.sweep()
    assert len(list(recorder.lake.list_ids("actions"))) == 1


def _sealed_only(recorder: Recorder, compactor: Compactor, ids: list[str]) -> list[str]:
    """Seals a merged batch and stops before the index hears of it, as a paused process does."""
    before = set(recorder.lake.list_ids("actions"))
    footers = [recorder.lake.read_footer("actions", batch_id) for batch_id in ids]
    merged_id = compactor._ids.next()
    recorder.lake.put("actions", merged_id, compactor._writing(merged_id, footers, None), unfinished=MERGING)
    return sorted(set(recorder.lake.list_ids("actions")) - before)


def test_rows_that_do_not_stay_are_counted_as_gone(recorder: Recorder, clock: Clock) -> None:
    record_some(recorder)
    before = {run["run_id"]: run for run in _runs(recorder)}
    compactor = compactor_of(recorder, clock)
    assert compactor.lead()
    ids = [row.batch_id for row in recorder.index.list_live("actions")]

    compactor.merge("actions", ids, keep=lambda table: pc.not_equal(table["status"], "OK"))

    after = {run["run_id"]: run for run in _runs(recorder)}
    assert [row["status"] for row in live_rows(recorder)].count("OK") == 0
    assert after == {"run 0": before["run 0"] | {"gone": 10}, "run 1": before["run 1"]}
    recorder.reindex()
    assert {run["run_id"]: run for run in _runs(recorder)} == after
    assert verify(recorder) == []


def _runs(recorder: Recorder) -> list[dict[str, object]]:
    with recorder.index.engine.connect() as connection:
        return [dict(row) for row in connection.execute(sa.select(metadata.tables["runs"])).mappings()]


def test_a_damaged_batch_is_not_merged_and_nothing_is_lost(recorder: Recorder, clock: Clock) -> None:
    record_some(recorder)
    damaged = recorder.index.list_live("actions")[2].batch_id
    path = recorder.lake.path_of("actions", damaged)
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:-50])

    assert list(compactor_of(recorder, clock).compact(everything=True)) == []
    assert len(all_rows_of_others(recorder, damaged)) == 16


def test_once_it_is_known_a_damaged_batch_keeps_no_other_from_being_merged(recorder: Recorder, clock: Clock) -> None:
    record_some(recorder)
    damaged = recorder.index.list_live("actions")[2].batch_id
    path = recorder.lake.path_of("actions", damaged)
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:-50])
    compactor = compactor_of(recorder, clock)
    list(compactor.compact(everything=True))

    [merge] = compactor.compact(everything=True)

    assert (merge.batches, merge.rows) == (4, 16)
    assert [finding.batch_id for finding in verify(recorder)] == [damaged]


def all_rows_of_others(recorder: Recorder, damaged: str) -> list[dict[str, object]]:
    return [
        row
        for batch_id in recorder.lake.list_ids("actions")
        if batch_id != damaged
        for row in recorder.lake.read("actions", batch_id).to_pylist()
    ]


def test_rejects_are_merged_as_they_came(recorder: Recorder, clock: Clock) -> None:
    for number in range(3):
        recorder.record(ndjson([line(), line(status=f"purple {number}")]), "ndjson")
    before = all_rows(recorder, "rejects")

    list(compactor_of(recorder, clock).compact(everything=True))

    assert live_rows(recorder, "rejects") == before
    assert len(recorder.index.list_live("rejects")) == 1


@dataclass(frozen=True, kw_only=True)
class Sized:
    batch_id: str
    rows: int
    runs: int = 1
    answers: int = 0
    problems: int = 0
    is_merged: bool = False


def sized(*rows: int, **others: object) -> list[Sized]:
    return [Sized(batch_id=str(number), rows=count, **others) for number, count in enumerate(rows)]  # type: ignore[arg-type]


def test_a_few_batches_are_left_alone_and_many_of_one_size_are_merged() -> None:
    assert choose(sized(*[3] * (FAN_IN - 1))) == []
    assert choose(sized(*[3] * FAN_IN, 5000)) == [[str(number) for number in range(FAN_IN)]]


def test_enough_for_a_full_batch_is_merged_at_once() -> None:
    assert choose(sized(*[50_000] * 25)) == [[str(number) for number in range(20)]]


def test_a_full_batch_is_written_again_once_and_then_left() -> None:
    assert choose(sized(FULL_ROWS * 3)) == [["0"]]
    assert choose(sized(FULL_ROWS * 3, is_merged=True)) == []
    assert choose(sized(FULL_ROWS, FULL_ROWS, is_merged=True), everything=True) == []


def test_summaries_bound_a_merge_like_rows_do() -> None:
    chosen = choose(sized(*[1] * 200, runs=100))

    assert [len(some) for some in chosen] == [100, 100]


run_ids = st.sampled_from(["a", "b", "ü"])
statuses = st.sampled_from(["OK", "INFO", "WARNING", "ERROR"])
lines = st.builds(
    lambda run_id, status, message, integration: line(
        run_id=run_id, status=status, message=message, integration=integration
    ),
    run_ids,
    statuses,
    st.none() | st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20),
    st.sampled_from([None, "x", "y"]),
)


@settings(max_examples=25, deadline=None)
@given(batches=st.lists(st.lists(lines, min_size=1, max_size=8), min_size=2, max_size=6), cut=st.integers(1, 5))
def test_merging_in_any_steps_changes_no_answer(batches: list[list[dict[str, object]]], cut: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        clock = Clock()
        recorder = Recorder.open(Path(folder), now=clock)
        compactor = compactor_of(recorder, clock)
        for number, batch in enumerate(batches):
            recorder.record(ndjson(batch), "ndjson")
            if number % cut == 0:
                list(compactor.compact(everything=True))
        before, counted = live_rows(recorder), totals(recorder)

        list(compactor.compact(everything=True))

        assert len(before) == sum(map(len, batches))
        assert (live_rows(recorder), totals(recorder)) == (before, counted)
        recorder.reindex()
        assert (live_rows(recorder), totals(recorder)) == (before, counted)
        assert verify(recorder) == []
        recorder.close()
