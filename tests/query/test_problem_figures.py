"""Whatever is recorded, merged and renamed: the figures of problems are those that DuckDB counts."""

import tempfile
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import sqlalchemy as sa
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from ingest.action import STATUSES
from ingest.index_tables import batch_problems, problem_totals, runs
from ingest.problem_rows import ProblemTotal, summaries_of, totals_of
from ingest.problem_summary import merged_problems
from ingest.recorder import RunAnnouncement
from tests.query.world import open_world

lines = st.fixed_dictionaries(
    {
        "run_id": st.sampled_from(["a", "b"]),
        "status": st.sampled_from([word.value for word in STATUSES]),
        "message": st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=9)
        | st.sampled_from(["record 1 refused", "record 2 refused"]),
    },
    optional={
        "happened_at": st.sampled_from(["2026-11-22T09:00:00Z", "1969-12-31T23:59:59.999999Z"]),
        "configuration": st.sampled_from(["prod", "test"]),
        "source_id": st.sampled_from(["1", "2"]),
        "target_type": st.sampled_from(["app", "node"]),
        "target_name": st.sampled_from(["1", "2"]),
    },
)
batches = st.lists(st.lists(lines, min_size=1, max_size=9), min_size=1, max_size=4)

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


def totals_by_the_index(view):
    rows = view.select(sa.select(problem_totals).order_by(*list(problem_totals.primary_key)))
    return totals_of(rows)


def totals_of_runs(view):
    """What the totals must be, from what the batches say and what the runs are called."""
    columns = sa.select(batch_problems, runs.c.integration, runs.c.configuration)
    rows = view.select(columns.join(runs, runs.c.run_id == batch_problems.c.run_id))
    names = {row.run_id: (row.integration, row.configuration or "") for row in rows}
    found = {}
    for each in merged_problems(summaries_of(rows)):
        found.setdefault((*names[each.run_id], each.problem_id), []).append(replace(each, run_id=""))
    return [
        ProblemTotal(integration=key[0], configuration=key[1], runs=len(each), summary=merged_problems(each)[0])
        for key, each in sorted(found.items())
    ]


@settings(max_examples=25, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(batches=batches)
def test_figures_of_problems_are_those_that_duckdb_counts(batches):
    """Also after batches were merged, a run was named otherwise, and the index made anew."""
    with tempfile.TemporaryDirectory() as folder, open_world(Path(folder)) as world:
        view, recorder = world.view, world.recorder
        for batch in batches:
            world.record(*batch)
            assert totals_by_the_index(view) == totals_of_runs(view)
        counted = problems_by_duckdb(view)
        assert problems_by_the_index(view) == counted

        list(recorder.compactor().compact(everything=True))
        assert problems_by_the_index(view) == counted
        assert totals_by_the_index(view) == totals_of_runs(view)

        recorder.announce_run(RunAnnouncement(run_id="a", integration="signavio", configuration="late"))
        totals = totals_of_runs(view)
        assert totals_by_the_index(view) == totals

        recorder.reindex()
        assert problems_by_the_index(view) == counted
        assert totals_by_the_index(view) == totals
