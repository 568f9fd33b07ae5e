import threading
from pathlib import Path

import pytest

from ingest.schema import ACTION_SCHEMA
from ingest.token_index import index_tokens
from query.lake_view import LakeView
from tests.query.world import World


def record_merged(world: World, message: str) -> str:
    """A batch with a token index beside it, as merged ones have it."""
    lake, batch_id = world.recorder.lake, world.record({"message": message}).batch_id
    assert batch_id is not None
    lake.put_token_index(batch_id, lambda sink: index_tokens(lake.path_of("actions", batch_id), sink))
    return batch_id


def is_kept(view: LakeView, batch_id: str) -> bool:
    return view.batches.block(view.batches.open(batch_id), 0, is_named=True).is_kept(ACTION_SCHEMA.names)


def test_blocks_that_were_read_beforehand_need_not_be_read(world: World) -> None:
    merged, fresh = record_merged(world, "merged"), world.record({"message": "fresh"}).batch_id

    world.view.batches.warm_up([merged, fresh], threading.Event())

    assert is_kept(world.view, merged)
    assert not is_kept(world.view, fresh)


@pytest.mark.parametrize("kept_bytes", [0, 1])
def test_what_does_not_fit_is_left_alone(world: World, tmp_path: Path, kept_bytes: int) -> None:
    merged = [record_merged(world, f"merged {number}") for number in range(3)]
    view = LakeView(world.recorder.lake, world.recorder.index, kept_bytes=kept_bytes)

    view.batches.warm_up(merged, threading.Event())

    assert not is_kept(view, merged[-1])
    view.close()


def test_it_stops_when_it_is_told_to(world: World) -> None:
    merged, stopping = record_merged(world, "merged"), threading.Event()
    stopping.set()

    world.view.batches.warm_up([merged], stopping)

    assert not is_kept(world.view, merged)
