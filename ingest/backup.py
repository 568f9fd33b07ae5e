"""Backups: a copy of a lake taken while others write to it, in which only what is new is copied.

A batch never changes, so a copy of it never grows old. One transaction of the index says which batches make up the
lake at one moment: everything that was acknowledged before. While they are copied nobody deletes the files of batches
that were replaced meanwhile. The manifest, written last, names the files of the copy; until then the one before holds,
and all its files are still there. The copy is a lake like any other: whoever opens it derives its index from the
footers. What people keep in the control database is copied beside it, whole and at once.
"""

import json
import os
import shutil
import socket
import sqlite3
import uuid
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from ingest.compaction import KEEP_FILES, LEASE_SECONDS
from ingest.control import Control, what_is_wrong_with
from ingest.errors import BatchDamaged, Conflict, InvalidInput, LakeUnavailable
from ingest.fault_points import FaultPoint, reach
from ingest.index import Index
from ingest.index_tables import batches, damaged
from ingest.lake import Lake
from ingest.timestamps import to_microseconds

MANIFEST = "backup.json"
MANIFEST_FORMAT = 1
CONTROL = "control.sqlite"
_COPYING = ".copying"
_BLOCK_BYTES = 1 << 20

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
class Backup:
    """What a backup did: files copied, those that were there, those no longer needed, and what could not be read."""

    copied: Sequence[CopiedFile]
    kept: Sequence[CopiedFile]
    removed: int
    missing: Mapping[str, str]
    """Batches of the lake that the copy has not, each with the reason."""
    has_control: bool
    """Whether the control database was copied: one in PostgreSQL is not."""


def back_up(
    lake: Lake,
    index: Index,
    control: Control,
    to: Path,
    *,
    now: Callable[[], datetime],
    progress: Progress = lambda done, of: None,
) -> Backup:
    """Bring the copy in ``to`` up to date.

    Raises InvalidInput for a folder that cannot be one, Conflict while another backup of this lake is taken,
    LakeUnavailable when the disk of either cannot be used. What had been copied by then need not be copied again.
    """
    before = _open_copy(lake, to)
    with _files_kept(index, now) as keep_on:
        live, known_damaged = _read_lake(index)
        wanted = list(_wanted(lake, live))
        total = sum(size for _, size, _, _ in wanted)
        done = 0
        copied, kept, missing = [], [], dict(known_damaged)
        for source, size, crc, rows in wanted:
            keep_on()
            path = str(Path("lake") / source.relative_to(lake.root))
            old = before.get(path)
            if old is not None and crc in (None, old.crc32) and _has_size(to / path, old.bytes):
                kept.append(old)
            else:
                try:
                    copied.append(_copy(source, to, path, crc, rows))
                except BatchDamaged as error:
                    if rows is not None:  # what is derived of a batch may come and go
                        missing[source.stem] = error.message
            done += size
            progress(done, total)
        # Of what is damaged the earlier copy stays, where there is one.
        kept += [file for file in before.values() if Path(file.path).stem in missing]
        with _disk_trouble(to):
            has_control = control.copy_to(to / CONTROL)
        _sync_folders(to, copied)
        reach(FaultPoint.BACKUP_COPIED)
        files = sorted([*copied, *kept], key=lambda file: file.path)
        _write_manifest(lake, to, files, made_at=now())
    reach(FaultPoint.BACKUP_NAMED)
    removed = _remove_others(to, {file.path for file in files})
    for batch_id in {Path(file.path).stem for file in kept}:
        missing.pop(batch_id, None)
    return Backup(copied=copied, kept=kept, removed=removed, missing=missing, has_control=has_control)


def check_backup(to: Path, progress: Progress = lambda done, of: None) -> list[str]:
    """Read every file of a copy; what is wrong with it, in words. Raises InvalidInput when it is no backup."""
    files = _read_manifest(to)["files"]
    total, done, found = sum(file["bytes"] for file in files), 0, []
    for file in map(_file_from, files):
        try:
            if _sum(to / file.path) != (file.bytes, file.crc32):
                found.append(f"{to / file.path} is not what was copied")
        except FileNotFoundError:
            found.append(f"{to / file.path} is gone")
        except OSError as error:
            found.append(f"{to / file.path} cannot be read: {error.strerror or error}")
        done += file.bytes
        progress(done, total)
    if (to / CONTROL).exists() and (problem := what_is_wrong_with(to / CONTROL)):
        found.append(f"{to / CONTROL} is damaged: {problem}")
    return found


def _open_copy(lake: Lake, to: Path) -> dict[str, CopiedFile]:
    """The files of the copy before, made if there is none. Raises InvalidInput."""
    data = lake.root.parent.resolve()
    if to.resolve() == data or data in to.resolve().parents or to.resolve() in data.parents:
        raise InvalidInput(f"{to} and the data folder {data} must not lie inside each other", field="to")
    with _disk_trouble(to):
        to.mkdir(parents=True, exist_ok=True)
        if not (to / MANIFEST).exists():
            strangers = [path.name for path in to.iterdir() if not path.name.startswith(("lake", CONTROL))]
            if strangers:
                raise InvalidInput(f"{to} is no backup, and holds {strangers[0]}", field="to", hint="name a new folder")
            return {}
    manifest = _read_manifest(to)
    if manifest["of"] != str(data):
        raise InvalidInput(f"{to} is a backup of {manifest['of']}", field="to", hint="name a folder of its own")
    if any(to.glob("index.sqlite*")):
        raise InvalidInput(
            f"{to} is in use as a data folder", field="to", hint="restore a copy of a backup, not the backup"
        )
    return {file.path: file for file in map(_file_from, manifest["files"])}


