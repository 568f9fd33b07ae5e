"""Whether a data folder is fit for work: a few quick checks, each with its answer in plain words.

Nothing here reads a batch; whether every batch is whole is what ``synclog verify`` finds out, in its own time.
"""

import os
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa

from ingest.action import Status
from ingest.batch import received_us_of
from ingest.canary import CanaryDoor
from ingest.errors import DeliveryFailed, SynclogError
from ingest.index_tables import batches, runs
from ingest.timestamps import from_microseconds
from query.damage import count_damaged_batches
from query.lake_view import LakeView
from reports.wording import format_bytes, format_count, format_duration, plural, relative_time
from web.settings import Settings
from web.workspace import Workspace, open_workspace

TOO_LITTLE_BYTES = 100_000_000
LITTLE_BYTES = 1_000_000_000

SMALL_ROWS = 10_000
"""A batch of fewer actions costs a search more to open than to read."""
MANY_SMALL = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """What was looked at, and how it is: OK, WARNING (it works, but not for long or not well) or ERROR."""

    name: str
    status: Status
    message: str


def check_data(settings: Settings) -> Iterator[Check]:
    """The data folder and the index. What cannot be looked at because of an earlier error is left out."""
    writable = check_writable(settings.data)
    yield writable
    if not settings.data.is_dir():
        return
    yield check_disk(settings.data)
    if writable.status is Status.ERROR:
        return
    try:
        begun = time.monotonic()
        with open_workspace(settings) as workspace:
            opened = timedelta(seconds=time.monotonic() - begun)
            yield from _check_index(workspace, opened)
    except SynclogError as error:
        yield Check(name="index", status=Status.ERROR, message=_words_of(error))


def check_server(url: str, token: str | None) -> Check:
    """Whether a server says of itself that it can take actions and answer questions."""
    begun = time.monotonic()
    try:
        with CanaryDoor(url, token=token) as door:
            door.require_ready()
    except DeliveryFailed as error:
        return Check(name="server", status=Status.ERROR, message=_words_of(error))
    taken = timedelta(seconds=time.monotonic() - begun)
    return Check(name="server", status=Status.OK, message=f"{url} is ready, it answered in {format_duration(taken)}")


def check_writable(data: Path) -> Check:
    """By writing, for permissions do not tell of read-only mounts and full disks; the file never has a name."""
    if not data.is_dir():
        return Check(
            name="data folder",
            status=Status.ERROR,
            message=f"there is no data folder {data}: name it with --data or SYNCLOG_DATA; synclog upload makes one",
        )
    for folder in (data, *(each for each in (data / "lake", data / "lake" / "actions") if each.is_dir())):
        try:
            with tempfile.TemporaryFile(dir=folder) as file:
                file.write(b"written by synclog doctor")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            reason = f"{folder} cannot be written: {error.strerror or error}"
            return Check(name="data folder", status=Status.ERROR, message=reason)
    return Check(name="data folder", status=Status.OK, message=f"{data} can be written")


def check_disk(data: Path) -> Check:
    free = shutil.disk_usage(data).free
    message = f"{format_bytes(free)} free"
    if free < TOO_LITTLE_BYTES:
        return Check(name="disk space", status=Status.ERROR, message=f"only {message}: actions will soon be refused")
    if free < LITTLE_BYTES:
        return Check(name="disk space", status=Status.WARNING, message=f"only {message}")
    return Check(name="disk space", status=Status.OK, message=message)


def _check_index(workspace: Workspace, opened: timedelta) -> Iterator[Check]:
    begun = time.monotonic()
    [(run_count,)] = workspace.view.select(sa.select(sa.func.count()).select_from(runs))
    [(heard_us,)] = workspace.view.select(sa.select(sa.func.max(runs.c.heard_us)))
    held = workspace.view.select(sa.select(batches.c.kind, batches.c.rows, batches.c.batch_id))
    answered = timedelta(seconds=time.monotonic() - begun)
    yield Check(
        name="index",
        status=Status.OK,
        message=f"opened in {format_duration(opened)}, answers in {format_duration(answered)}, "
        f"knows {plural(run_count, 'run')}",
    )
    yield _check_batches(Counter(row.kind for row in held), [row.rows for row in held if row.kind == "actions"])
    yield check_damage(workspace.view)
    yield _check_newest(max((row.batch_id for row in held), default=None), heard_us)


def check_damage(view: LakeView) -> Check:
    """What is known of; reading all batches to find damage is left to ``synclog verify``."""
    count = count_damaged_batches(view)
    if not count:
        return Check(name="damage", status=Status.OK, message="no file is known to be damaged")
    message = f"{plural(count, 'file')} damaged: synclog verify names them and says what to do"
    return Check(name="damage", status=Status.ERROR, message=message)


def _check_batches(live: Counter[str], rows: list[int]) -> Check:
    small = sum(1 for count in rows if count < SMALL_ROWS)
    kinds = ", ".join(f"{format_count(count)} of {kind}" for kind, count in sorted(live.items()))
    message = f"{format_count(live.total())} live" + (f" ({kinds})" if kinds else "")
    message += f", {format_count(small)} small with fewer than {format_count(SMALL_ROWS)} actions"
    if small > MANY_SMALL:
        return Check(name="batches", status=Status.WARNING, message=f"{message}: synclog compact merges them")
    return Check(name="batches", status=Status.OK, message=message)


def _check_newest(batch_id: str | None, heard_us: int | None) -> Check:
    """The newest batch may be a merge of old ones, so it is also said when a run was last heard of."""
    now = datetime.now(UTC)
    if batch_id is None:
        return Check(name="newest batch", status=Status.OK, message="none yet: nothing was recorded")
    message = f"sealed {relative_time(from_microseconds(received_us_of(batch_id)), now)}"
    if heard_us is not None:
        message += f", a run was last heard of {relative_time(from_microseconds(heard_us), now)}"
    return Check(name="newest batch", status=Status.OK, message=message)


def _words_of(error: SynclogError) -> str:
    return error.message + (f" ({error.hint})" if error.hint else "")
