"""The file of an index is deleted or exchanged while it is open, or damaged: there is one index all the same."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from ingest.care import verify
from ingest.errors import LakeUnavailable
from ingest.index_file import IndexDamaged, with_index_anew
from ingest.recorder import Recorder
from query.lake_view import LakeView
from query.runs import get_run
from tests.builders import line, ndjson, open_recorder


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Recorder]:
    """A process that runs while others do things to the data folder."""
    server = open_recorder(tmp_path)
    for n in range(3):
        put(server, n)
    yield server
    server.close()


def put(recorder: Recorder, n: int, key: str | None = None) -> bool:
    return recorder.record(ndjson([line(source_id=str(n))]), "ndjson", idempotency_key=key).repeated


def processed(recorder: Recorder) -> int:
    run = recorder.index.find_run("nightly")
    return 0 if run is None else run["update_ok"]


def delete_index(data: Path) -> None:
    for file in data.glob("index.sqlite*"):
        file.unlink()


def test_a_deleted_index_is_made_anew_at_the_next_question(server: Recorder, tmp_path: Path) -> None:
    delete_index(tmp_path)

    assert processed(server) == 3
    assert (tmp_path / "index.sqlite").exists()
    assert verify(server) == []


def test_a_deleted_index_is_made_anew_at_the_next_request(server: Recorder, tmp_path: Path) -> None:
    put(server, 3, key="once")
    delete_index(tmp_path)

    assert put(server, 3, key="once")
    assert not put(server, 4)
    assert processed(server) == 5


def test_pages_ask_the_index_that_is_there(server: Recorder, tmp_path: Path) -> None:
    view = LakeView(server.lake, server.index)
    assert get_run(view, "nightly").counts.processed == 3
    delete_index(tmp_path)
    other = open_recorder(tmp_path)
    put(other, 3)

    assert get_run(view, "nightly").counts.processed == 4
    view.close()
    other.close()


def test_two_processes_that_opened_different_files_share_one_index_again(server: Recorder, tmp_path: Path) -> None:
    delete_index(tmp_path)
    other = open_recorder(tmp_path)
    put(other, 3)
    put(server, 4)
    put(other, 5)

    assert processed(server) == processed(other) == 6
    other.close()


def test_whoever_led_by_a_deleted_index_leads_no_more_when_another_does(server: Recorder, tmp_path: Path) -> None:
    led = server.compactor()
    assert led.lead()
    delete_index(tmp_path)
    other = open_recorder(tmp_path)
    put(other, 3)
    leader = other.compactor()
    assert leader.lead()
    assert [merge.batches for merge in leader.compact(everything=True)] == [4]

    assert not led.lead()
    assert list(led.compact(everything=True)) == []
    leader.sweep(0)
    put(server, 4)
    assert processed(server) == processed(other) == 5
    assert verify(server) == []
    other.close()


def test_a_merge_begun_by_a_deleted_index_takes_nobodys_place(server: Recorder, tmp_path: Path) -> None:
    led = server.compactor()
    assert led.lead()
    ids = [row.batch_id for row in server.index.list_live("actions")]
    delete_index(tmp_path)
    other = open_recorder(tmp_path)
    leader = other.compactor()
    assert leader.lead()
    assert leader.merge("actions", ids) is not None

    assert led.merge("actions", ids) is None

    assert processed(server) == processed(other) == 3
    assert verify(server) == []
    other.close()


def test_all_who_ask_wait_until_the_index_is_up_to_date(server: Recorder, tmp_path: Path) -> None:
    for _ in range(5):
        delete_index(tmp_path)
        seen: list[int] = []
        threads = [threading.Thread(target=lambda seen=seen: seen.append(processed(server))) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert seen == [3] * 8


def test_the_next_index_is_opened_when_all_files_of_the_last_are_gone(server: Recorder, tmp_path: Path) -> None:
    (tmp_path / "index.sqlite").unlink()
    rest = list(tmp_path.glob("index.sqlite-*"))
    assert rest
    threading.Timer(0.05, lambda: [file.unlink() for file in rest]).start()

    assert processed(server) == 3
    assert processed(open_recorder(tmp_path)) == 3


def test_no_index_is_made_where_the_lake_is_gone(server: Recorder, tmp_path: Path) -> None:
    delete_index(tmp_path)
    (tmp_path / "lake").rename(tmp_path / "elsewhere")

    with pytest.raises(LakeUnavailable, match="not there any more"):
        processed(server)

    assert list(tmp_path.glob("index.sqlite*")) == []
    (tmp_path / "elsewhere").rename(tmp_path / "lake")
    assert processed(server) == 3


def test_a_damaged_index_says_what_to_do(server: Recorder, tmp_path: Path) -> None:
    server.close()
    (tmp_path / "index.sqlite").write_bytes(b"no database" * 1000)

    with pytest.raises(IndexDamaged) as raised:
        open_recorder(tmp_path)

    assert (raised.value.path, raised.value.hint) == (
        tmp_path / "index.sqlite",
        "run synclog reindex: it makes the index anew from the lake",
    )


def test_a_damaged_index_is_moved_aside_and_made_anew(server: Recorder, tmp_path: Path) -> None:
    server.close()
    (tmp_path / "index.sqlite").write_bytes(b"no database" * 1000)

    recorder, moved = with_index_anew(lambda: open_recorder(tmp_path))

    assert [path.read_bytes()[:11] for path in moved] == [b"no database"]
    assert processed(recorder) == 3
    assert verify(recorder) == []
    recorder.close()


def test_damage_within_the_index_is_found_by_making_it_anew(server: Recorder, tmp_path: Path) -> None:
    server.close()
    path = tmp_path / "index.sqlite"
    path.write_bytes(path.read_bytes()[:4096] + b"\xff" * (path.stat().st_size - 4096))

    def rebuild() -> int:
        recorder = open_recorder(tmp_path)
        try:
            return recorder.reindex()
        finally:
            recorder.close()

    batches, moved = with_index_anew(rebuild)

    assert (batches, len(moved)) == (3, 1)
    assert processed(open_recorder(tmp_path)) == 3


def test_a_server_goes_on_with_the_index_that_was_made_anew_beside_it(server: Recorder, tmp_path: Path) -> None:
    with (tmp_path / "index.sqlite").open("r+b") as file:
        file.write(b"no database" * 1000)
    for suffix in ("-wal", "-shm"):
        (tmp_path / f"index.sqlite{suffix}").unlink()

    other, moved = with_index_anew(lambda: open_recorder(tmp_path))

    assert moved
    put(server, 3)
    assert processed(server) == processed(other) == 4
    other.close()
