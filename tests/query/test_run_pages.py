"""Pages of a run and its timeline, of batches as they came and of merged ones: the same, however little is read."""

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest import arrangement, merged_blocks, outlining
from ingest.action import STATUSES, Operation, Status
from ingest.index_tables import batch_runs
from ingest.run_outline import outline_from_text
from query import run_pages
from query.actions import Action, ActionFilter, find_actions
from query.blocks import Block
from query.paging import Page
from query.run_batches import RunBatch, list_run_batches
from query.run_pages import RunPage, within_reach
from query.runs import get_run
from query.search import Search, search_actions
from query.search_hits import Place
from query.timeline import get_run_timeline
from tests.query.world import World, open_world

RUNS = ("a", "b", "c")

lines = st.fixed_dictionaries(
    {
        "run_id": st.sampled_from(RUNS),
        "status": st.sampled_from([status.value for status in STATUSES]),
        "operation": st.sampled_from(["UPDATE", "DELETE"]),
        "happened_at": st.integers(0, 200).map(lambda second: f"2026-11-22T10:{second // 60:02}:{second % 60:02}Z")
        | st.just("1969-12-31T23:59:59.999999Z"),
    }
)
some_batches = st.lists(st.lists(lines, min_size=1, max_size=30), min_size=1, max_size=4)


@pytest.fixture(autouse=True)
def small_openings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outlining, "LEAST_ROWS", 4)
    monkeypatch.setattr(arrangement, "OPENING_ROWS", 3)
    monkeypatch.setattr(merged_blocks, "OPENINGS", 2)


def merge(world: World) -> None:
    compactor = world.recorder.compactor()
    assert compactor.lead()
    batch_ids = [batch.batch_id for batch in world.recorder.index.list_live("actions")]
    assert compactor.merge("actions", batch_ids) is not None


MINUTE = datetime(2026, 11, 22, 10, 1, tzinfo=UTC)
FILTERS = (
    ActionFilter(),
    ActionFilter(statuses=(Status.ERROR,)),
    ActionFilter(statuses=(Status.OK,), operations=(Operation.DELETE,)),
    ActionFilter(since=MINUTE, until=MINUTE + timedelta(minutes=1)),
)


def shown(view, run_id: str) -> list[object]:
    """What pages of a run show, in the order and cut as they are asked for."""
    pages = [
        page
        for wanted in FILTERS
        for sort in ("happened_at", "-happened_at")
        for limit in (2, 7, 50)
        for page in all_pages(view, wanted, run_id, sort, limit)
    ]
    return [*pages, *(get_run_timeline(view, get_run(view, run_id), buckets=buckets) for buckets in (2, 60))]


def all_pages(view, wanted: ActionFilter, run_id: str, sort: str, limit: int) -> Iterator[Page[Action]]:
    cursor = None
    while True:
        page = find_actions(view, wanted, run_id=run_id, sort=sort, limit=limit, cursor=cursor)
        yield page
        if (cursor := page.next_cursor) is None:
            return


@settings(max_examples=12, deadline=None)
@given(batches=some_batches, late=st.lists(lines, max_size=5), chunk_bytes=st.sampled_from([1, 2000, 1 << 20]))
def test_merged_runs_are_shown_as_they_were(batches, late, chunk_bytes) -> None:
    with tempfile.TemporaryDirectory() as folder, open_world(Path(folder)) as world:
        for batch in [*batches, *([late] if late else [])]:
            world.record(*batch)
        runs = sorted({line["run_id"] for batch in [*batches, late] for line in batch})
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(run_pages, "MOST_BLOCKS", -1)
            by_statement = {run_id: shown(world.view, run_id) for run_id in runs}
        assert {run_id: shown(world.view, run_id) for run_id in runs} == by_statement

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(merged_blocks, "CHUNK_BYTES", chunk_bytes)
            merge(world)

        assert {run_id: shown(world.view, run_id) for run_id in runs} == by_statement


