"""Whatever is recorded, in whatever order and batches: summaries are what DuckDB counts, and pages lose nothing."""

import tempfile
from contextlib import closing
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.action import OPERATIONS, STATUSES, Progress
from ingest.counts import Counts
from ingest.recorder import RunChange
from query.actions import ActionFilter, find_actions
from query.compare import Difference, count_records, find_records
from query.runs import RUN_SORTS, RunFilter, find_runs, get_run
from tests.query.world import open_world

RUNS = ("a", "B", "run:ü 1")

lines = st.fixed_dictionaries(
    {
        "run_id": st.sampled_from(RUNS),
        "operation": st.sampled_from([word.value for word in OPERATIONS]),
        "status": st.sampled_from([word.value for word in STATUSES]),
        "happened_at": st.sampled_from(["2026-11-22T10:00:00Z", "1969-12-31T23:59:59.999999Z"])
        | st.datetimes().map(lambda moment: moment.isoformat() + "Z"),
    },
    optional={
        "message": st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20),
        "configuration": st.sampled_from(["prod", "test"]),
    },
)
batches = st.lists(st.lists(lines, min_size=1, max_size=12), min_size=1, max_size=4)
ended = st.sets(st.sampled_from(RUNS))
page_sizes = st.lists(st.integers(1, 7), min_size=1, max_size=5)


def all_pages(find, sizes):
    """Everything there is, in pages of these sizes, over and over."""
    found, cursor, turn = [], None, 0
    while True:
        page = find(limit=sizes[turn % len(sizes)], cursor=cursor)
        found += page.items
        cursor, turn = page.next_cursor, turn + 1
        if cursor is None:
            return found


def counted_by_duckdb(view, run_id):
    sql = """
        select lower(operation || '_' || status) as name, count(*) as actions
        from actions_in($files)
        where run_id = $run_id
        group by name
    """
    with closing(view.cursor()) as cursor:
        rows = cursor.sql(sql, params=view.bind(view.files_between(), {"run_id": run_id})).fetchall()
    return Counts(**dict(rows))


@settings(max_examples=25, deadline=None)
@given(batches=batches, ended=ended, sizes=page_sizes)
def test_recorded_actions_are_counted_and_paged_exactly(batches, ended, sizes):
    with tempfile.TemporaryDirectory() as folder, open_world(Path(folder)) as world:
        for batch in batches:
            world.record(*batch)
        sent = {line["run_id"] for batch in batches for line in batch}
        for run_id in sorted(ended & sent):
            world.recorder.change_run(run_id, RunChange(progress=Progress.FINISHED))

        for run_id in sent:
            expected = counted_by_duckdb(world.view, run_id)
            assert get_run(world.view, run_id).counts == expected
            for sort in ("happened_at", "-happened_at"):
                check_actions(world.view, run_id, sort, sizes, expected.processed)
        check_actions(world.view, None, "happened_at", sizes, sum(map(len, batches)))
        for sort in RUN_SORTS:
            check_runs(world.view, sort, sizes, sent)
            check_runs(world.view, f"-{sort}", sizes, sent)


def check_actions(view, run_id, sort, sizes, count):
    def find(*, limit, cursor):
        return find_actions(view, ActionFilter(), run_id=run_id, sort=sort, limit=limit, cursor=cursor)

    found = [(action.happened_at, action.batch_id, action.row) for action in all_pages(find, sizes)]

    assert found == sorted(found, reverse=sort.startswith("-"))
    assert len(set(found)) == len(found) == count


def check_runs(view, sort, sizes, sent):
    def find(*, limit, cursor):
        return find_runs(view, RunFilter(), sort=sort, limit=limit, cursor=cursor)

    found = [run.run_id for run in all_pages(find, sizes)]

    assert found == [run.run_id for run in find_runs(view, RunFilter(), sort=sort).items]
    assert sorted(found) == sorted(sent)


named = st.sampled_from([None, "x", "y", "<b>"])
record_lines = st.fixed_dictionaries(
    {
        "run_id": st.sampled_from(["a", "b", "c"]),
        "operation": st.sampled_from([word.value for word in OPERATIONS]),
        "status": st.sampled_from([word.value for word in STATUSES]),
        **dict.fromkeys(("source_type", "source_id", "source_name", "target_type", "target_id", "target_name"), named),
    }
)


def record_in(line):
    """Type, id or name, and whether it is an id; None where the line names no record."""
    for side in ("source", "target"):
        if line[f"{side}_id"] is not None:
            return line[f"{side}_type"], line[f"{side}_id"], True
    for side in ("source", "target"):
        if line[f"{side}_name"] is not None:
            return line[f"{side}_type"], line[f"{side}_name"], False
    return None


def known(record):
    has_id = record.record_id is not None
    return record.record_type, record.record_id if has_id else record.name, has_id


def compared_by_hand(lines):
    """By difference, the records of run a and run b that differ."""
    visits = {}
    for line in lines:
        if line["run_id"] != "c" and (record := record_in(line)) is not None:
            statuses, operations = visits.setdefault(record, {}).setdefault(line["run_id"], (set(), set()))
            statuses.add(line["status"])
            operations.add(line["operation"])
    nothing = (set(), set())
    found = {difference: set() for difference in Difference}
    for record, runs in visits.items():
        (statuses_a, operations_a), (statuses_b, operations_b) = runs.get("a", nothing), runs.get("b", nothing)
        fails_a, fails_b, both = "ERROR" in statuses_a, "ERROR" in statuses_b, len(runs) == 2
        is_so = {
            Difference.FAILING_NOW: fails_b and not fails_a,
            Difference.FAILING_THEN: fails_a and not fails_b,
            Difference.FAILING_BOTH: fails_a and fails_b,
            Difference.VANISHED: "b" not in runs,
            Difference.APPEARED: "a" not in runs,
            Difference.OPERATION_CHANGED: both and operations_a != operations_b,
            Difference.UPDATED_AGAIN: "UPDATE" in operations_a & operations_b and not fails_a and not fails_b,
        }
        for difference, is_true in is_so.items():
            if is_true:
                found[difference].add(record)
    return found


@settings(max_examples=20, deadline=None)
@given(batches=st.lists(st.lists(record_lines, min_size=1, max_size=10), min_size=1, max_size=3), sizes=page_sizes)
def test_runs_are_compared_exactly(batches, sizes):
    with tempfile.TemporaryDirectory() as folder, open_world(Path(folder)) as world:
        world.record({"run_id": "a"}, {"run_id": "b"})
        for batch in batches:
            world.record(*batch)
        expected = compared_by_hand([line for batch in batches for line in batch])

        counts = count_records(world.view, "a", "b").by_difference
        pages = {
            each: all_pages(
                lambda limit, cursor, each=each: find_records(world.view, "a", "b", each, limit=limit, cursor=cursor),
                sizes,
            )
            for each in Difference
        }

    assert counts == {each: len(records) for each, records in expected.items()}
    for each, records in pages.items():
        assert len(records) == counts[each]
        found = {
            (r.record_type, r.name if r.record_id is None else r.record_id, r.record_id is not None) for r in records
        }
        assert found == expected[each]
