"""Backups: a copy of a lake taken while others write to it, in which only what is new is copied.

A batch never changes, so a copy of it never grows old. One transaction of the index says which batches make up the
lake at one moment: everything that was acknowledged before. While they are copied nobody deletes the files of batches
that were replaced meanwhile. The manifest, written last, names the files of the copy; until then the one before holds,
and all its files are still there. The copy is a lake like any other: whoever opens it derives its index from the
footers. What people keep in the control database is copied beside it, whole and at once.
"""

import os
import socket
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from ingest.backup_manifest import (
    BLOCK_BYTES,
    CONTROL,
    COPYING,
    MANIFEST,
    CopiedFile,
    Progress,
    disk_trouble,
    file_from,
    has_its_bytes,
    has_its_size,
    read_manifest,
    sum_of,
    write_manifest,
)
from ingest.compaction import KEEP_FILES, LEASE_SECONDS
from ingest.control import Control
from ingest.disk import sync_folder
from ingest.errors import BatchDamaged, Conflict, InvalidInput
from ingest.fault_points import FaultPoint, reach
from ingest.index import Index
from ingest.index_tables import batches, damaged
from ingest.lake import Lake
from ingest.timestamps import to_microseconds

Fit = Callable[[Path, CopiedFile], bool]
"""Whether a file of the copy before is as it was copied: :func:`has_its_size`, or :func:`has_its_bytes` to read it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DamagedSource:
    """A batch of the lake that is not as it was written; ``earlier`` is a good copy of it, where the folder has one."""

    path: Path
    problem: str
    earlier: Path | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """What a backup did: files copied, those that were there, those no longer needed, and what was found damaged."""

    copied: Sequence[CopiedFile]
    kept: Sequence[CopiedFile]
    removed: int
    damaged: Sequence[DamagedSource]
    mended: Sequence[Path]
    """Files of the copy that were not any more as they were copied, and were copied anew."""
    has_control: bool
    """Whether the control database was copied: one in PostgreSQL is not."""


def back_up(
    lake: Lake,
    index: Index,
    control: Control,
    to: Path,
    *,
    now: Callable[[], datetime],
    fit: Fit = has_its_size,
    progress: Progress = lambda done, of: None,
) -> Backup:
    """Bring the copy in ``to`` up to date; what is there already and not ``fit`` any more is copied anew.

    Raises InvalidInput for a folder that cannot be one, Conflict while another backup of this lake is taken,
    LakeUnavailable when the disk of either cannot be used. What had been copied by then need not be copied again.
    """
    copying = _Copying(lake, to, _open_copy(lake, to), fit)
    with _files_kept(index, now) as keep_on:
        live, bad = _read_lake(index)
        for row in bad:
            copying.leave_out(lake.path_of(row.kind, row.batch_id), row.problem)
        wanted = list(_wanted(lake, live))
        done, total = 0, sum(file.size for file in wanted)
        for file in wanted:
            copying.bring(file, keep_on)
            done += file.size
            progress(done, total)
        with disk_trouble(to):
            has_control = control.copy_to(to / CONTROL)
        _sync_folders(to, copying.copied)
        reach(FaultPoint.BACKUP_COPIED)
        files = copying.files()
        write_manifest(to, str(lake.root.parent.resolve()), files, made_at=now())
    reach(FaultPoint.BACKUP_NAMED)
    return Backup(
        copied=copying.copied,
        kept=copying.kept(),
        removed=_remove_others(to, {file.path for file in files}),
        damaged=copying.damaged,
        mended=copying.mended,
        has_control=has_control,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    """A file of the lake; its CRC-32 is None where nobody knows it, its rows where it holds none."""

    path: Path
    size: int
    crc: int | None = None
    rows: int | None = None


class _Copying:
    """One backup under way: what was there before, and what becomes of it."""

    def __init__(self, lake: Lake, to: Path, before: Mapping[str, CopiedFile], fit: Fit) -> None:
        self._lake, self._to, self._before, self._fit = lake, to, before, fit
        self._files: dict[str, CopiedFile] = {}
        self.copied: list[CopiedFile] = []
        self.damaged: list[DamagedSource] = []
        self.mended: list[Path] = []

    def bring(self, file: _Wanted, keep_on: Callable[[], None]) -> None:
        """Keep the copy of a file, or make one; ``keep_on`` is called at every block."""
        keep_on()
        path = self._place(file.path)
        old = self._before.get(path)
        if old is not None and file.crc not in (None, old.crc32):
            old = None
        if old is not None and self._fit(self._to / path, old):
            self._files[path] = old
            if file.rows is not None and (problem := _find_loss(file)):
                self.leave_out(file.path, problem)
            return
        try:
            copy = _copy(file, self._to, path, keep_on)
        except BatchDamaged as error:
            if file.rows is not None:  # what is derived of a batch may come and go
                self.leave_out(file.path, error.message)
            return
        self._files[path] = copy
        self.copied.append(copy)
        if old is not None:
            self.mended.append(self._to / path)

    def leave_out(self, source: Path, problem: str) -> None:
        """Of what is damaged the earlier copy stays, whatever it is like, and what belongs to it."""
        for path in (self._place(source), self._place(self._lake.token_index_path(source.stem))):
            if path in self._before:
                self._files.setdefault(path, self._before[path])
        earlier = self._before.get(self._place(source))
        good = earlier is not None and has_its_bytes(self._to / earlier.path, earlier)
        place = self._to / earlier.path if earlier is not None and good else None
        self.damaged.append(DamagedSource(path=source, problem=problem, earlier=place))

    def files(self) -> list[CopiedFile]:
        return [self._files[path] for path in sorted(self._files)]

    def kept(self) -> list[CopiedFile]:
        new = {file.path for file in self.copied}
        return [file for file in self.files() if file.path not in new]

    def _place(self, source: Path) -> str:
        return str(Path("lake") / source.relative_to(self._lake.root))


def take_over(lake: Lake, to: Path) -> None:
    """Make the backup of another data folder that of this one, which was restored from it. Raises InvalidInput.

    What was restored has the manifest too: so a backup of something else is not emptied by mistake.
    """
    manifest, here = read_manifest(to), lake.root.parent
    if not (here / MANIFEST).exists() or read_manifest(here)["of"] != manifest["of"]:
        raise InvalidInput(f"{here} was not restored from {to}: its {MANIFEST} does not say so", field="take_over")
    files = list(map(file_from, manifest["files"]))
    write_manifest(to, str(lake.root.parent.resolve()), files, made_at=datetime.fromisoformat(manifest["made_at"]))


def _open_copy(lake: Lake, to: Path) -> dict[str, CopiedFile]:
    """The files of the copy before; its folder is made if there is none. Raises InvalidInput, LakeUnavailable."""
    data = lake.root.parent.resolve()
    if to.resolve() == data or data in to.resolve().parents or to.resolve() in data.parents:
        raise InvalidInput(f"{to} and the data folder {data} must not lie inside each other", field="to")
    with disk_trouble(to):
        to.mkdir(parents=True, exist_ok=True)
        if not (to / MANIFEST).exists():
            strangers = [path.name for path in to.iterdir() if not path.name.startswith(("lake", CONTROL))]
            if strangers:
                raise InvalidInput(f"{to} is no backup, and holds {strangers[0]}", field="to", hint="name a new folder")
            return {}
    manifest = read_manifest(to)
    if manifest["of"] != str(data):
        raise InvalidInput(
            f"{to} is a backup of {manifest['of']}",
            field="to",
            hint="name a folder of its own, or, where this data folder was restored from that backup, add --take-over",
        )
    if any(to.glob("index.sqlite*")):
        raise InvalidInput(
            f"{to} was opened as a data folder",
            field="to",
            hint=f"if nothing was recorded there, delete {to / 'index.sqlite'}* and try again; "
            "to look at a backup use --verify-only, to restore it start on a copy of it",
        )
    return {file.path: file for file in map(file_from, manifest["files"])}


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


def _read_lake(index: Index) -> tuple[Sequence[sa.Row[Any]], Sequence[sa.Row[Any]]]:
    """The batches of one moment that can be read, and those known to be damaged."""
    with index.reading() as connection:
        bad = connection.execute(sa.select(damaged).order_by(damaged.c.batch_id)).all()
        live = connection.execute(sa.select(batches).order_by(batches.c.batch_id)).all()
    bad_ids = {row.batch_id for row in bad}
    return [row for row in live if row.batch_id not in bad_ids], bad


def _wanted(lake: Lake, live: Sequence[sa.Row[Any]]) -> Iterator[_Wanted]:
    yield _Wanted(path=lake.root / "format.json", size=0)
    for row in live:
        yield _Wanted(path=lake.path_of(row.kind, row.batch_id), size=row.bytes, crc=row.crc, rows=row.rows)
        tokens = lake.token_index_path(row.batch_id)
        with suppress(FileNotFoundError):
            yield _Wanted(path=tokens, size=tokens.stat().st_size)


def _find_loss(file: _Wanted) -> str | None:
    """What can be told of a batch without reading it: the rest is for ``synclog verify``."""
    try:
        size = file.path.stat().st_size
    except FileNotFoundError:
        return f"{file.path} is gone"
    except OSError as error:
        return f"{file.path} cannot be read: {error.strerror}"
    return None if size == file.size else f"{file.path} has {size} bytes, {file.size} were written"


def _copy(file: _Wanted, to: Path, path: str, keep_on: Callable[[], None]) -> CopiedFile:
    """Raises BatchDamaged when the file is not what was written, or cannot be read."""
    source = file.path
    copy = to / path
    draft = copy.with_name(copy.name + COPYING)
    with disk_trouble(to):
        copy.parent.mkdir(parents=True, exist_ok=True)
        with draft.open("wb") as sink:
            try:
                for block in _blocks_of(source):
                    sink.write(block)
                    keep_on()
            except BatchDamaged:
                draft.unlink(missing_ok=True)
                raise
            sink.flush()
            os.fsync(sink.fileno())
        size, found = sum_of(draft)  # of what arrived
        if file.crc not in (None, found):
            draft.unlink()
            raise BatchDamaged(f"{source} is not what was written")
        draft.chmod(0o444)
        draft.rename(copy)
    reach(FaultPoint.BACKUP_HALF_COPIED)
    return CopiedFile(path=path, bytes=size, crc32=found, rows=file.rows)


def _blocks_of(source: Path) -> Iterator[bytes]:
    """Raises BatchDamaged when it cannot be read."""
    try:
        with source.open("rb") as whole:
            while block := whole.read(BLOCK_BYTES):
                yield block
    except FileNotFoundError as error:
        raise BatchDamaged(f"{source} is gone") from error
    except OSError as error:
        raise BatchDamaged(f"{source} cannot be read: {error.strerror or error}") from error


def _sync_folders(to: Path, copied: Sequence[CopiedFile]) -> None:
    folders = {folder for file in copied for folder in (to / file.path).parents if to in (folder, *folder.parents)}
    with disk_trouble(to):
        for folder in folders:
            sync_folder(folder)


def _remove_others(to: Path, named: set[str]) -> int:
    """Delete what no manifest names any more; returns how many files."""
    removed = 0
    with disk_trouble(to):
        for path in [path for path in (to / "lake").rglob("*") if path.is_file()]:
            if str(path.relative_to(to)) not in named:
                path.unlink()
                removed += not path.name.endswith(COPYING)
    return removed
