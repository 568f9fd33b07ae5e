"""Is the lake looked after? When maintenance, verify and backup last were, and what went wrong since, in words."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import sqlalchemy as sa

from ingest.action import Status
from ingest.batch import received_us_of
from ingest.index import Index
from ingest.index_database import COMPACTION
from ingest.index_tables import batches
from ingest.timestamps import from_microseconds, to_microseconds
from ingest.upkeep import Duty, Upkeep, read_upkeep
from reports.wording import plural, relative_time
from web.lake_check import Check
from web.settings import Settings

SEVERAL = 3
"""So many rounds in a row fail by no accident."""
FAILING_FOR_LONG = timedelta(hours=1)
LATE = timedelta(minutes=10)
"""So long after the last round somebody should have begun another; how long one takes nobody knows."""
VERY_LATE = timedelta(hours=6)


def check_upkeep(index: Index, settings: Settings, *, now: datetime) -> Iterator[Check]:
    """Raises LakeUnavailable."""
    yield _check_maintenance(index, settings, now)
    yield _check_verify(read_upkeep(index, Duty.VERIFY), now)
    yield _check_backup(read_upkeep(index, Duty.BACKUP), now)


def _check_maintenance(index: Index, settings: Settings, now: datetime) -> Check:
    last = read_upkeep(index, Duty.MAINTENANCE)
    is_led = index.is_leased(COMPACTION, now_us=to_microseconds(now))
    status, message = _judge(last, is_led, settings, now)
    if (newest := _newest_merged(index)) is not None:
        ago = relative_time(from_microseconds(received_us_of(newest)), now)
        message += f"; compaction or retention last wrote a file anew {ago}"
    return Check(name="maintenance", status=status, message=message)


def _judge(last: Upkeep, is_led: bool, settings: Settings, now: datetime) -> tuple[Status, str]:
    done = "no round was ever done" if last.done_us is None else f"last round {_ago(last.done_us, now)}"
    if last.failures:
        failed = f"{plural(last.failures, 'round')} failed since, the last {_ago(last.failed_us, now)}: {last.reason}"
        if last.failures >= SEVERAL:
            is_long = last.done_us is None or _age(last.done_us, now) > FAILING_FOR_LONG
            return Status.ERROR if is_long else Status.WARNING, f"{done}; {failed} (the log of the server says more)"
        done = f"{done}; {failed}"
    if is_led:
        is_late = last.done_us is not None and _age(last.done_us, now) > VERY_LATE
        return Status.WARNING if is_late else Status.OK, f"{done}; a process sees to it"
    if not settings.maintain_seconds:
        return Status.OK, f"{done}; switched off here (maintain_seconds = 0): synclog compact and retain do it at once"
    rest = timedelta(seconds=3 * settings.maintain_seconds)
    is_late = last.done_us is not None and _age(last.done_us, now) > max(LATE, rest)
    advice = "nobody sees to it just now: a server does so by itself, synclog compact at once"
    return Status.WARNING if is_late else Status.OK, f"{done}; {advice}"


def _check_verify(last: Upkeep, now: datetime) -> Check:
    if last.failures:
        message = f"last {_ago(last.failed_us, now)}: {last.reason}; synclog verify names them and says what to do"
        return Check(name="last verify", status=Status.WARNING, message=message)
    message = "never: synclog verify reads every file and compares it with what was written"
    if last.done_us is not None:
        message = f"{_ago(last.done_us, now)}, every batch was whole"
    return Check(name="last verify", status=Status.OK, message=message)


def _check_backup(last: Upkeep, now: datetime) -> Check:
    message = "never: synclog backup TO makes one"
    if last.done_us is not None:
        message = f"{_ago(last.done_us, now)}, in {last.note}"
    if last.failures:
        message = f"the one {_ago(last.failed_us, now)} is not whole: {last.reason}; last whole one: {message}"
        return Check(name="last backup", status=Status.WARNING, message=message)
    return Check(name="last backup", status=Status.OK, message=message)


def _newest_merged(index: Index) -> str | None:
    """Compaction and retention write batches anew in the same way: the newest of these tells of both."""
    with index.reading() as connection:
        newest: str | None = connection.scalar(sa.select(sa.func.max(batches.c.batch_id)).where(batches.c.is_merged))
    return newest


def _ago(moment_us: int | None, now: datetime) -> str:
    """To the second, for rounds are seconds apart."""
    if moment_us is None:
        return "never"
    age = _age(moment_us, now)
    if timedelta(seconds=1) <= age < timedelta(minutes=1):
        return f"{int(age.total_seconds())} s ago"
    return relative_time(from_microseconds(moment_us), now)


def _age(moment_us: int, now: datetime) -> timedelta:
    return now - from_microseconds(moment_us)
