"""What is said of two runs side by side."""

from datetime import timedelta

import pytest

from ingest.counts import Counts
from query.compare import Difference, RecordCounts
from reports.comparison import Figure, compare_counts, records_phrase, signed_count, signed_duration


@pytest.mark.parametrize(("number", "words"), [(0, "="), (1234, "+1,234"), (-1, "−1")])
def test_a_difference_has_a_sign(number: int, words: str) -> None:
    assert signed_count(number) == words


@pytest.mark.parametrize(
    ("a", "b", "words"),
    [(60, 60, "="), (60, 90, "+30.0 s"), (90, 60, "−30.0 s"), (None, 60, ""), (60, None, "")],
)
def test_a_difference_in_time_has_a_sign_where_both_are_known(a: int | None, b: int | None, words: str) -> None:
    spans = [None if seconds is None else timedelta(seconds=seconds) for seconds in (a, b)]

    assert signed_duration(*spans) == words


def test_more_trouble_is_worse_and_more_work_is_not() -> None:
    figures = compare_counts(Counts(update_ok=1), Counts(update_ok=2, update_error=1))

    worse = [figure for figure in figures if figure.is_worse]
    assert worse == [Figure(label="Errors", name="errors", a=0, b=1, is_worse=True)]


def test_records_without_ids_are_told_of() -> None:
    counts = RecordCounts(
        in_a=3, in_b=2, in_both=1, named_only=1, unnamed_a=1, unnamed_b=2, by_difference=dict.fromkeys(Difference, 0)
    )

    assert records_phrase(counts) == (
        "3 records in the earlier run, 2 in the later, 1 in both. 1 record without an id went by name."
        " 3 actions that name no record are left out."
    )
