"""Whatever is recorded, in whatever order and batches: summaries are what DuckDB counts, and pages lose nothing."""

import tempfile
from contextlib import closing
from pathlib import Path

import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.action import OPERATIONS, STATUSES, Progress
from ingest.counts import Counts
from ingest.index_tables import batch_problems
from ingest.problem_rows import summaries_of
from ingest.problem_summary import merged_problems
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
    optional={
        "message": st.text(max_size=20) | st.sampled_from(["record 1 refused", "record 2 refused"]),
        "configuration": st.sampled_from(["prod", "test"]),
        "source_id": st.sampled_from(["1", "2"]),
        "target_type": st.sampled_from(["app", "node"]),
        "target_name": st.sampled_from(["1", "2"]),
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


PROBLEMS_BY_DUCKDB = """
    select
        run_id, problem_id, count(*), max(case status when 'ERROR' then 3 when 'WARNING' then 2 else 1 end),
        count(distinct case
            when source_id is not null then coalesce(source_type, '') || ' ' || source_id
            when target_name is not null then coalesce(target_type, '') || ' ' || target_name
        end),
        epoch_us(min(happened_at)), epoch_us(max(happened_at))
    from actions_in($files)
    where problem_id is not null
    group by run_id, problem_id
    order by run_id, problem_id
"""


def problems_by_duckdb(view):
    with closing(view.cursor()) as cursor:
        return cursor.sql(PROBLEMS_BY_DUCKDB, params=view.bind(view.files_between(), {})).fetchall()


def problems_by_the_index(view):
    found = merged_problems(summaries_of(view.select(sa.select(batch_problems))))
    return [
        (each.run_id, each.problem_id, each.count, each.status.rank, each.records.count, each.first_us, each.last_us)
        for each in found
    ]


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
        check_problems(world)
        check_actions(world.view, None, "happened_at", sizes, sum(map(len, batches)))
        for sort in RUN_SORTS:
            check_runs(world.view, sort, sizes, sent)
            check_runs(world.view, f"-{sort}", sizes, sent)


def check_problems(world):
    """Also after the batches were merged, and the index made anew."""
    counted = problems_by_duckdb(world.view)

    assert problems_by_the_index(world.view) == counted
    list(world.recorder.compactor().compact(everything=True))
    assert problems_by_the_index(world.view) == counted
    world.recorder.reindex()
    assert problems_by_the_index(world.view) == counted
    assert problems_by_duckdb(world.view) == counted


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
