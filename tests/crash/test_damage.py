"""Files that somebody cut or a disk changed: each is named, and nothing else suffers."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from ingest.care import verify
from ingest.recorder import Recorder, RunAnnouncement
from ingest.run_totals import RunRow
from tests.builders import line, ndjson
from web.app import create_app
from web.settings import Settings
from web.workspace import open_workspace

SEED = 20_260_601
FLIPS = 60  # of one bit each, a kind of file
CUTS = 12  # at random lengths, beside those at both ends
ENDS = (0, 1, 4, 8, 12)  # Parquet's own marks and the length of its footer stand there
KINDS = ("small actions", "large actions", "run events", "rejects")


@pytest.fixture
def filled(recorder: Recorder) -> Recorder:
    """A lake with a file of each kind; the large one is compressed, the small ones are not."""
    large = (line(run_id="large", source_id=str(n), message=f"record {n} is new") for n in range(3000))
    recorder.record(ndjson(large), "ndjson")
    recorder.announce_run(RunAnnouncement(run_id="small", integration="signavio", attributes={"zone": "east"}))
    small = [line(run_id="small", source_id=str(n)) for n in range(3)]
    recorder.record(ndjson([*small, line(status="purple")]), "ndjson", idempotency_key="k1")
    recorder.record(ndjson([line(run_id="whole", source_id=str(n)) for n in range(7)]), "ndjson")
    return recorder


def file_of(recorder: Recorder, kind: str) -> Path:
    folder, number = {
        "large actions": ("actions", 0), "small actions": ("actions", 1), "run events": ("runs", 0),
        "rejects": ("rejects", 0),
    }[kind]  # fmt: skip
    return recorder.lake.path_of(folder, list(recorder.lake.list_ids(folder))[number])


def cuts(size: int, chance: random.Random) -> list[int]:
    """Lengths shorter than the file."""
    return [*ENDS, *(size - length for length in ENDS if length), *(chance.randrange(size) for _ in range(CUTS))]


@contextmanager
def changed(path: Path, damaged: bytes) -> Iterator[None]:
    """The file with other bytes, until the block ends."""
    whole = path.read_bytes()
    path.chmod(0o644)
    path.write_bytes(damaged)
    try:
        yield
    finally:
        path.write_bytes(whole)


def flipped(whole: bytes, bit: int) -> bytes:
    damaged = bytearray(whole)
    damaged[bit // 8] ^= 1 << bit % 8
    return bytes(damaged)


def flips(size: int, chance: random.Random) -> list[int]:
    return sorted(chance.sample(range(size * 8), FLIPS))


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_cut_short_is_named(filled: Recorder, kind: str) -> None:
    path = file_of(filled, kind)
    whole = path.read_bytes()

    unnoticed = []
    for length in cuts(len(whole), random.Random(SEED)):
        with changed(path, whole[:length]):
            if {finding.path for finding in verify(filled)} != {path}:
                unnoticed.append(length)

    assert unnoticed == []
    assert verify(filled) == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_flipped_bit_is_named(filled: Recorder, kind: str) -> None:
    path = file_of(filled, kind)
    whole = path.read_bytes()

    unnoticed = []
    for bit in flips(len(whole), random.Random(SEED)):
        with changed(path, flipped(whole, bit)):
            if {finding.path for finding in verify(filled)} != {path}:
                unnoticed.append(bit)

    assert unnoticed == []
    assert verify(filled) == []


@pytest.mark.parametrize("kind", ["small actions", "large actions"])
def test_a_damaged_file_hurts_only_who_asks_for_its_rows(filled: Recorder, kind: str) -> None:
    """Totals and other runs stay as they are; the rows are refused, or as many as the run is said to have.

    Whoever asks again is answered, and told what cannot be read. A changed bit that still makes sense, in the id of the
    run perhaps, may go unnoticed by whoever asks; then verify names the file.
    """
    path = file_of(filled, kind)
    whole = path.read_bytes()
    run = kind.partition(" ")[0]
    chance = random.Random(SEED)
    damaged = [whole[:length] for length in cuts(len(whole), chance)]
    damaged += [flipped(whole, bit) for bit in flips(len(whole), chance)]

    wrong = []
    with open_workspace(Settings(data=filled.lake.root.parent)) as workspace:
        client = create_app(workspace).test_client()
        runs = told(client)
        others = client.get("/api/v1/runs/whole/actions").get_json()
        processed = client.get(f"/api/v1/runs/{run}").get_json()["processed"]
        for number, content in enumerate(damaged):
            with changed(path, content):
                rows = client.get(f"/api/v1/runs/{run}/actions?limit=1000")
                is_short = rows.status_code < 500 and len(rows.get_json()["items"]) != min(1000, processed)
                if is_short and {finding.path for finding in verify(filled)} != {path}:
                    wrong.append((number, rows.status_code))
                again = client.get(f"/api/v1/runs/{run}/actions?limit=1000")
                left = processed - client.get(f"/api/v1/runs/{run}").get_json()["unreadable"]
                if again.status_code != 200 or len(again.get_json()["items"]) != min(1000, left):
                    wrong.append((number, f"again {again.status_code}"))
                if told(client) != runs:
                    wrong.append((number, "totals"))
                if client.get("/api/v1/runs/whole/actions").get_json() != others:
                    wrong.append((number, "another run"))
            assert verify(filled) == []

    assert wrong == []


def told(client: FlaskClient) -> list[dict[str, object]]:
    """Every run with all the API says of it, but for how much of it can be read."""
    runs: list[dict[str, object]] = client.get("/api/v1/runs").get_json()["items"]
    return [{name: value for name, value in run.items() if name != "unreadable"} for run in runs]


@pytest.mark.parametrize("kind", KINDS)
def test_an_index_built_anew_over_a_damaged_file_is_right_or_says_so(
    filled: Recorder, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A file that says otherwise than it was sealed is left out with an error in the log, never counted wrongly."""
    path = file_of(filled, kind)
    whole = path.read_bytes()
    before = totals(filled)

    wrong = []
    for bit in flips(len(whole), random.Random(SEED)):
        caplog.clear()
        with changed(path, flipped(whole, bit)):
            filled.reindex()
            told = "batch left out of the index" in caplog.messages
            if totals(filled) != before and not told:
                wrong.append(bit)

    assert wrong == []


def totals(recorder: Recorder) -> list[RunRow | None]:
    return [recorder.index.find_run(run_id) for run_id in ("large", "small", "whole")]
