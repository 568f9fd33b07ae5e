"""What a backup is: the files its manifest names, each with its size and CRC-32. To check one takes no lake."""

import json
import os
import sqlite3
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from ingest.control import what_is_wrong_with
from ingest.disk import sync_folder
from ingest.errors import InvalidInput, LakeUnavailable

MANIFEST = "backup.json"
MANIFEST_FORMAT = 1
CONTROL = "control.sqlite"
COPYING = ".copying"
BLOCK_BYTES = 1 << 20

Progress = Callable[[int, int], None]
"""Is told of bytes done, and of how many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CopiedFile:
    """A file of a copy; ``rows`` is None of one that holds none, like a token index."""

    path: str  # below the folder of the copy
    bytes: int
    crc32: int
    rows: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedBackup:
    """What reading a copy found: of what and when it was taken, how much it holds, what is wrong with it, in words."""

    of: str
    made_at: str
    files: int
    rows: Mapping[str, int]
    wrong: Sequence[str]


def check_backup(to: Path, progress: Progress = lambda done, of: None) -> CheckedBackup:
    """Read every file of a copy, or of a copy of that, without its lake. Raises InvalidInput when it is no backup."""
    manifest = read_manifest(to)
    files = list(map(file_from, manifest["files"]))
    total, done, found = sum(file.bytes for file in files), 0, []
    for file in files:
        try:
            if sum_of(to / file.path) != (file.bytes, file.crc32):
                found.append(f"{to / file.path} is not what was copied")
        except FileNotFoundError:
            found.append(f"{to / file.path} is gone")
        except OSError as error:
            found.append(f"{to / file.path} cannot be read: {error.strerror or error}")
        done += file.bytes
        progress(done, total)
    return CheckedBackup(
        of=manifest["of"],
        made_at=manifest["made_at"],
        files=len(files),
        rows=manifest["rows"],
        wrong=[*found, *check_control(to)],
    )


def check_control(to: Path) -> list[str]:
    """What is wrong with the copy of the control database, where there is one."""
    if (to / CONTROL).exists() and (problem := what_is_wrong_with(to / CONTROL)):
        return [f"{to / CONTROL} is damaged: {problem}"]
    return []


def has_its_size(path: Path, file: CopiedFile) -> bool:
    try:
        return path.stat().st_size == file.bytes
    except OSError:
        return False


def has_its_bytes(path: Path, file: CopiedFile) -> bool:
    try:
        return sum_of(path) == (file.bytes, file.crc32)
    except OSError:
        return False


def sum_of(path: Path) -> tuple[int, int]:
    """Size and CRC-32."""
    size = crc = 0
    with path.open("rb") as source:
        while block := source.read(BLOCK_BYTES):
            size += len(block)
            crc = zlib.crc32(block, crc)
    return size, crc


def write_manifest(to: Path, of: str, files: Sequence[CopiedFile], *, made_at: datetime) -> None:
    manifest = {
        "format": MANIFEST_FORMAT,
        "of": of,
        "made_at": made_at.isoformat(),
        "rows": {
            kind: sum(file.rows or 0 for file in files if file.path.startswith(f"lake/{kind}/"))
            for kind in ("actions", "runs", "rejects")
        },
        "files": [asdict(file) for file in files],
    }
    draft = to / f"{MANIFEST}{COPYING}"
    with disk_trouble(to):
        with draft.open("w", encoding="utf-8") as sink:
            json.dump(manifest, sink, indent=1)
            sink.flush()
            os.fsync(sink.fileno())
        draft.rename(to / MANIFEST)
        sync_folder(to)


def read_manifest(to: Path) -> dict[str, Any]:  # JSON values
    """Raises InvalidInput."""
    try:
        manifest: dict[str, Any] = json.loads((to / MANIFEST).read_text(encoding="utf-8"))
        if manifest["format"] > MANIFEST_FORMAT:
            raise InvalidInput(f"{to} was made by a newer synclog", field="to")
        list(map(file_from, manifest["files"]))
        str(manifest["of"]), str(manifest["made_at"]), dict(manifest["rows"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InvalidInput(f"{to} is no backup: {MANIFEST} cannot be read ({error})", field="to") from error
    return manifest


def file_from(entry: Mapping[str, Any]) -> CopiedFile:
    return CopiedFile(path=entry["path"], bytes=entry["bytes"], crc32=entry["crc32"], rows=entry["rows"])


@contextmanager
def disk_trouble(to: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        words = getattr(error, "strerror", None) or error
        raise LakeUnavailable(f"the backup in {to} cannot be written: {words}") from error
