"""The file of an SQLite index: which one it is, for it may be deleted while it is open, and a damaged one goes."""

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from ingest.database import DatabaseDamaged

BESIDE = ("-wal", "-shm")
"""Files that SQLite keeps beside a database; what they hold belongs to it."""
SETTLE_SECONDS = 0.25
WHAT_IS_LOST = (
    "nothing that was recorded is lost; the checksums of files are, until the next synclog verify, what had been in "
    "damaged files that were not set aside, and when maintenance, verify and backup were last done"
)

_Opened = TypeVar("_Opened")


class IndexDamaged(DatabaseDamaged):
    """The index is not a database any more, but can be made anew. ``path`` is its file."""

    def __init__(self, message: str, path: Path) -> None:
        super().__init__(message, hint="run synclog reindex: it makes the index anew from the lake")
        self.path = path


def identity_of(path: str) -> tuple[int, int] | None:
    """Which file it is that has this name now, whatever its content; None when there is none."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def await_deletion(path: str) -> None:
    """Where somebody deletes an index just now, let them delete all its files: not those of the next one as well."""
    if not path or os.path.exists(path):
        return
    until = time.monotonic() + SETTLE_SECONDS
    while (
        identity_of(path) is None
        and any(os.path.exists(path + suffix) for suffix in BESIDE)
        and time.monotonic() < until
    ):
        time.sleep(0.01)


def with_index_anew(open_it: Callable[[], _Opened]) -> tuple[_Opened, list[Path]]:
    """What ``open_it`` gives, once a damaged index that it meets was moved aside, and where that went."""
    try:
        return open_it(), []
    except IndexDamaged as error:
        path = error.path
    with _alone_in(path.parent):
        try:
            return open_it(), []  # another process has made it anew meanwhile
        except IndexDamaged:
            moved = _move_aside(path)
            return open_it(), moved


def _move_aside(path: Path) -> list[Path]:
    """The database last: whoever opens a new one finds none of the old files beside it."""
    at = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%f")
    aside = path.with_name(f"{path.name}.damaged-{at}")
    moved = []
    for suffix in (*BESIDE, ""):
        with suppress(FileNotFoundError):
            moved.append(path.with_name(path.name + suffix).rename(aside.with_name(aside.name + suffix)))
    return moved[::-1]


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """One process at a time may exchange the index of a folder."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
