"""Where sealed batches lie, and how one gets there: written under a temporary name, synced, renamed.

The only place that knows paths. State is visible in the name: ``<batch_id>.parquet`` is sealed and never changes,
``<batch_id>.writing`` belongs to a writer that holds a lock on it. A leftover whose writer is gone is moved aside, not
deleted: nobody was told that it is safe, but somebody may want to look at it. ``<batch_id>.merging`` is the same for
a batch that holds rows of others; a leftover of that is deleted, for the rows are safe where they came from.
"""

import fcntl
import json
import logging
import os
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import pyarrow as pa
import pyarrow.parquet as pq

from ingest.batch import SCHEMAS, make_durable, received_us_of
from ingest.disk import SummedFile, disk_trouble, is_abandoned, reading_trouble, sync_folder, write_whole
from ingest.errors import BatchDamaged, LakeTooNew, LakeUnavailable
from ingest.fault_points import FaultPoint, reach
from ingest.footer import KINDS, BatchFooter, footer_from_metadata
from ingest.schema import FORMAT_VERSION
from ingest.timestamps import from_microseconds

logger = logging.getLogger(__name__)

SEALED = ".parquet"
WRITING = ".writing"
MERGING = ".merging"
TOKENS = ".arrow"
NOTE = ".json"

ROWS_A_PART = 122_880
SMALL_BYTES = 1 << 20
"""A file of at most so many bytes is read at once, by one thread: more of either takes longer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedBatch:
    """A batch that is in the lake: its footer, its size in bytes, and the CRC-32 of its file where that is known."""

    footer: BatchFooter
    size: int
    crc: int | None = None


class Lake:
    """A folder of batches. Any number of processes may put and list at once."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._lasting_days: set[Path] = set()
        self._is_written = True

    @classmethod
    def open(cls, root: Path) -> "Lake":
        """The lake at ``root``, made if there is none. Raises LakeTooNew, LakeUnavailable."""
        lake = cls(root)
        with disk_trouble(root):
            for kind in KINDS:
                (root / kind).mkdir(parents=True, exist_ok=True)
            (root / "tokens").mkdir(exist_ok=True)
            lake._check_format()
            sync_folder(root.parent)
        return lake

    @classmethod
    def open_to_look(cls, root: Path) -> "Lake":
        """The lake at ``root``, which is not written. Raises LakeTooNew, LakeUnavailable."""
        lake = cls(root)
        lake._is_written = False
        try:
            lake.require_there()
            lake._check_format()
        except OSError as error:
            raise LakeUnavailable(
                f"{root} cannot be read: {error.strerror}", hint="check its owner and mount"
            ) from error
        return lake

    def path_of(self, kind: str, batch_id: str) -> Path:
        """The path of a sealed batch: its day (UTC, when it was begun) and its id."""
        day = from_microseconds(received_us_of(batch_id)).date().isoformat()
        return self.root / kind / day / f"{batch_id}{SEALED}"

    def token_index_path(self, batch_id: str) -> Path:
        """Where the words of a merged batch of actions are, if anywhere: derived, may be missing."""
        return self.path_of("tokens", batch_id).with_suffix(TOKENS)

    def put(
        self, kind: str, batch_id: str, write: Callable[[IO[bytes]], BatchFooter], *, unfinished: str = WRITING
    ) -> SealedBatch:
        """Seal a batch. When this returns its bytes and its name are on disk.

        Raises LakeUnavailable when the disk is full or may not be written; then there is no trace of the batch.
        """
        sealed = self.path_of(kind, batch_id)
        writing = sealed.with_suffix(unfinished)
        with disk_trouble(sealed):
            self._make_day(sealed.parent)
            try:
                with SummedFile(writing) as sink:
                    fcntl.flock(sink, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    reach(FaultPoint.PUT_BEGUN)
                    footer = write(sink)
                    reach(FaultPoint.WRITTEN)
                    os.fchmod(sink.fileno(), 0o444)  # nobody writes to a sealed batch, not even by mistake
                    make_durable(sink)
                    reach(FaultPoint.SYNCED)
                    size, crc = sink.tell(), sink.crc
                    writing.rename(sealed)
                    reach(FaultPoint.RENAMED)
                sync_folder(sealed.parent)
            except BaseException:
                writing.unlink(missing_ok=True)
                sealed.unlink(missing_ok=True)
                raise
        return SealedBatch(footer=footer, size=size, crc=crc)

    def put_token_index(self, batch_id: str, write: Callable[[IO[bytes]], None]) -> None:
        """Keep the token index of a batch beside it. Raises LakeUnavailable."""
        path = self.token_index_path(batch_id)
        draft = path.with_suffix(MERGING)
        with disk_trouble(path):
            self._make_day(path.parent)
            try:
                with draft.open("wb") as sink:
                    fcntl.flock(sink, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    write(sink)
                    make_durable(sink)
                    draft.rename(path)
            except BaseException:
                draft.unlink(missing_ok=True)
                raise

    def size_on_disk(self, kind: str, batch_id: str) -> int:
        """Of a batch and what was derived from it; 0 of one that is gone."""
        size = 0
        for path in (self.path_of(kind, batch_id), self.token_index_path(batch_id)):
            with suppress(FileNotFoundError):
                size += path.stat().st_size
        return size

    def remove(self, kind: str, batch_ids: Iterable[str]) -> int:
        """Delete batches whose rows live on in others, and what was derived from them; returns the bytes freed.

        When this returns they are gone from the disk, even if its power fails next.
        """
        freed = 0
        folders = set()
        for batch_id in batch_ids:
            for path in (self.path_of(kind, batch_id), self.token_index_path(batch_id)):
                with suppress(FileNotFoundError):
                    size = path.stat().st_size
                    path.unlink()
                    reach(FaultPoint.MERGE_HALF_DELETED)
                    freed += size
                    folders.add(path.parent)
        for folder in folders:
            sync_folder(folder)
        return freed

    def list_ids(self, kind: str) -> Iterator[str]:
        """The ids of all sealed batches of a kind, oldest first."""
        for day in sorted((self.root / kind).glob("*")):  # a copy of a lake has no folder where it has no files
            if day.is_dir():
                yield from sorted(name.removesuffix(SEALED) for name in os.listdir(day) if name.endswith(SEALED))

    def read_footer(self, kind: str, batch_id: str) -> SealedBatch:
        """Raises BatchDamaged, LakeTooNew, LakeUnavailable."""
        path = self.path_of(kind, batch_id)
        with reading_trouble(path):
            metadata = pq.read_metadata(path)
            said = metadata.metadata
            size = path.stat().st_size
        footer = footer_from_metadata(said, str(path))
        if footer.batch_id != batch_id or footer.kind != kind:
            raise BatchDamaged(f"{path} holds batch {footer.batch_id} of {footer.kind}")
        if footer.rows != metadata.num_rows:
            raise BatchDamaged(f"{path} has {metadata.num_rows} rows, its footer says {footer.rows}")
        return SealedBatch(footer=footer, size=size)

    def read(self, kind: str, batch_id: str) -> pa.Table:
        """All rows of a batch. Raises BatchDamaged."""
        path = self.path_of(kind, batch_id)
        with reading_trouble(path):
            return pq.read_table(path, partitioning=None)

    def least_batch_id(self, kind: str, batch_id: str) -> str:
        """The id of the batch in which the oldest row of a batch with rows first came. Raises BatchDamaged."""
        path = self.path_of(kind, batch_id)
        try:
            metadata = pq.read_metadata(path)
            place = metadata.schema.names.index("batch_id")
            groups = (metadata.row_group(group) for group in range(metadata.num_row_groups))
            least: str = min(group.column(place).statistics.min for group in groups)
        except (pa.ArrowException, OSError, ValueError, AttributeError) as error:
            raise BatchDamaged(f"{path} does not say of when its rows are: {error}") from error
        return least

    def read_in_parts(
        self, kind: str, batch_ids: Iterable[str], columns: Sequence[str] | None = None
    ) -> Iterator[pa.Table]:
        """All rows of batches, some at a time, with today's columns or some of them. Raises BatchDamaged."""
        schema = SCHEMAS[kind]
        if columns is not None:
            schema = pa.schema([schema.field(name) for name in columns])
        for batch_id in batch_ids:
            path = self.path_of(kind, batch_id)
            with reading_trouble(path), _opened(path) as (batch, is_large):
                for rows in batch.iter_batches(batch_size=ROWS_A_PART, columns=columns, use_threads=is_large):
                    yield _with_all_columns(pa.Table.from_batches([rows]), schema)

    def recover(self) -> list[Path]:
        """Move what dead writers left to ``aside/`` and return where it went."""
        for path in self.root.glob(f"*/*/*{MERGING}"):
            if is_abandoned(path):
                path.unlink(missing_ok=True)
        self._remove_lone_token_indexes()
        moved = []
        for path in sorted(self.root.glob(f"*/*/*{WRITING}")):
            if is_abandoned(path):
                with suppress(FileNotFoundError):  # its writer was alive, and has sealed it just now
                    moved.append(self.set_aside(path))
        return moved

    def _remove_lone_token_indexes(self) -> None:
        """Those of batches that were never sealed: an index is there first. A batch that is being merged has it too."""
        for path in self.root.glob(f"tokens/*/*{TOKENS}"):
            batch = self.path_of("actions", path.stem)
            if not batch.exists() and not batch.with_suffix(MERGING).exists():
                path.unlink(missing_ok=True)

    def set_aside(self, path: Path) -> Path:
        """Take a file out of the lake without deleting it. In a lake that is only looked at it stays."""
        if not self._is_written:
            return path
        aside = self.root / "aside" / f"{path.parent.parent.name}-{path.name}"
        aside.parent.mkdir(exist_ok=True)
        path.rename(aside)
        for folder in (aside.parent, path.parent):
            sync_folder(folder)
        logger.warning("file set aside", extra={"file": str(aside)})
        return aside

    def write_note(self, kind: str, batch_id: str, text: str) -> None:
        """Keep a text about a batch that is set aside. Raises LakeUnavailable."""
        note = self._note_path(kind, batch_id)
        with disk_trouble(note):
            note.parent.mkdir(exist_ok=True)
            write_whole(note, text)

    def read_note(self, kind: str, batch_id: str) -> str:
        """Raises OSError where there is none."""
        return self._note_path(kind, batch_id).read_text(encoding="utf-8")

    def remove_note(self, kind: str, batch_id: str) -> None:
        """Once the batch is back, or not missed any more. In a lake that is only looked at it stays."""
        if self._is_written:
            self._note_path(kind, batch_id).unlink(missing_ok=True)

    def list_notes(self) -> list[tuple[str, str]]:
        """Kind and id of the batches there are notes about."""
        names = (path.stem.partition("-") for path in sorted(self.root.glob(f"aside/*{NOTE}")))
        return [(kind, batch_id) for kind, _, batch_id in names if kind in KINDS and _is_batch_id(batch_id)]

    def require_there(self) -> None:
        """Raises LakeUnavailable when not just a file is gone but the whole lake, with the disk it is on perhaps."""
        if not (self.root / "format.json").is_file():
            raise LakeUnavailable(f"{self.root} is not there any more", hint="is its disk mounted?")

    def _note_path(self, kind: str, batch_id: str) -> Path:
        return self.root / "aside" / f"{kind}-{batch_id}{NOTE}"

    def _check_format(self) -> None:
        marker = self.root / "format.json"
        if not marker.exists():
            write_whole(marker, json.dumps({"format": FORMAT_VERSION}) + "\n")
        try:
            version = json.loads(marker.read_text())["format"]
        except (ValueError, KeyError, TypeError) as error:
            raise BatchDamaged(f"{marker} does not say which format the lake has") from error
        if version > FORMAT_VERSION:
            raise LakeTooNew(
                f"{self.root} has lake format {version}, this synclog reads up to {FORMAT_VERSION}",
                hint="open it with a newer synclog",
            )

    def _make_day(self, day: Path) -> None:
        """Whoever finds it there syncs it all the same, once: another may have made it just now."""
        if day not in self._lasting_days or not day.is_dir():
            day.mkdir(exist_ok=True)
            sync_folder(day.parent)
            self._lasting_days.add(day)


@contextmanager
def _opened(path: Path) -> Iterator[tuple[pq.ParquetFile, bool]]:
    """A batch to be read, and whether it is large."""
    is_large = path.stat().st_size > SMALL_BYTES
    with pq.ParquetFile(
        path if is_large else pa.BufferReader(path.read_bytes()), page_checksum_verification=True
    ) as batch:
        yield batch, is_large


def _with_all_columns(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """Older batches lack columns that were added since."""
    if table.schema.names == schema.names and table.schema.types == schema.types:
        return table
    columns = [
        table[field.name].cast(field.type) if field.name in table.column_names else pa.nulls(table.num_rows, field.type)
        for field in schema
    ]
    return pa.table(columns, schema=schema)


def _is_batch_id(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text
    except ValueError:
        return False
