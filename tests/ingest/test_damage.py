"""Damaged batches: named, left out, set aside, put back; what was in them stays counted."""

from pathlib import Path

import pytest

from ingest.care import set_aside, verify
from ingest.damage import list_damaged
from ingest.errors import LakeUnavailable
from ingest.index_tables import metadata
from ingest.recorder import Recorder, RunAnnouncement, RunChange
from tests.builders import line, ndjson, open_recorder

KINDS = ("actions", "runs", "rejects")


@pytest.fixture
def filled(recorder: Recorder) -> Recorder:
    """Two runs; of the first a batch of each kind."""
    recorder.announce_run(RunAnnouncement(run_id="first", integration="signavio", attributes={"zone": "east"}))
    recorder.record(
        ndjson([*(line(run_id="first", source_id=str(n)) for n in range(3)), line(status="purple")]),
        "ndjson",
        idempotency_key="k",
    )
    recorder.record(ndjson([line(run_id="second")]), "ndjson")
    return recorder


def first_file(recorder: Recorder, kind: str) -> Path:
    return recorder.lake.path_of(kind, next(iter(recorder.lake.list_ids(kind))))


def damage(path: Path) -> bytes:
    """Change a byte in the middle; returns what it was."""
    whole = path.read_bytes()
    path.chmod(0o644)
    path.write_bytes(whole[:-30])
    return whole


def known(recorder: Recorder) -> list[dict[str, object]]:
    """All the index says of runs and answers."""
    with recorder.index.reading() as connection:
        return [
            dict(row)
            for name in ("runs", "run_events", "idempotency", "batch_runs")
            for row in connection.execute(metadata.tables[name].select()).mappings()
        ]


def marked(recorder: Recorder) -> list[str]:
    return [row.batch_id for row in list_damaged(recorder.index)]


@pytest.mark.parametrize("kind", KINDS)
def test_a_damaged_batch_is_counted_and_not_read(filled: Recorder, kind: str) -> None:
    before, path = known(filled), first_file(filled, kind)
    live = filled.index.list_live(kind)
    damage(path)

    [finding] = verify(filled)

    assert (finding.path, finding.kind) == (path, kind)
    assert "its bytes are not those that were written" in finding.problem
    assert "backup" in finding.advice
    assert known(filled) == before
    assert filled.index.list_live(kind) == live[1:]


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_read_again_once_the_whole_file_is_back(filled: Recorder, kind: str) -> None:
    path, live = first_file(filled, kind), filled.index.list_live(kind)
    whole = damage(path)
    verify(filled)

    path.write_bytes(whole)

    assert verify(filled) == []
    assert filled.index.list_live(kind) == live


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("is_known", [True, False], ids=["marked", "not marked"])
def test_it_stays_damaged_and_known_when_the_index_is_made_anew(filled: Recorder, kind: str, is_known: bool) -> None:
    before, path = known(filled), first_file(filled, kind)
    whole = damage(path)
    if is_known:
        verify(filled)

    filled.reindex()
    filled.reindex()

    assert marked(filled) == [path.stem]
    assert sorted(map(str, known(filled))) == sorted(map(str, before))
    path.write_bytes(whole)
    filled.reindex()
    assert marked(filled) == []
    assert sorted(map(str, known(filled))) == sorted(map(str, before))
    assert verify(filled) == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_set_aside_is_out_of_the_lake_with_a_note_of_what_was_in_it(filled: Recorder, kind: str) -> None:
    """An index made from nothing but the lake knows it from the note; a file put back takes its place again."""
    before, path, data = known(filled), first_file(filled, kind), filled.lake.root.parent
    whole = damage(path)
    broken = path.read_bytes()

    [left] = set_aside(filled, verify(filled))

    moved = left.aside
    assert moved is not None
    assert moved == filled.lake.root / "aside" / f"{kind}-{path.name}"
    assert (path.exists(), moved.read_bytes()) == (False, broken)
    filled.close()
    (data / "index.sqlite").unlink()
    anew = open_recorder(data)
    assert marked(anew) == [path.stem]
    assert sorted(map(str, known(anew))) == sorted(map(str, before))
    [finding] = verify(anew)
    assert "it was set aside: its bytes are not those that were written" in finding.problem
    assert [each.aside for each in set_aside(anew, [finding])] == [None]
    path.write_bytes(whole)
    assert verify(anew) == []
    assert marked(anew) == []
    assert anew.lake.list_notes() == []
    anew.close()


def test_a_file_put_back_before_the_index_is_made_anew_is_read(filled: Recorder) -> None:
    path = first_file(filled, "actions")
    whole = damage(path)
    set_aside(filled, verify(filled))
    path.write_bytes(whole)

    filled.reindex()

    assert (marked(filled), filled.lake.list_notes()) == ([], [])
    assert verify(filled) == []


def test_a_damaged_file_put_back_stays_damaged(filled: Recorder) -> None:
    path = first_file(filled, "actions")
    damage(path)
    [left] = set_aside(filled, verify(filled))
    assert left.aside is not None
    left.aside.rename(path)

    filled.reindex()

    assert marked(filled) == [path.stem]
    assert [finding.path for finding in verify(filled)] == [path]


