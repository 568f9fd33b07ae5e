import threading
from pathlib import Path

import pytest

from ingest.merged_blocks import FEW_ROWS
from ingest.schema import ACTION_SCHEMA
from ingest.token_index import index_tokens
from query import blocks
from query.blocks import Batch
from query.columns import Column
from query.lake_view import LakeView
from tests.query.world import World


def record_merged(world: World, message: str) -> str:
    """A batch with a token index beside it, as merged ones have it."""
    lake, batch_id = world.recorder.lake, world.record({"message": message}).batch_id
    assert batch_id is not None
    lake.put_token_index(batch_id, lambda sink: index_tokens(lake.path_of("actions", batch_id), sink))
    return batch_id


def merge_some(world: World, how_many: int) -> list[str]:
    """Merged batches with an opening and another block each."""
    compactor = world.recorder.compactor()
    assert compactor.lead()
    for run in range(how_many):
        line = {"run_id": f"run {run}", "integration": "crm", "happened_at": "2026-11-22T10:00:00Z"}
        batch_id = world.record(*({**line, "source_id": f"{run}-{number}"} for number in range(2 * FEW_ROWS))).batch_id
        assert batch_id is not None
        assert compactor.merge("actions", [batch_id]) is not None
    return world.view.newest_merged(how_many)


def bytes_of(world: World, batch_id: str) -> int:
    """What the columns of its first block take."""
    block = world.view.batches.block(world.view.batches.open(batch_id), 0, is_named=False)
    block.prepare()
    return block.nbytes


def is_kept(view: LakeView, batch_id: str) -> bool:
    return view.batches.block(view.batches.open(batch_id), 0, is_named=True).is_kept(ACTION_SCHEMA.names)


def test_blocks_that_were_read_beforehand_need_not_be_read(world: World) -> None:
    merged, fresh = record_merged(world, "merged"), world.record({"message": "fresh"}).batch_id

    world.view.batches.warm_up([merged, fresh], threading.Event())

    assert is_kept(world.view, merged)
    assert not is_kept(world.view, fresh)


def test_what_pages_of_runs_begin_with_is_read_first(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    merged, read = merge_some(world, 2), []
    really_read = Batch.read

    def reading(batch: Batch, block: int, names: list[str]) -> dict[str, Column]:
        read.append((Path(batch.path).stem, block))
        return really_read(batch, block, names)

    monkeypatch.setattr(Batch, "read", reading)

    world.view.batches.warm_up(merged, threading.Event())

    assert read == [(batch_id, block) for block in (0, 1) for batch_id in merged]


def test_a_batch_that_came_later_takes_the_place_of_others(world: World) -> None:
    older, newer = (record_merged(world, message) for message in ("older", "newer"))
    view = LakeView(world.recorder.lake, world.recorder.index, kept_bytes=bytes_of(world, newer) * 3 // 2)

    view.batches.warm_up([older], threading.Event())
    view.batches.warm_up([newer, older], threading.Event())

    assert is_kept(view, newer)
    assert not is_kept(view, older)
    view.close()


def test_what_was_read_first_is_let_go_of_last(world: World) -> None:
    merged = [record_merged(world, message) for message in ("newest", "older", "oldest")]
    size = bytes_of(world, merged[0])
    view = LakeView(world.recorder.lake, world.recorder.index, kept_bytes=size * 7 // 2)
    view.batches.warm_up(merged, threading.Event())
    assert all(is_kept(view, batch_id) for batch_id in merged)

    view.batches.block(view.batches.open(record_merged(world, "asked for")), 0, is_named=True).prepare()

    assert [is_kept(view, batch_id) for batch_id in merged] == [True, True, False]
    view.close()


@pytest.mark.parametrize("kept_bytes", [0, 1])
def test_what_does_not_fit_is_left_alone(world: World, tmp_path: Path, kept_bytes: int) -> None:
    merged = [record_merged(world, f"merged {number}") for number in range(3)]
    view = LakeView(world.recorder.lake, world.recorder.index, kept_bytes=kept_bytes)

    view.batches.warm_up(merged, threading.Event())

    assert not is_kept(view, merged[-1])
    view.close()


def test_it_gives_way_while_somebody_asks(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    merged, asked = record_merged(world, "merged"), record_merged(world, "asked for")
    monkeypatch.setattr(blocks, "_QUIET_SECONDS", 10)
    monkeypatch.setattr(blocks, "_MOST_RESTS", 10_000)
    world.view.batches.open(asked)
    stopping = threading.Event()
    warming = threading.Thread(target=world.view.batches.warm_up, args=([merged], stopping))
    warming.start()

    warming.join(0.3)

    assert warming.is_alive()
    stopping.set()
    warming.join()
    assert not is_kept(world.view, merged)


def test_it_stops_when_it_is_told_to(world: World) -> None:
    merged, stopping = record_merged(world, "merged"), threading.Event()
    stopping.set()

    world.view.batches.warm_up([merged], stopping)

    assert not is_kept(world.view, merged)
