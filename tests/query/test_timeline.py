from datetime import UTC, datetime, timedelta

import pytest

from ingest.recorder import RunAnnouncement
from query.runs import get_run
from query.timeline import Bucket, Timeline, get_run_timeline

TEN = datetime(2026, 11, 22, 10, tzinfo=UTC)


def test_actions_are_counted_in_spans_of_round_length(world):
    world.record(
        {"status": "OK", "happened_at": "2026-11-22T10:00:01Z"},
        {"status": "ERROR", "happened_at": "2026-11-22T10:00:01Z"},
        {"status": "INFO", "happened_at": "2026-11-22T10:02:10Z"},
        {"status": "WARNING", "happened_at": "2026-11-22T10:02:20Z"},
    )

    timeline = get_run_timeline(world.view, get_run(world.view, "nightly"), buckets=4)

    assert timeline == Timeline(
        start_at=TEN,
        bucket=timedelta(minutes=1),
        buckets=(
            Bucket(start_at=TEN, ok=1, error=1),
            Bucket(start_at=TEN + timedelta(minutes=1)),
            Bucket(start_at=TEN + timedelta(minutes=2), info=1, warning=1),
        ),
    )


def test_run_without_actions_has_no_buckets(world):
    world.recorder.announce_run(RunAnnouncement(run_id="live", integration="x"))
    run = get_run(world.view, "live")

    timeline = get_run_timeline(world.view, run)

    assert (timeline.start_at, timeline.buckets) == (run.begun_at, ())


@pytest.mark.parametrize("buckets", [1, 2, 7, 60])
@pytest.mark.parametrize(
    ("first", "last"),
    [
        ("2026-11-22T10:00:00Z", "2026-11-22T10:00:00Z"),
        ("2026-11-22T10:00:00Z", "2026-11-22T10:00:00.000001Z"),
        ("2026-11-22T10:59:59Z", "2026-11-22T11:00:01Z"),
        ("1969-12-31T23:00:00Z", "1970-01-01T01:00:00Z"),
        ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z"),
    ],
)
def test_every_action_is_counted_however_short_or_long_the_run(world, first, last, buckets):
    world.record({"happened_at": first}, {"happened_at": last})

    timeline = get_run_timeline(world.view, get_run(world.view, "nightly"), buckets=buckets)

    assert sum(bucket.ok for bucket in timeline.buckets) == 2
    assert len(timeline.buckets) <= max(buckets, 2)
