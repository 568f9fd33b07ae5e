"""Of batches that hold the same rows, those count which together hold each row once."""

import itertools
import random
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest import succession
from ingest.care import verify
from ingest.footer import BatchFooter
from ingest.lake import MERGING
from ingest.recorder import Recorder
from ingest.succession import find_replacers
from tests.builders import Clock, line, ndjson


class Files:
    """A lake whose merges are sealed as by a process that dies before it can tell the index."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = Clock()
        self.recorder = Recorder.open(folder, now=self.clock)
        self.rows: dict[str, frozenset[str]] = {}
        """Of each batch there ever was, the batches in which its rows first came."""

    def record(self) -> str:
        receipt = self.recorder.record(ndjson([line(source_id=str(n)) for n in range(2)]), "ndjson")
        assert receipt.batch_id is not None
        self.rows[receipt.batch_id] = frozenset((receipt.batch_id,))
        return receipt.batch_id

    def merge(self, *batch_ids: str) -> str:
        lake, compactor = self.recorder.lake, self.recorder.compactor()
        compactor._ids._now = self.clock
        before = [lake.read_footer("actions", batch_id) for batch_id in batch_ids]
        merged_id = compactor._ids.next()
        lake.put("actions", merged_id, compactor._writing(merged_id, before, None), unfinished=MERGING)
        self.rows[merged_id] = frozenset[str]().union(*(self.rows[batch_id] for batch_id in batch_ids))
        return merged_id

    def delete(self, *batch_ids: str) -> None:
        self.recorder.lake.remove("actions", batch_ids)

    def open_without_index(self) -> None:
        self.recorder.close()
        for file in self.folder.glob("index.sqlite*"):
            file.unlink()
        self.recorder = Recorder.open(self.folder, now=self.clock)

    def live(self) -> list[str]:
        return [row.batch_id for row in self.recorder.index.list_live("actions")]

    def counted(self) -> Counter[str]:
        """How often the rows of each first batch are there."""
        return Counter(row for batch_id in self.live() for row in self.rows[batch_id])

    def can_be_once(self) -> bool:
        names = list(self.recorder.lake.list_ids("actions"))
        wanted = Counter(set().union(*(self.rows[name] for name in names)))
        chosen = itertools.chain.from_iterable(itertools.combinations(names, n) for n in range(len(names) + 1))
        return any(Counter(row for name in some for row in self.rows[name]) == wanted for some in chosen)


@pytest.fixture
def files(tmp_path: Path) -> Files:
    files = Files(tmp_path)
    yield files
    files.recorder.close()


def totals_are_those_of(files: Files, rows: int) -> bool:
    run = files.recorder.index.find_run("nightly")
    return run is not None and run["update_ok"] == rows and verify(files.recorder) == []


def test_what_the_later_merge_does_not_hold_counts_on_its_own(files: Files) -> None:
    a, b, c = (files.record() for _ in range(3))
    files.merge(a, b)
    later = files.merge(b, c)

    files.open_without_index()

    assert files.live() == [a, later]
    assert totals_are_those_of(files, 6)


def test_an_earlier_merge_counts_where_the_later_would_lose_rows(files: Files) -> None:
    a, b, c = (files.record() for _ in range(3))
    earlier = files.merge(a, b)
    files.merge(b, c)
    files.delete(a, b)

    files.open_without_index()

    assert files.live() == [c, earlier]
    assert totals_are_those_of(files, 6)


def test_nothing_is_lost_where_rows_can_only_be_there_twice(files: Files) -> None:
    a, b, c = (files.record() for _ in range(3))
    merged = [files.merge(a, b), files.merge(b, c)]
    files.delete(a, b, c)

    files.open_without_index()

    assert files.live() == merged


def test_files_of_merges_that_do_not_count_go_and_nothing_else(files: Files) -> None:
    a, b, c = (files.record() for _ in range(3))
    files.merge(a, b)
    files.merge(b, c)
    files.open_without_index()

    compactor = files.recorder.compactor()
    assert compactor.lead()
    compactor.sweep(0)

    assert list(files.recorder.lake.list_ids("actions")) == files.live()
    assert files.counted() == Counter((a, b, c))
    files.open_without_index()
    assert files.counted() == Counter((a, b, c))


def test_a_merge_of_batches_the_index_has_forgotten_does_not_count_twice(files: Files) -> None:
    a, b = (files.record() for _ in range(2))
    compactor = files.recorder.compactor()
    assert compactor.lead()
    late = files.merge(a, b)
    held = files.recorder.lake.path_of("actions", late).rename(files.folder / "late")
    assert compactor.merge("actions", [a, b]) is not None
    compactor.sweep(0)
    held.rename(files.recorder.lake.path_of("actions", late))

    files.recorder.catch_up()

    assert len(files.live()) == 1
    assert totals_are_those_of(files, 4)


def _world(folder: Path, seed: int, merges: Sequence[int]) -> Files:
    """Batches, and merges of any that share no rows."""
    chance = random.Random(seed)
    files = Files(folder)
    for _ in range(chance.randint(2, 5)):
        files.record()
    for most in merges:
        some: list[str] = []
        for name in chance.sample(sorted(files.rows), len(files.rows)):
            if len(some) < most and not any(files.rows[name] & files.rows[other] for other in some):
                some.append(name)
        files.merge(*some)
    return files


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32), merges=st.lists(st.integers(1, 4), min_size=1, max_size=4), share=st.floats(0, 1))
def test_every_row_is_there_once_when_it_can_be(seed: int, merges: list[int], share: float) -> None:
    with tempfile.TemporaryDirectory() as folder:
        files = _world(Path(folder), seed, merges)
        chance = random.Random(seed)
        for name in sorted(name for name, rows in files.rows.items() if rows == {name}):
            others = [other for other in files.recorder.lake.list_ids("actions") if other != name]
            if files.rows[name] <= set().union(*(files.rows[other] for other in others)) and chance.random() < share:
                files.delete(name)
        files.open_without_index()

        assert files.counted().keys() == set().union(*files.rows.values())
        assert not files.can_be_once() or set(files.counted().values()) == {1}
        assert totals_are_those_of(files, 2 * files.counted().total())
        files.recorder.close()


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32), merges=st.lists(st.integers(1, 4), min_size=1, max_size=4))
def test_merges_that_come_to_light_beside_an_index_lose_and_double_nothing(seed: int, merges: list[int]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        files = _world(Path(folder), seed, merges)

        files.recorder.catch_up()

        assert files.counted() == Counter(set().union(*files.rows.values()))
        assert totals_are_those_of(files, 2 * files.counted().total())
        files.recorder.close()


def test_a_dispute_is_settled_however_many_others_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(succession, "MOST_TRIES", 20)
    plain = [footer(name) for name in ("0a", "0b", "0c")]
    disputed = [footer("1x", "0a", "0b"), footer("1y", "0b", "0c")]
    others = [footer(f"2{number:03}", f"1gone{number:03}") for number in range(100)]

    replacers = find_replacers([*plain, *disputed, *others], {}, lambda names: [])

    assert {"0a", "1y"} == {each.batch_id for each in (*plain, *disputed)} - replacers.keys()


def footer(batch_id: str, *replaces: str) -> BatchFooter:
    return BatchFooter(
        batch_id=batch_id, kind="actions", writer="", rows=1, first_us=None, last_us=None, replaces=replaces
    )
