"""Files on a disk: written so that they last, and what is said of a disk that does not play along."""

import errno
import fcntl
import io
import os
import uuid
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa

from ingest.errors import BatchDamaged, LakeUnavailable
from ingest.fault_points import FaultPoint, reach

_NO_ROOM = {errno.ENOSPC, errno.EDQUOT}
_NOT_ALLOWED = {errno.EROFS, errno.EACCES, errno.EPERM}


class SummedFile(io.BufferedWriter):
    """A new file that knows the CRC-32 of what was written to it."""

    def __init__(self, path: Path) -> None:
        super().__init__(io.FileIO(path, "w"), buffer_size=1 << 18)
        self.crc = 0

    def write(self, data: Any) -> int:  # any buffer of bytes
        self.crc = zlib.crc32(data, self.crc)
        written = super().write(data)
        reach(FaultPoint.HALF_WRITTEN)
        return written


def is_abandoned(path: Path) -> bool:
    """True when nobody holds the lock a living writer would hold."""
    try:
        with path.open("rb") as leftover:
            fcntl.flock(leftover, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
    except OSError:
        return False


def write_whole(path: Path, text: str) -> None:
    """A file that is there whole, or not at all, whatever is killed."""
    draft = path.with_name(f"{path.name}.{uuid.uuid4().hex}")
    with draft.open("w", encoding="utf-8") as sink:
        sink.write(text)
        sink.flush()
        os.fsync(sink.fileno())
    draft.rename(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """So that the names in it last."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def reading_trouble(path: Path) -> Iterator[None]:
    """Words for what Arrow and an operating system say of a sealed file: it is damaged, or the trouble may pass."""
    try:
        yield
    except FileNotFoundError as error:
        raise BatchDamaged(f"{path} is gone") from error
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        if getattr(error, "errno", None) in (None, errno.EIO):  # none: Arrow's own, bytes that make no sense
            raise BatchDamaged(f"{path} cannot be read as Parquet: {error}") from error
        raise LakeUnavailable(f"{path} cannot be read: {error}", hint="try again in a moment") from error


@contextmanager
def disk_trouble(place: Path) -> Iterator[None]:
    """Words for what an operating system says of a disk."""
    try:
        yield
    except OSError as error:
        if error.errno in _NO_ROOM:
            raise LakeUnavailable(
                f"no room left on the disk of {place}", hint="free some space, then send again"
            ) from error
        if error.errno in _NOT_ALLOWED:
            raise LakeUnavailable(f"{place} may not be written", hint="check the folder's owner and mount") from error
        raise LakeUnavailable(f"{place} cannot be written: {error.strerror or error}") from error
