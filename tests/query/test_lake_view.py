from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ingest.errors import BatchDamaged, LakeUnavailable
from query.actions import ActionFilter, find_actions, stream_actions
from query.damage import UnreadableRun, list_damaged_batches
from query.problems import list_run_problems
from query.runs import get_run
from query.sandbox import run_sql
from query.search import Search, search_actions, stream_search
from query.timeline import get_run_timeline
from tests.query.world import open_world


def test_files_between_are_those_that_reach_into_the_time(world):
    names = {}
    for day in (1, 2, 3):
        receipt = world.record(
            {"run_id": f"r{day}", "integration": f"i{day}", "happened_at": f"2026-11-0{day}T10:00:00Z"}
        )
        names[str(world.recorder.lake.path_of("actions", receipt.batch_id))] = day

    def days(*arguments):
        return [names[file] for file in world.view.files_between(*arguments)]

    assert days() == [1, 2, 3]
    assert days(datetime(2026, 11, 2, tzinfo=UTC)) == [2, 3]
    assert days(None, datetime(2026, 11, 2, 10, tzinfo=UTC)) == [1]
    assert days(None, None, "i2") == [2]


def test_column_of_a_newer_format_is_tolerated_and_one_missing_in_an_older_is_null(world):
    receipt = world.record({"message": "fine", "code": "1"})
    path = world.recorder.lake.path_of("actions", receipt.batch_id)
    table = pq.read_table(path, partitioning=None)
    pq.write_table(table.drop_columns(["code"]).append_column("colour", pa.array(["red"])), path)

    [action] = find_actions(world.view, ActionFilter(), run_id="nightly").items

    assert (action.message, action.code) == ("fine", None)


def test_damaged_and_missing_batches_are_named(world):
    receipt = world.record({})
    path = world.recorder.lake.path_of("actions", receipt.batch_id)
    path.write_bytes(b"this is not Parquet at all")

    with pytest.raises(BatchDamaged, match=receipt.batch_id):
        find_actions(world.view, ActionFilter(), run_id="nightly")
    gone = world.record({})
    world.recorder.lake.path_of("actions", gone.batch_id).unlink()
    with pytest.raises(BatchDamaged, match=f"{gone.batch_id} is damaged: the file is gone"):
        run_sql(world.view, "from actions")
    assert [batch.batch_id for batch in list_damaged_batches(world.view)] == [receipt.batch_id, gone.batch_id]


def test_whoever_asks_again_is_answered_without_the_damaged_batch(world):
    world.record({"source_id": "a1"})
    damaged = world.record({"source_id": "a2"}, {"source_id": "a3"})
    world.recorder.lake.path_of("actions", damaged.batch_id).write_bytes(b"this is not Parquet at all")

    with pytest.raises(BatchDamaged, match="is damaged"):
        run_sql(world.view, "from actions")

    assert run_sql(world.view, "select source_id from actions").table["source_id"].to_pylist() == ["a1"]
    [action] = find_actions(world.view, ActionFilter(), run_id="nightly").items
    assert action.source_id == "a1"
    assert [hit.source_id for hit in search_actions(world.view, Search(run_id="nightly")).items] == ["a1"]
    run = get_run(world.view, "nightly")
    assert (run.counts.processed, run.unreadable) == (3, 2)
    [batch] = list_damaged_batches(world.view)
    assert (batch.rows, batch.runs) == (2, (UnreadableRun(run_id="nightly", actions=2),))
    assert run_sql(world.view, "select unreadable from runs").table["unreadable"].to_pylist() == [2]
    assert run_sql(world.view, "from batches").table.num_rows == 1


@pytest.mark.parametrize("ask", [
    lambda view: list(stream_actions(view, "nightly", ActionFilter())),
    lambda view: search_actions(view, Search(terms=("word",))),
    lambda view: list(stream_search(view, Search(substring="word"))),
    lambda view: list_run_problems(view, "nightly"),
])  # fmt: skip
def test_every_way_of_reading_finds_out_which_batch_is_damaged(world, ask):
    batch_id = world.record(*({"message": f"word {n}", "status": "ERROR"} for n in range(2000))).batch_id
    path = world.recorder.lake.path_of("actions", batch_id)
    whole = path.read_bytes()
    path.chmod(0o644)
    path.write_bytes(whole[:4] + bytes(len(whole) // 2) + whole[4 + len(whole) // 2 :])

    with pytest.raises(BatchDamaged, match=batch_id):
        ask(world.view)

    assert [batch.batch_id for batch in list_damaged_batches(world.view)] == [batch_id]
    ask(world.view)


def test_one_changed_byte_is_found_by_the_page_of_a_run(world):
    batch_id = world.record({"status": "WARNING"}, {"status": "ERROR"}).batch_id
    path = world.recorder.lake.path_of("actions", batch_id)
    whole = path.read_bytes()
    path.chmod(0o644)
    path.write_bytes(whole.replace(b"WARNING", b"WARNXNG", 1))

    with pytest.raises(BatchDamaged, match=batch_id):
        find_actions(world.view, ActionFilter(), run_id="nightly")

    assert find_actions(world.view, ActionFilter(), run_id="nightly").items == []


def test_a_lake_that_is_away_is_not_taken_for_damaged(world):
    world.record({})
    lake = world.view.lake.root
    lake.rename(lake.with_name("away"))

    with pytest.raises(LakeUnavailable, match="not there any more"):
        find_actions(world.view, ActionFilter(), run_id="nightly")

    lake.with_name("away").rename(lake)
    assert len(find_actions(world.view, ActionFilter(), run_id="nightly").items) == 1


def test_summary_once_read_is_known_without_its_batches(world):
    receipt = world.record({"status": "ERROR", "message": "refused"})
    run = get_run(world.view, "nightly")
    read = get_run_timeline(world.view, run)
    world.recorder.lake.path_of("actions", receipt.batch_id).unlink()

    assert get_run_timeline(world.view, run) == read


def test_many_threads_read_at_once_while_one_writes(world):
    def read(number):
        return len(find_actions(world.view, ActionFilter(q=f"of {number % 2}"), run_id=f"r{number % 2}").items)

    for number in (0, 1):
        world.record({"run_id": f"r{number}", "message": f"of {number}"})
    with ThreadPoolExecutor(8) as threads:
        found = threads.map(read, range(64))
        world.record(*[{"run_id": "r9"} for _ in range(100)])

    assert set(found) == {1}


def test_folder_with_wildcards_in_its_name_is_only_itself(tmp_path):
    for name in ("lake[1]=*?'s", "lake1='s"):
        with open_world(tmp_path / name) as world:
            world.record({"message": name})

    with open_world(tmp_path / "lake[1]=*?'s") as world:
        [action] = find_actions(world.view, ActionFilter(), run_id="nightly").items
        answered = run_sql(world.view, "select message from actions").table.to_pylist()

    assert action.message == "lake[1]=*?'s"
    assert answered == [{"message": "lake[1]=*?'s"}]
