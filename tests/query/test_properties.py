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
    optional={"message": st.text(max_size=20), "configuration": st.sampled_from(["prod", "test"])},
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