@settings(max_examples=6, deadline=None)
@given(batches=some_batches, late=st.lists(lines, min_size=1, max_size=5))
def test_a_run_of_merged_and_of_fresh_batches_is_shown_as_one(batches, late) -> None:
    runs = sorted({line["run_id"] for batch in [*batches, late] for line in batch})
    told = []
    for is_merged in (False, True):
        with tempfile.TemporaryDirectory() as folder, open_world(Path(folder)) as world:
            for batch in batches:
                world.record(*batch)
            if is_merged:
                merge(world)
            world.record(*late)
            told.append([list(map(_without_ids, shown(world.view, run_id))) for run_id in runs])

    assert told[0] == told[1]


def _without_ids(seen):
    """Batch ids are of the clock: which actions, by what they say."""
    if not hasattr(seen, "items"):
        return seen
    return [replace(action, batch_id="", row=0) for action in seen.items]


def test_the_first_page_of_a_large_merged_run_reads_one_small_row_group(world, monkeypatch) -> None:
    monkeypatch.setattr(world.view, "fetch", None)  # no statement is asked
    world.record(*({"run_id": run_id, "source_id": str(n)} for n in range(9) for run_id in RUNS))
    merge(world)

    page = find_actions(world.view, ActionFilter(), run_id="c", limit=2)

    assert [action.source_id for action in page.items] == ["0", "1"]
    assert page.next_cursor is not None
    (batch,) = list_run_batches(world.view, "c")
    assert batch.outline is not None
    opening = world.view.batches.open(batch.batch_id)
    assert (opening.rows(0), opening.rows(1)) == (6, 3)  # two runs, and one
    assert batch.outline.opening == 1


def test_the_failures_of_a_large_merged_run_are_read_from_the_row_groups_that_have_them(world, monkeypatch) -> None:
    monkeypatch.setattr(world.view, "fetch", None)
    monkeypatch.setattr(merged_blocks, "FEW_ROWS", 1)
    monkeypatch.setattr(merged_blocks, "BLOCK_ROWS", 4)
    statuses = ("OK", "OK", "OK", "OK", "ERROR", "OK", "INFO", "ERROR")
    for kind in range(5):
        world.record(
            *(
                {"run_id": f"run {kind}", "integration": f"i{kind}", "source_id": str(n), "status": status}
                for n, status in enumerate(statuses)
            )
        )
    merge(world)

    page = find_actions(world.view, ActionFilter(statuses=(Status.ERROR,)), run_id="run 3")

    assert [action.source_id for action in page.items] == ["4", "7"]
    (batch,) = list_run_batches(world.view, "run 3")
    assert batch.outline is not None
    opened = world.view.batches.open(batch.batch_id)
    assert [opened.rows(block) for block in batch.outline.failures] == [3]
    assert opened.blocks > run_pages.MOST_BLOCKS


def test_blocks_without_any_of_a_problem_are_left_alone(world, monkeypatch) -> None:
    monkeypatch.setattr(world.view, "fetch", None)
    monkeypatch.setattr(merged_blocks, "FEW_ROWS", 1)
    monkeypatch.setattr(merged_blocks, "BLOCK_ROWS", 2)
    monkeypatch.setattr(outlining, "LEAST_ROWS", 100)
    world.record(*({"source_id": str(n)} for n in range(20)), {"status": "ERROR", "message": "Locked"})
    merge(world)
    (failed,) = search_actions(world.view, Search(statuses=(Status.ERROR,))).items

    page = find_actions(world.view, ActionFilter(problem_id=failed.problem_id), run_id="nightly")

    assert page.items == [failed]


