from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest import arrangement
from ingest.arrangement import arrange

MIDNIGHT = datetime(2026, 11, 22, tzinfo=UTC)


@pytest.fixture(autouse=True)
def short_stretches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrangement, "STRETCH_ROWS", 4)


def actions(*rows: tuple[int, str | None, str]) -> tuple[pa.Table, np.ndarray]:
    """Rows of (run, source id, status), a second apart, and the place of each one's run."""
    count = len(rows)
    table = pa.table(
        {
            "happened_at": pa.array(
                [MIDNIGHT + timedelta(seconds=n) for n in range(count)], pa.timestamp("us", tz="UTC")
            ),
            "batch_id": pa.array(["b"] * count),
            "row": pa.array(range(count), pa.int64()),
            "status": pa.array([status for _, _, status in rows], pa.string()),
            "source_id": pa.array([source_id for _, source_id, _ in rows], pa.string()),
            **{name: pa.nulls(count, pa.string()) for name in ("target_id", "source_name", "target_name")},
        }
    )
    return table, np.array([run for run, _, _ in rows], np.int64)


NO_RUN = (False, False, False)


def arranged(
    *rows: tuple[int, str | None, str], kinds: tuple[int, ...] = (0, 0, 0), opens: tuple[bool, ...] = NO_RUN
) -> list[list[tuple]]:
    """The rows of each stretch."""
    table, run = actions(*rows)
    found = arrange(table, run, np.array(kinds), np.array(opens))
    in_order = [rows[place] for place in found.order]
    return [in_order[first:last] for first, last in zip([0, *found.ends[:-1]], found.ends, strict=True)]


def test_failures_of_a_kind_of_runs_lie_together_run_by_run_the_worst_first() -> None:
    stretches = arranged((1, "a", "WARNING"), (0, "b", "INFO"), (1, "c", "ERROR"), (0, "d", "ERROR"), (0, "e", "OK"))

    assert stretches == [
        [(0, "d", "ERROR"), (0, "b", "INFO"), (1, "c", "ERROR"), (1, "a", "WARNING")],
        [(0, "e", "OK")],
    ]


def test_what_several_runs_did_to_a_record_lies_in_one_stretch() -> None:
    visits = [(run, record, "OK") for run in (0, 1) for record in ("z", "a", "m", "b")]

    stretches = arranged(*visits)

    assert stretches == [
        [(0, "z", "OK"), (0, "a", "OK"), (1, "z", "OK"), (1, "a", "OK")],
        [(0, "m", "OK"), (0, "b", "OK"), (1, "m", "OK"), (1, "b", "OK")],
    ]


def test_another_kind_of_runs_begins_another_stretch() -> None:
    assert arranged((0, "a", "OK"), (1, "a", "OK"), kinds=(0, 1)) == [[(0, "a", "OK")], [(1, "a", "OK")]]


def test_rows_that_name_no_record_stay_in_order_of_time() -> None:
    assert arranged(*[(0, None, "OK")] * 6) == [[(0, None, "OK")] * 6]


def test_the_oldest_rows_of_runs_with_an_opening_come_first_run_by_run_by_time(monkeypatch) -> None:
    monkeypatch.setattr(arrangement, "OPENING_ROWS", 2)
    rows = [(1, "a", "OK"), (0, "b", "OK"), (1, "c", "ERROR"), (1, "d", "OK"), (2, "e", "ERROR"), (1, "f", "ERROR")]
    table, run = actions(*rows)

    found = arrange(table, run, np.array([0, 0, 1]), np.array([False, True, True]))

    in_order = [rows[place] for place in found.order]
    assert in_order[:3] == [(1, "a", "OK"), (1, "c", "ERROR"), (2, "e", "ERROR")]
    assert in_order[3:] == [(1, "f", "ERROR"), (0, "b", "OK"), (1, "d", "OK")]
    assert found.openings == {1: 2, 2: 3}
    assert found.ends[0] == 3


@given(
    rows=st.lists(
        st.tuples(st.integers(0, 2), st.sampled_from([None, "a", "b", "c"]), st.sampled_from(["OK", "INFO", "ERROR"]))
    ),
    opens=st.tuples(st.booleans(), st.booleans(), st.booleans()),
)
def test_every_row_is_there_once_and_the_last_stretch_ends_with_the_last_row(rows, opens) -> None:
    table, run = actions(*rows)

    found = arrange(table, run, np.array([0, 0, 1]), np.array(opens))

    assert sorted(found.order.tolist()) == list(range(len(rows)))
    assert found.ends[-1] == len(rows)
    assert (np.diff(found.ends) > 0).all()
