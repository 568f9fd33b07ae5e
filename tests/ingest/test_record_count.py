import uuid

import numpy as np
import pytest

from ingest.record_count import SKETCH_SIZE, RecordCount, hashes_of, sketch_of, total_count


def counted(records):
    different = set(records)
    return RecordCount(
        least=len(different), most=len(different), sketch=sketch_of(np.unique(hashes_of(sorted(different))))
    )


def test_few_records_are_counted_exactly_however_often_they_come():
    nights = [counted(f"file\n{n}" for n in range(night, night + 20)) for night in range(10)]

    together = total_count(nights)

    assert (together.count, together.is_exact) == (29, True)
    assert together == sum(nights[1:], nights[0])


def test_one_batch_is_counted_exactly_at_any_number():
    assert (counted(map(str, range(5000))).count, counted(map(str, range(5000))).is_exact) == (5000, True)


@pytest.mark.parametrize("name", [
    lambda n: f"record-{n:06d}",
    lambda n: str(n * 1000),
    lambda n: str(uuid.UUID(int=n)),
    lambda n: f"folder/{n % 100}/file {n}.txt",
])  # fmt: skip
@pytest.mark.parametrize("records", [300, 20_000])
def test_many_records_of_many_batches_are_guessed_within_half(name, records):
    """Three times the error that the size of the sketch promises."""
    parts = [counted(name(n) for n in range(start, records, 7)) for start in range(7)]

    together = total_count([*parts, *parts])

    assert not together.is_exact
    assert records * 0.6 < together.count < records * 1.5


def test_a_guess_stays_between_what_is_sure():
    one, other = counted(map(str, range(100))), counted(map(str, range(100)))

    together = one + other

    assert together.least == 100
    assert together.most == 200
    assert 100 <= together.count <= 200


def test_hashes_are_the_same_for_ever():
    assert hashes_of(["", "a", "cmdb_ci\na1"]).tolist() == [0, 3320656311, 1390491181]
    assert len(counted(map(str, range(SKETCH_SIZE + 1))).sketch) == 4 * SKETCH_SIZE
