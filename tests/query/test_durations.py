from datetime import UTC, datetime, timedelta

from ingest.action import Operation
from query.durations import Pause, list_longest_pauses, list_slowest_parts


def test_parts_are_summed_by_record_type_and_operation(world):
    world.record(
        {"target_type": "App", "source_type": "ci", "duration_ms": 10},
        {"target_type": "App", "duration_ms": 30, "message": "long"},
        {"source_type": "ci", "duration_ms": 5, "operation": "CREATE"},
        {"target_type": "App"},
    )

    slow, quick = list_slowest_parts(world.view, "nightly")

    assert (slow.record_type, slow.operation, slow.count) == ("App", Operation.UPDATE, 2)
    assert (slow.total, slow.mean) == (timedelta(milliseconds=40), timedelta(milliseconds=20))
    assert slow.longest.message == "long"
    assert (quick.record_type, quick.operation, quick.total) == ("ci", Operation.CREATE, timedelta(milliseconds=5))


def test_run_without_durations_has_no_slow_parts(world):
    world.record({})

    assert list_slowest_parts(world.view, "nightly") == []


def test_durations_beyond_all_measure_are_summed(world):
    world.record(*[{"duration_ms": 2**53 - 1} for _ in range(10)])

    [part] = list_slowest_parts(world.view, "nightly")

    assert part.total == timedelta.max


def test_longest_pauses_come_first(world):
    world.record({"happened_at": "2026-11-22T10:00:00Z"}, {"happened_at": "2026-11-22T10:00:30Z"})
    world.record({"happened_at": "2026-11-22T10:02:00Z"}, {"happened_at": "2026-11-22T10:02:00Z"})

    pauses = list_longest_pauses(world.view, "nightly")

    assert pauses == [
        Pause(after_at=datetime(2026, 11, 22, 10, 0, 30, tzinfo=UTC), length=timedelta(seconds=90)),
        Pause(after_at=datetime(2026, 11, 22, 10, tzinfo=UTC), length=timedelta(seconds=30)),
    ]