@contextmanager
def _files_kept(index: Index, now: Callable[[], datetime]) -> Iterator[Callable[[], None]]:
    """Nobody deletes replaced files meanwhile, as long as what is given is called now and then."""
    holder = f"{socket.gethostname()} {os.getpid()} {uuid.uuid4()}"
    taken_us = 0

    def keep_on() -> None:
        nonlocal taken_us
        now_us = to_microseconds(now())
        if abs(now_us - taken_us) < LEASE_SECONDS * 1_000_000 / 4:
            return
        if not index.take_lease(KEEP_FILES, holder, now_us=now_us, seconds=LEASE_SECONDS):
            raise Conflict("another backup of this lake is being taken", hint="try again when it is done")
        taken_us = now_us

    keep_on()
    try:
        yield keep_on
    finally:
        index.end_lease(KEEP_FILES, holder)


def _read_lake(index: Index) -> tuple[Sequence[sa.Row[Any]], dict[str, str]]:
    """The batches of one moment that can be read, and what is wrong with the others."""
    with index.reading() as connection:
        bad = {row.batch_id: row.problem for row in connection.execute(sa.select(damaged))}
        live = connection.execute(sa.select(batches).order_by(batches.c.batch_id)).all()
    return [row for row in live if row.batch_id not in bad], bad


def _wanted(lake: Lake, live: Sequence[sa.Row[Any]]) -> Iterator[tuple[Path, int, int | None, int | None]]:
    """Path, size, CRC-32 if it is known, and rows of every file."""
    yield lake.root / "format.json", 0, None, None
    for row in live:
        yield lake.path_of(row.kind, row.batch_id), row.bytes, row.crc, row.rows
        tokens = lake.token_index_path(row.batch_id)
        with suppress(FileNotFoundError):
            yield tokens, tokens.stat().st_size, None, None


def _has_size(path: Path, size: int) -> bool:
    with suppress(FileNotFoundError):
        return path.stat().st_size == size
    return False


def _copy(source: Path, to: Path, path: str, crc: int | None, rows: int | None) -> CopiedFile:
    """Raises BatchDamaged when the file is not what was written, or gone."""
    copy = to / path
    draft = copy.with_name(copy.name + _COPYING)
    with _disk_trouble(to):
        copy.parent.mkdir(parents=True, exist_ok=True)
        try:
            with source.open("rb") as whole, draft.open("wb") as sink:
                shutil.copyfileobj(whole, sink, _BLOCK_BYTES)
                sink.flush()
                os.fsync(sink.fileno())
        except FileNotFoundError as error:
            draft.unlink(missing_ok=True)
            raise BatchDamaged(f"{source} is gone") from error
        size, found = _sum(draft)  # of what arrived
        if crc not in (None, found):
            draft.unlink()
            raise BatchDamaged(f"{source} is not what was written")
        draft.chmod(0o444)
        draft.rename(copy)
    reach(FaultPoint.BACKUP_HALF_COPIED)
    return CopiedFile(path=path, bytes=size, crc32=found, rows=rows)


def _sum(path: Path) -> tuple[int, int]:
    """Size and CRC-32."""
    size = crc = 0
    with path.open("rb") as source:
        while block := source.read(_BLOCK_BYTES):
            size += len(block)
            crc = zlib.crc32(block, crc)
    return size, crc


def _sync_folders(to: Path, copied: Sequence[CopiedFile]) -> None:
    folders = {folder for file in copied for folder in (to / file.path).parents if to in (folder, *folder.parents)}
    with _disk_trouble(to):
        for folder in folders:
            _sync(folder)


def _write_manifest(lake: Lake, to: Path, files: Sequence[CopiedFile], *, made_at: datetime) -> None:
    manifest = {
        "format": MANIFEST_FORMAT,
        "of": str(lake.root.parent.resolve()),
        "made_at": made_at.isoformat(),
        "rows": {
            kind: sum(file.rows or 0 for file in files if file.path.startswith(f"lake/{kind}/"))
            for kind in ("actions", "runs", "rejects")
        },
        "files": [asdict(file) for file in files],
    }
    draft = to / f"{MANIFEST}{_COPYING}"
    with _disk_trouble(to):
        with draft.open("w", encoding="utf-8") as sink:
            json.dump(manifest, sink, indent=1)
            sink.flush()
            os.fsync(sink.fileno())
        draft.rename(to / MANIFEST)
        _sync(to)


def _read_manifest(to: Path) -> dict[str, Any]:  # JSON values
    """Raises InvalidInput."""
    try:
        manifest: dict[str, Any] = json.loads((to / MANIFEST).read_text(encoding="utf-8"))
        if manifest["format"] > MANIFEST_FORMAT:
            raise InvalidInput(f"{to} was made by a newer synclog", field="to")
        list(map(_file_from, manifest["files"]))
        str(manifest["of"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InvalidInput(f"{to} is no backup: {MANIFEST} cannot be read ({error})", field="to") from error
    return manifest


def _file_from(entry: Mapping[str, Any]) -> CopiedFile:
    return CopiedFile(path=entry["path"], bytes=entry["bytes"], crc32=entry["crc32"], rows=entry["rows"])


def _remove_others(to: Path, named: set[str]) -> int:
    """Delete what no manifest names any more; returns how many files."""
    removed = 0
    with _disk_trouble(to):
        for path in [path for path in (to / "lake").rglob("*") if path.is_file()]:
            if str(path.relative_to(to)) not in named:
                path.unlink()
                removed += not path.name.endswith(_COPYING)
    return removed


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _disk_trouble(to: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        words = getattr(error, "strerror", None) or error
        raise LakeUnavailable(f"the backup in {to} cannot be written: {words}") from error