def test_a_file_that_is_gone_is_remembered_by_its_note(filled: Recorder) -> None:
    before, path = known(filled), first_file(filled, "actions")
    path.unlink()

    [finding] = verify(filled)
    assert finding.problem == "the file is gone"
    assert [each.aside for each in set_aside(filled, [finding])] == [None]
    filled.reindex()

    assert marked(filled) == [path.stem]
    assert sorted(map(str, known(filled))) == sorted(map(str, before))


def test_whoever_does_not_miss_it_deletes_the_note(filled: Recorder) -> None:
    path = first_file(filled, "actions")
    damage(path)
    set_aside(filled, verify(filled))
    (filled.lake.root / "aside" / f"actions-{path.stem}.json").unlink()

    filled.reindex()

    assert marked(filled) == []
    first = filled.index.find_run("first")
    assert first is not None
    assert first["update_ok"] == 0
    assert verify(filled) == []


def test_a_note_nobody_can_read_still_says_that_something_is_missing(filled: Recorder) -> None:
    path = first_file(filled, "actions")
    damage(path)
    set_aside(filled, verify(filled))
    (filled.lake.root / "aside" / f"actions-{path.stem}.json").write_text("{")
    with filled.index.writing() as connection:
        for table in metadata.sorted_tables:
            if table.name != "versions":
                connection.execute(table.delete())

    filled.catch_up()

    [row] = list_damaged(filled.index)
    assert (row.batch_id, row.problem) == (path.stem, "it was set aside, nobody noted why")


@pytest.mark.parametrize("kind", ["actions", "runs"])
def test_what_came_in_merged_batches_is_not_forgotten(filled: Recorder, kind: str) -> None:
    filled.change_run("first", RunChange(message="half way"))
    for _ in range(2):
        filled.change_run("second", RunChange(message="under way"))
        compactor = filled.compactor()
        assert compactor.lead()
        list(compactor.compact(everything=True))
        compactor.sweep(0)
        compactor.resign()
    filled.reindex()
    before = known(filled)
    path = first_file(filled, kind)
    whole = damage(path)

    set_aside(filled, verify(filled))
    filled.reindex()
    assert sorted(map(str, known(filled))) == sorted(map(str, before))

    path.write_bytes(whole)
    filled.reindex()
    assert sorted(map(str, known(filled))) == sorted(map(str, before))
    assert verify(filled) == []


def test_verify_learns_what_an_index_made_anew_does_not_know(filled: Recorder) -> None:
    """From then on a changed bit that no other checksum tells of is noticed."""
    with filled.index.writing() as connection:
        connection.execute(metadata.tables["batches"].update().values(crc=None))
    assert verify(filled) == []

    path = first_file(filled, "actions")
    whole = path.read_bytes()
    path.chmod(0o644)
    path.write_bytes(b"PAR2" + whole[4:])

    assert [finding.path for finding in verify(filled)] == [path]


def test_an_index_that_says_otherwise_is_told(filled: Recorder) -> None:
    with filled.index.writing() as connection:
        connection.execute(metadata.tables["batch_runs"].update().values(update_ok=7))

    findings = verify(filled)

    assert {finding.problem for finding in findings} == {"the index says otherwise than its footer"}
    assert {finding.advice for finding in findings} == {"run synclog reindex"}
    filled.reindex()
    assert verify(filled) == []


def test_a_file_the_index_does_not_list_is_told(filled: Recorder) -> None:
    path = first_file(filled, "actions")
    with filled.index.writing() as connection:
        batches = metadata.tables["batches"]
        connection.execute(batches.delete().where(batches.c.batch_id == path.stem))

    [finding] = verify(filled)

    assert (finding.path, finding.problem) == (path, "the index does not list this batch")


def test_a_damaged_token_index_is_made_anew(recorder: Recorder) -> None:
    lines = (line(source_id=f"{place}", message=f"number {place % 50}") for place in range(70_000))
    recorder.record(ndjson(lines), "ndjson")
    compactor = recorder.compactor()
    assert compactor.lead()
    list(compactor.compact(everything=True))
    compactor.sweep(0)
    path = recorder.lake.token_index_path(recorder.index.list_live("actions")[0].batch_id)
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:5000])

    findings = verify(recorder)

    assert [(finding.path, finding.kind) for finding in findings] == [(path, "tokens")]
    assert "made anew just now" in findings[0].advice
    assert path.exists()
    assert marked(recorder) == []
    assert verify(recorder) == []


def test_a_damaged_token_index_that_cannot_be_made_anew_is_deleted(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder.record(ndjson(line(source_id=f"{place}") for place in range(70_000)), "ndjson")
    compactor = recorder.compactor()
    assert compactor.lead()
    list(compactor.compact(everything=True))
    path = recorder.lake.token_index_path(recorder.index.list_live("actions")[0].batch_id)
    path.write_bytes(b"nothing of the kind")

    def refuse(*_: object) -> None:
        raise LakeUnavailable("no room left")

    monkeypatch.setattr(recorder.lake, "put_token_index", refuse)

    [finding] = verify(recorder)

    assert "it was deleted" in finding.advice
    assert not path.exists()
    assert verify(recorder) == []


def test_progress_is_told_in_bytes(filled: Recorder) -> None:
    told: list[tuple[int, int]] = []

    verify(filled, lambda done, of: told.append((done, of)))

    size = sum(path.stat().st_size for path in filled.lake.root.glob("*/*/*.parquet"))
    assert told[-1] == (size, size)