def test_an_outline_that_names_a_row_group_that_is_not_there_is_passed_over(world) -> None:
    world.record(*({"source_id": str(n), "status": STATUSES[n % 4].value} for n in range(9)))
    merge(world)
    before = shown(world.view, "nightly")
    ((said,),) = world.view.select(sa.select(batch_runs.c.outline))
    wrong = replace(outline_from_text(said), opening=999, failures=(998,)).as_text()
    with world.recorder.index.engine.begin() as connection:
        connection.execute(sa.update(batch_runs).values(outline=wrong))

    assert shown(world.view, "nightly") == before


def test_large_rows_are_asked_for_by_a_statement(world, monkeypatch) -> None:
    monkeypatch.setattr(run_pages, "MOST_BYTES", 100_000)
    world.record(*({"details": {"note": f"{n} " * 20_000}} for n in range(20)))
    monkeypatch.setattr(Block, "load", None)

    assert len(find_actions(world.view, ActionFilter(), run_id="nightly").items) == 20


def test_the_timeline_of_a_large_merged_run_comes_from_the_index_alone(world, monkeypatch) -> None:
    world.record(
        *({"status": "OK", "happened_at": f"2026-11-22T10:{minute:02}:00Z"} for minute in range(30)),
        {"status": "ERROR", "happened_at": "2026-11-22T10:29:59Z"},
    )
    merge(world)
    monkeypatch.setattr(world.view, "fetch", None)

    timeline = get_run_timeline(world.view, get_run(world.view, "nightly"), buckets=10)

    assert timeline.bucket == timedelta(minutes=5)
    assert [(bucket.ok, bucket.error) for bucket in timeline.buckets] == [(5, 0)] * 5 + [(5, 1)]


def batch(name: str, first_us: int, last_us: int, count: int, gone: int = 0) -> RunBatch:
    return RunBatch(
        batch_id=name,
        first_us=first_us,
        last_us=last_us,
        rows=count - gone,
        counts={Status.OK: count},
        gone=gone,
        outline=None,
    )


def reached(
    *batches: RunBatch, wanted: int, newest_first: bool = False, between_us=(-100, 100), after=None
) -> list[str]:
    page = RunPage(run_id="r", wanted={}, between_us=between_us, after=after, newest_first=newest_first, limit=wanted)
    return [each.batch_id for each in within_reach(batches, page)]


def test_batches_that_begin_after_enough_was_found_are_left_alone() -> None:
    batches = (batch("early", 0, 9, 5), batch("beside", 8, 30, 5), batch("late", 10, 20, 5))

    assert reached(*batches, wanted=5) == ["early", "beside"]
    assert reached(*batches, wanted=6) == ["early", "beside", "late"]
    assert reached(*batches, wanted=5, newest_first=True) == ["beside", "late"]
    assert reached(batch("early", 0, 9, 5), batch("late", 10, 20, 5), wanted=5, newest_first=True) == ["late"]


def test_what_retention_left_and_what_lies_at_the_border_does_not_count_as_found() -> None:
    late = batch("late", 10, 20, 5)

    assert reached(batch("thinned", 0, 9, 5, gone=1), late, wanted=2) == ["thinned", "late"]
    assert reached(batch("begun before", 0, 9, 5), late, wanted=2, between_us=(1, 100)) == ["begun before", "late"]
    assert reached(batch("ended after", 0, 9, 5), late, wanted=2, between_us=(0, 9)) == ["ended after", "late"]
    assert reached(batch("of the place", 0, 9, 5), late, wanted=2, after=Place(0, "", 0)) == ["of the place", "late"]
    assert reached(batch("after the place", 1, 9, 5), late, wanted=2, after=Place(0, "", 0)) == ["after the place"]


def test_an_outline_is_read_as_it_was_written(world) -> None:
    world.record(*({"status": status, "happened_at": f"1969-12-31T23:0{n}:00Z"} for n, status in enumerate(STATUSES)))
    merge(world)

    (found,) = list_run_batches(world.view, "nightly")

    assert found.outline is not None
    assert [counts for _, *counts in found.outline.counts] == [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]
    assert outline_from_text(found.outline.as_text()) == found.outline
