from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ingest.errors import BatchDamaged, LakeUnavailable
from query.actions import ActionFilter, find_actions
from query.problems import list_problem_counts
from query.sandbox import run_sql
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
    path.unlink()
    with pytest.raises(LakeUnavailable, match=receipt.batch_id):
        find_actions(world.view, ActionFilter(), run_id="nightly")
    with pytest.raises(LakeUnavailable, match=receipt.batch_id):
        run_sql(world.view, "from actions")


def test_summary_once_read_is_known_without_its_batches(world):
    receipt = world.record({"status": "ERROR", "message": "refused"})
    read = list_problem_counts(world.view, "nightly")
    world.recorder.lake.path_of("actions", receipt.batch_id).unlink()

    assert list_problem_counts(world.view, "nightly") == read


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
