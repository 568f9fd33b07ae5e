"""Whether a data folder is fit for work: a few quick checks, each with its answer in plain words.

Nothing here reads a batch; whether every batch is whole is what ``synclog verify`` finds out, in its own time.
"""

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ingest.action import Status
from ingest.canary import CanaryDoor
from ingest.errors import DeliveryFailed, SynclogError
from reports.wording import format_bytes, format_duration
from web.lake_check import Check, check_lake
from web.settings import Settings
from web.upkeep_check import check_upkeep
from web.workspace import open_workspace

TOO_LITTLE_BYTES = 100_000_000
LITTLE_BYTES = 1_000_000_000


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
            now = datetime.now(UTC)
            yield from check_lake(workspace.view, now=now, opened=opened)
            yield from check_upkeep(workspace.recorder.index, settings, now=now)
    except SynclogError as error:
        yield Check(name="index", status=Status.ERROR, message=words_of(error))


def check_server(url: str, token: str | None) -> Check:
    """Whether a server says of itself that it can take actions and answer questions."""
    begun = time.monotonic()
    try:
        with CanaryDoor(url, token=token) as door:
            door.require_ready()
    except DeliveryFailed as error:
        return Check(name="server", status=Status.ERROR, message=words_of(error))
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


def words_of(error: SynclogError) -> str:
    """What happened, and what to do."""
    return error.message + (f" ({error.hint})" if error.hint else "")
