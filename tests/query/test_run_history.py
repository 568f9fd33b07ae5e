from datetime import UTC, datetime, timedelta

import pytest

from ingest.action import Status
from query.run_history import MOST_BUCKETS, RunBucket, get_run_history
from query.runs import RunFilter

DAY = timedelta(days=1)


def begin(world, *moments, status="OK"):
    world.record(*({"run_id": f"{moment} {status}", "happened_at": moment, "status": status} for moment in moments))


def counted(history):
    return [(bucket.start_at.isoformat()[:16], bucket.counts) for bucket in history.buckets if bucket.runs]


def test_a_few_days_are_shown_by_hours_with_the_hours_between(world):
    begin(world, "2026-11-01T10:00:00Z", "2026-11-01T23:59:59Z", "2026-11-05T00:00:00Z")
    begin(world, "2026-11-01T11:00:00Z", status="ERROR")

    history = get_run_history(world.view, RunFilter())

    first = datetime(2026, 11, 1, tzinfo=UTC)
    assert (history.bucket, len(history.buckets)) == (timedelta(hours=3), 30)
    assert history.buckets[0].start_at == first + timedelta(hours=9)
    assert sum(bucket.runs for bucket in history.buckets) == 4


def test_a_month_is_shown_by_days(world):
    begin(world, "2026-11-01T10:00:00Z", "2026-11-01T23:59:59Z", "2026-11-28T00:00:00Z")
    begin(world, "2026-11-01T11:00:00Z", status="ERROR")

    history = get_run_history(world.view, RunFilter())

    assert history.bucket == DAY
    assert history.buckets[0] == RunBucket(
        start_at=datetime(2026, 11, 1, tzinfo=UTC),
        end_at=datetime(2026, 11, 2, tzinfo=UTC),
        counts={Status.OK: 2, Status.ERROR: 1},
    )
    assert counted(history)[1:] == [("2026-11-28T00:00", {Status.OK: 1})]


def test_a_long_history_ends_sixty_days_back_unless_the_filter_says_since_when(world):
    begin(world, "2020-01-01T00:00:00Z", "2026-10-01T00:00:00Z", "2026-11-28T00:00:00Z")

    lately = get_run_history(world.view, RunFilter())
    ever = get_run_history(world.view, RunFilter(since=datetime(2000, 1, 1, tzinfo=UTC)))

    assert [moment for moment, _ in counted(lately)] == ["2026-10-01T00:00", "2026-11-28T00:00"]
    assert sum(bucket.runs for bucket in ever.buckets) == 3
    assert ever.bucket == 364 * DAY


@pytest.mark.parametrize(
    "last", ["2026-11-01T00:00:01Z", "2026-11-01T05:00:00Z", "2027-11-01T00:00:00Z", "9999-12-31T23:59:59Z"]
)
def test_any_reach_has_a_few_buckets_and_all_of_its_runs(world, last):
    begin(world, "2026-11-01T00:00:00Z", last)
    begin(world, "0001-01-01T00:00:00Z", status="WARNING")

    history = get_run_history(world.view, RunFilter(since=datetime(1, 1, 1, tzinfo=UTC)))

    assert 1 <= len(history.buckets) <= MOST_BUCKETS
    assert sum(bucket.runs for bucket in history.buckets) == 3


def test_only_the_runs_of_the_filter_are_counted(world):
    begin(world, "2026-11-01T10:00:00Z")
    begin(world, "2026-11-01T10:00:00Z", status="ERROR")

    assert [counts for _, counts in counted(get_run_history(world.view, RunFilter(status=Status.ERROR)))] == [
        {Status.ERROR: 1}
    ]
    assert get_run_history(world.view, RunFilter(integration="nobody")).buckets == ()
