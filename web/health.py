"""Whether all is well, as page and API say it: what is quickly looked at, and every file known to be damaged."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from ingest.action import STATUSES, Status
from ingest.batch import received_us_of
from ingest.errors import LakeUnavailable
from ingest.index_database import COMPACTION
from ingest.index_tables import batches, runs
from ingest.timestamps import from_microseconds, to_microseconds
from query.damage import DamagedBatch, list_damaged_batches
from reports.wording import format_duration, plural, relative_time
from web.check_up import Check, check_damage, check_disk, check_writable
from web.workspace import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """What was looked at; the damaged batches are unknown while the index cannot be asked."""

    checks: tuple[Check, ...]
    damaged: tuple[DamagedBatch, ...]

    @property
    def status(self) -> Status:
        """The worst of all."""
        return max((check.status for check in self.checks), key=STATUSES.index)


def build_health(workspace: Workspace, *, now: datetime) -> Health:
    """A few quick looks; no batch is read."""
    checks = [check_writable(workspace.settings.data), check_disk(workspace.settings.data)]
    damaged: tuple[DamagedBatch, ...] = ()
    try:
        checks += _check_index(workspace, now)
        damaged = tuple(list_damaged_batches(workspace.view))
    except LakeUnavailable as error:
        checks.append(Check(name="index", status=Status.ERROR, message=error.message))
    return Health(checks=tuple(checks), damaged=damaged)


def _check_index(workspace: Workspace, now: datetime) -> Iterator[Check]:
    begun = time.monotonic()
    [(run_count,)] = workspace.view.select(sa.select(sa.func.count()).select_from(runs))
    took = format_duration(timedelta(seconds=time.monotonic() - begun))
    yield Check(name="index", status=Status.OK, message=f"answers in {took}, knows {plural(run_count, 'run')}")
    yield check_damage(workspace.view)
    yield _check_maintenance(workspace, now)


def _check_maintenance(workspace: Workspace, now: datetime) -> Check:
    """Compaction and retention write batches anew in the same way: the newest of these tells of both."""
    [(newest,)] = workspace.view.select(sa.select(sa.func.max(batches.c.batch_id)).where(batches.c.is_merged))
    message = "compaction and retention have not written a file anew yet"
    if newest is not None:
        ago = relative_time(from_microseconds(received_us_of(newest)), now)
        message = f"compaction or retention last wrote a file anew {ago}"
    if workspace.recorder.index.is_leased(COMPACTION, now_us=to_microseconds(now)):
        message += "; a process sees to it"
    else:
        message += "; nobody sees to it just now (a server does so by itself, synclog compact at once)"
    return Check(name="maintenance", status=Status.OK, message=message)
