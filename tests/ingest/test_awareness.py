"""The index knows all of the lake, whoever seals, takes back and tells at the same time."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ingest.errors import LakeUnavailable, OutcomeUnknown
from ingest.index import Addition, Index
from ingest.lake_contents import LakeContents
from ingest.recorder import Recorder
from tests.builders import Clock, line, ndjson


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def server(tmp_path: Path, clock: Clock) -> Iterator[Recorder]:
    recorder = Recorder.open(tmp_path, now=clock)
    yield recorder
    recorder.close()


def live_rows(recorder: Recorder) -> int:
    return sum(batch.rows for batch in recorder.index.list_live("actions"))


def raising(error: LakeUnavailable) -> Callable[..., Any]:
    def fail(*_: object, **__: object) -> None:
        raise error

    return fail


def test_a_batch_sealed_but_not_indexed_is_found_again(recorder: Recorder) -> None:
    receipt = recorder.record(ndjson([line()]), "ndjson")
    recorder.index.rebuild(list)

    assert recorder.catch_up() == 1
    assert recorder.index.list_known() == {receipt.batch_id}


@pytest.mark.parametrize("tell", [Recorder.catch_up, Recorder.reindex])
def test_a_batch_taken_back_while_the_index_is_told_of_it_stays_unknown(
    recorder: Recorder, tell: Callable[[Recorder], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = recorder.record(ndjson([line()]), "ndjson")
    taken = recorder.record(ndjson([line()]), "ndjson", idempotency_key="k")
    recorder.index.rebuild(list)
    read = LakeContents.read

    def read_and_take_back(contents: LakeContents, *arguments: Any) -> Any:
        found = read(contents, *arguments)
        recorder.lake.remove("actions", [str(taken.batch_id)])
        return found

    monkeypatch.setattr(LakeContents, "read", read_and_take_back)

    assert tell(recorder) == 1
    assert recorder.index.list_known() == {kept.batch_id}
    assert not recorder.record(ndjson([line()]), "ndjson", idempotency_key="k").repeated


def test_a_batch_taken_back_just_as_the_index_was_told_of_it_is_forgotten(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = recorder.record(ndjson([line()]), "ndjson")
    taken = recorder.record(ndjson([line()]), "ndjson", idempotency_key="k")
    recorder.index.rebuild(list)
    add = Index.add

    def add_and_take_back(*arguments: Any) -> int:
        added = add(*arguments)
        recorder.lake.remove("actions", [str(taken.batch_id)])
        return added

    monkeypatch.setattr(Index, "add", add_and_take_back)

    recorder.catch_up()

    assert recorder.index.list_known() == {kept.batch_id}
    assert not recorder.record(ndjson([line()]), "ndjson", idempotency_key="k").repeated


def test_the_index_is_told_beside_senders_who_take_back_one_batch_after_another(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each time the lake is read another batch is there that is gone when the transaction ends."""
    kept = recorder.record(ndjson([line()]), "ndjson")
    read_again, reads = LakeContents.read_again, []

    def read_another(contents: LakeContents, found: list[Any]) -> list[Any]:
        with monkeypatch.context() as busy:
            busy.setattr(Index, "add_new", raising(LakeUnavailable("the index is busy")))
            busy.setattr(recorder.lake, "remove", lambda *_: 0)
            with pytest.raises(LakeUnavailable):
                recorder.record(ndjson([line()]), "ndjson")
        again = read_again(contents, found)
        for each in again:
            if each.batch_id != kept.batch_id:
                recorder.lake.path_of("actions", each.batch_id).unlink()
        reads.append(len(again))
        return again

    monkeypatch.setattr(LakeContents, "read_again", read_another)

    assert recorder.reindex() == 1
    assert reads == [2, 2]
    assert recorder.index.list_known() == {kept.batch_id}


def test_what_somebody_else_told_a_busy_index_is_recorded(recorder: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    def told_by_another(_: Index, additions: list[Addition]) -> None:
        recorder.catch_up()
        raise LakeUnavailable("the index is busy")

    with monkeypatch.context() as busy:
        busy.setattr(Index, "add_new", told_by_another)
        assert recorder.record(ndjson([line(), line(source_id="2")]), "ndjson").accepted == 2

    assert live_rows(recorder) == 2


def test_what_somebody_else_told_and_has_merged_since_is_recorded(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def told_and_merged(_: Index, additions: list[Addition]) -> None:
        recorder.catch_up()
        compactor = recorder.compactor()
        assert compactor.lead()
        assert compactor.merge("actions", [each.batch_id for each in additions]) is not None
        raise LakeUnavailable("the index is busy")

    with monkeypatch.context() as busy:
        busy.setattr(Index, "add_new", told_and_merged)
        assert recorder.record(ndjson([line(), line(source_id="2")]), "ndjson").accepted == 2

    assert live_rows(recorder) == 2


def test_a_merge_the_index_was_not_told_of_does_not_count_twice(
    server: Recorder, clock: Clock, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for number in range(4):
        server.record(ndjson([line(source_id=str(number))]), "ndjson")
    compactor = server.compactor()
    assert compactor.lead()
    with monkeypatch.context() as busy:
        busy.setattr(Index, "replace", raising(LakeUnavailable("the index is busy")))
        with pytest.raises(LakeUnavailable):
            list(compactor.compact(everything=True))
    for number in range(4, 8):
        compactor.lead()
        server.record(ndjson([line(source_id=str(number))]), "ndjson")
        list(compactor.compact(everything=True))
    clock.pass_by(minutes=20)
    assert compactor.lead()
    compactor.sweep()

    with_index_of_its_own = f"sqlite:///{tmp_path / 'other.sqlite'}"
    again = Recorder.open(tmp_path, index_url=with_index_of_its_own, now=clock)

    assert live_rows(server) == live_rows(again) == 8
    again.close()


def test_a_batch_nobody_heard_of_does_not_count_once_its_key_is_forgotten(
    server: Recorder, clock: Clock, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    compactor = server.compactor()
    assert compactor.lead()
    with monkeypatch.context() as cut_off:
        cut_off.setattr(Index, "add_new", raising(OutcomeUnknown("no answer")))
        cut_off.setattr(Index, "has_all", raising(LakeUnavailable("no answer")))
        with pytest.raises(OutcomeUnknown):
            server.record(ndjson([line()]), "ndjson", idempotency_key="k")
    assert not server.record(ndjson([line()]), "ndjson", idempotency_key="k").repeated

    for _ in range(60):
        clock.pass_by(minutes=30)
        compactor.sweep()
    server.close()
    server = Recorder.open(tmp_path, now=clock)

    assert live_rows(server) == 1
