"""Batches block by block: which blocks may hold what is looked for, and the columns of one.

A block is a row group. Reading a single one with pyarrow takes a quarter of the time DuckDB needs for the plan of a
statement over its batch. Sealed batches never change, so what was read stays good: footers, token indexes and columns
that a search by tokens has looked at are kept, the least recently used let go. ``ParquetFile`` objects are not kept:
they are not safe for two threads.
"""

import itertools
import math
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ingest.errors import BatchDamaged
from ingest.index_file import identity_of
from ingest.lake import Lake
from ingest.merged_blocks import FEW_ROWS
from ingest.schema import ACTION_SCHEMA
from ingest.token_index import ID_COLUMNS, TEXT_COLUMNS, TokenIndex
from query.columns import Column, Suspicion, one_text
from query.dictionary_pages import read_values
from query.kept import Kept
from query.trouble import Trouble

KEPT_FOOTER_BYTES = 256 << 20
"""Those of about a hundred large merged batches."""
KEPT_COLUMN_BYTES = 640 << 20
"""The columns of a block take about 1 MB."""
_FOOTER_BYTES = 1_300
"""About what a footer takes in memory for one column of one block."""
_REST_SECONDS = 0.005
_QUIET_SECONDS = 0.1
_MOST_RESTS = 50
"""Between two blocks that are read beforehand: until nobody has asked for a while, or for so many rests."""
_OFTEN_CONSTANT = (
    "run_id", "integration", "configuration", "trigger", "operation", "status", "source_type", "target_type", "code",
    "problem_id",
)  # fmt: skip
_LONGEST_EXACT = 60
"""Characters; a writer may cut short what it says of longer texts."""
THREADS = 2
"""Blocks looked at side by side, by all searches together."""


class Batch:
    """A batch of actions whose footer has been read."""

    def __init__(self, path: str, index_path: str, trouble: Trouble) -> None:
        with trouble.reading([path]):
            self.metadata = pq.read_metadata(path)
        self.path = path
        self._places = {name: place for place, name in enumerate(self.metadata.schema.names)}
        self._index_path = index_path
        self._trouble = trouble
        self._tokens: TokenIndex | None = None
        self._tokens_file: tuple[int, int] | None = None
        self._constants: dict[int, dict[str, str | None]] = {}

    @property
    def blocks(self) -> int:
        return int(self.metadata.num_row_groups)

    @property
    def nbytes(self) -> int:
        return self.blocks * int(self.metadata.num_columns) * _FOOTER_BYTES

    @property
    def openings(self) -> range:
        """The blocks in front with the oldest actions of its large runs: no others in front are as small."""
        sizes = map(self.rows, range(self.blocks))
        return range(sum(1 for _ in itertools.takewhile(lambda rows: rows < FEW_ROWS, sizes)))

    def rows(self, block: int) -> int:
        return int(self.metadata.row_group(block).num_rows)

    def has(self, column: str) -> bool:
        return column in self._places

    def tokens(self) -> TokenIndex | None:
        """Its token index. None when it has none, or one that cannot be read: then every block may hold anything."""
        file = identity_of(self._index_path)
        if file != self._tokens_file or (self._tokens is None and file is not None):
            self._tokens = self._open_tokens()  # synclog verify has deleted a damaged one, or made it anew
            self._tokens_file = file
        return self._tokens

    def times(self, block: int) -> tuple[int, int] | None:
        """When the first and the last action of a block happened, in microseconds; None when nobody wrote it down."""
        statistics = self._statistics(block, "happened_at")
        return None if statistics is None else (statistics.min_raw, statistics.max_raw)

    def within_limits(self, block: int, wanted: Mapping[str, Sequence[str]], between_us: tuple[int, int]) -> bool:
        """Whether a block can have one of some values in each of these columns, and be of a time."""
        times = self.times(block)
        if times is not None and (times[1] < between_us[0] or times[0] >= between_us[1]):
            return False
        return all(self._may_have(block, column, values) for column, values in wanted.items())

    def reading(self) -> AbstractContextManager[None]:
        """In which whatever its values do not allow is said to be damage. Raises BatchDamaged, LakeUnavailable."""
        return self._trouble.reading([self.path])

    def read(self, block: int, names: Sequence[str]) -> dict[str, Column]:
        """These columns of a block, but for those the batch has not. Raises BatchDamaged, LakeUnavailable."""
        constants, rows = self._constants_of(block), self.rows(block)
        found = {name: Column.constant(constants[name], rows) for name in names if name in constants}
        names = [name for name in names if name not in constants and self.has(name)]
        if not names:
            return found
        encoded = [name for name in names if self._is_encoded(block, name)]
        with self.reading():
            parquet = pq.ParquetFile(
                self.path,
                metadata=self.metadata,
                memory_map=True,
                read_dictionary=encoded,
                page_checksum_verification=True,
            )
            with parquet:
                table = parquet.read_row_group(block, columns=names, use_threads=False)
        return found | {name: Column.of(table[name]) for name in names}

    def may_hold(self, block: int, names: Sequence[str], may_be_in: Suspicion) -> bool:
        """Whether what is looked for may be in one of these columns, as far as can be told before any row is read."""
        constants = self._constants_of(block)
        others = [name for name in names if name not in constants and self.has(name)]
        told = [constants[name] for name in names if constants.get(name) is not None]
        if may_be_in(pa.array(told, pa.string())):
            return True
        with self.reading(), pa.memory_map(self.path) as file:
            return any(self._may_column_hold(file, block, name, may_be_in) for name in others)

    def _may_column_hold(self, file: pa.MemoryMappedFile, block: int, name: str, may_be_in: Suspicion) -> bool:
        about = self._chunk(block, name)
        if about.dictionary_page_offset is None:
            return True
        file.seek(about.dictionary_page_offset)
        values = read_values(file.read_buffer(about.total_compressed_size), about)
        return values is None or may_be_in(one_text(values))

    def _chunk(self, block: int, name: str) -> pq.ColumnChunkMetaData:
        return self.metadata.row_group(block).column(self._places[name])

    def _constants_of(self, block: int) -> dict[str, str | None]:
        """The columns of text that have one value in all rows, as the footer tells: these need not be read."""
        if (known := self._constants.get(block)) is None:
            values = {name: self._constant(block, name) for name in _OFTEN_CONSTANT}
            known = {name: value[0] for name, value in values.items() if value is not None}
            self._constants[block] = known
        return known

    def _constant(self, block: int, name: str) -> tuple[str | None] | None:
        """The one value of a column, in a tuple; None where there are several, or nobody knows."""
        if not self.has(name):
            return None
        chunk = self._chunk(block, name)
        statistics = chunk.statistics
        if statistics is None or not statistics.has_null_count:
            return None
        if statistics.null_count == chunk.num_values:
            return (None,)
        is_one = statistics.null_count == 0 and statistics.has_min_max and statistics.min == statistics.max
        return (statistics.min,) if is_one and len(statistics.min) < _LONGEST_EXACT else None

    def _may_have(self, block: int, column: str, values: Sequence[str]) -> bool:
        """Whether a column of a block can have one of some values, as the footer tells."""
        if not self.has(column):
            return False
        chunk = self._chunk(block, column)
        statistics = chunk.statistics
        if statistics is None:
            return True
        if statistics.has_null_count and statistics.null_count == chunk.num_values:
            return False
        return not statistics.has_min_max or any(statistics.min <= value <= statistics.max for value in values)

    def _is_encoded(self, block: int, name: str) -> bool:
        """Whether each value of a text column is written once."""
        chunk = self._chunk(block, name)
        return bool(chunk.physical_type == "BYTE_ARRAY" and chunk.has_dictionary_page)

    def _statistics(self, block: int, column: str) -> pq.Statistics | None:
        if not self.has(column):
            return None
        statistics = self._chunk(block, column).statistics
        return statistics if statistics is not None and statistics.has_min_max else None

    def _open_tokens(self) -> TokenIndex | None:
        try:
            tokens = TokenIndex.open(Path(self._index_path))
        except (BatchDamaged, FileNotFoundError):
            return None
        is_of_this = (tokens.blocks, tokens.rows) == (self.blocks, self.metadata.num_rows)
        return tokens if is_of_this else None


class Batches:
    """What was read last. Safe for many threads."""

    def __init__(self, lake: Lake, trouble: Trouble, *, kept_bytes: int = KEPT_COLUMN_BYTES) -> None:
        self._lake = lake
        self._trouble = trouble
        self._footers = Kept[str, Batch](KEPT_FOOTER_BYTES)
        self._columns = Kept[tuple[str, int, str], Column](kept_bytes)
        self.threads = ThreadPoolExecutor(THREADS, thread_name_prefix="search")
        self._asked_at = -math.inf

    def open(self, batch_id: str) -> Batch:
        """Raises BatchDamaged, LakeUnavailable."""
        self._asked_at = time.monotonic()
        return self._opened(batch_id)

    def _opened(self, batch_id: str) -> Batch:
        if (batch := self._footers.find(batch_id)) is not None:
            return batch
        path, index_path = self._lake.path_of("actions", batch_id), self._lake.token_index_path(batch_id)
        return self._footers.keep(batch_id, Batch(str(path), str(index_path), self._trouble))

    def block(self, batch: Batch, number: int, *, is_named: bool) -> "Block":
        """A block, for one thread. ``is_named``: as one that most likely has what is looked for."""
        return Block(batch, number, self._columns, is_named=is_named)

    def warm_up(self, batch_ids: Iterable[str], stopping: threading.Event) -> None:
        """Read before anybody asks, until that is nearly all that can be kept: the footers of batches, then blocks.

        First the openings of all batches, which pages of runs begin with, then the other blocks of one batch after the
        other, the last first. Of batches that have a token index; others are read by nobody twice. What was there
        before makes room. Raises BatchDamaged, LakeUnavailable.
        """
        opened = self._open_some(batch_ids, stopping)
        places = [(batch, number) for batch in opened for number in batch.openings]
        places += ((batch, number) for batch in opened for number in reversed(range(len(batch.openings), batch.blocks)))
        room = self._columns.most_bytes * 9 // 10
        warmed: list[tuple[Batch, int]] = []
        for batch, number in places:
            block = self.block(batch, number, is_named=True)
            if room <= 0 or (not block.is_kept(ACTION_SCHEMA.names) and not self._may_go_on(stopping)):
                break
            block.prepare()
            room -= block.nbytes
            warmed.append((batch, number))
        for batch, number in reversed(warmed):  # so that what comes first is let go of last
            self.block(batch, number, is_named=True).load(ACTION_SCHEMA.names)

    def _open_some(self, batch_ids: Iterable[str], stopping: threading.Event) -> list[Batch]:
        """Those that have a token index, as many as nearly fill what is kept of footers."""
        opened: list[Batch] = []
        for batch_id in batch_ids:
            if sum(batch.nbytes for batch in opened) > KEPT_FOOTER_BYTES * 9 // 10 or not self._may_go_on(stopping):
                break
            batch = self._opened(batch_id)
            if batch.tokens() is not None:
                opened.append(batch)
        return opened

    def _may_go_on(self, stopping: threading.Event) -> bool:
        """After a rest, a long one while others ask: who waits for an answer goes first. False when told to stop."""
        for _ in range(_MOST_RESTS):
            if stopping.wait(_REST_SECONDS):
                return False
            if time.monotonic() - self._asked_at > _QUIET_SECONDS:
                break
        return True

    def close(self) -> None:
        self.threads.shutdown(cancel_futures=True)


class Block:
    """A row group whose columns are read when they are asked for.

    ``is_named``: by a token index or an outline. Then its columns are kept for others, who will ask for them again. Of
    a block that is one of many to look through, what is kept is used, and nothing more is kept for it.
    """

    def __init__(self, batch: Batch, number: int, kept: Kept[tuple[str, int, str], Column], *, is_named: bool) -> None:
        self.rows = batch.rows(number)
        self.is_named = is_named
        self._batch = batch
        self._number = number
        self._kept = kept
        self._columns: dict[str, Column] = {}

    def column(self, name: str) -> Column | None:
        """None when the batch has no such column."""
        if name not in self._columns:
            self.load([name])
        return self._columns.get(name)

    @property
    def nbytes(self) -> int:
        """In memory, of the columns that were read."""
        return sum(column.nbytes for column in self._columns.values())

    @property
    def unpacked_bytes(self) -> int:
        """Of all columns as they are once they are no longer compressed, as the footer says."""
        return int(self._batch.metadata.row_group(self._number).total_byte_size)

    def reading(self) -> AbstractContextManager[None]:
        """As that of the batch."""
        return self._batch.reading()

    def is_kept(self, names: Sequence[str]) -> bool:
        """Whether these columns need not be read."""
        return all(
            name in self._columns or not self._batch.has(name) or (self._batch.path, self._number, name) in self._kept
            for name in names
        )

    def may_hold(self, names: Sequence[str], may_be_in: Suspicion) -> bool:
        """Whether what is looked for may be in one of these columns: quicker than reading them."""
        return self.is_kept(names) or self._batch.may_hold(self._number, names, may_be_in)

    def load(self, names: Sequence[str]) -> None:
        """Read several columns at once. Raises BatchDamaged, LakeUnavailable."""
        find = self._kept.find if self.is_named else self._kept.peek
        for name in names:
            if name not in self._columns and (column := find((self._batch.path, self._number, name))) is not None:
                self._columns[name] = column
        missing = [name for name in names if name not in self._columns]
        if not missing:
            return
        for name, column in self._batch.read(self._number, missing).items():
            if self.is_named:
                self._kept.keep((self._batch.path, self._number, name), column)
            self._columns[name] = column

    def prepare(self) -> None:
        """Read all columns and make those ready that texts are looked for in."""
        self.load(ACTION_SCHEMA.names)
        for name in (*TEXT_COLUMNS, *ID_COLUMNS):
            if (column := self.column(name)) is not None:
                column.prepare()

    def forget(self) -> None:
        """Let go of what was read."""
        self._columns.clear()

    def take(self, rows: Sequence[int]) -> list[dict[str, Any]]:  # a row's columns, of several types
        """All that is known of some rows, their time in microseconds as ``happened_us``."""
        self.load(ACTION_SCHEMA.names)
        columns = {}
        for name in ACTION_SCHEMA.names:
            column = self.column(name)
            columns[name] = [None] * len(rows) if column is None else column.take(rows)
        if (happened_at := self.column("happened_at")) is not None:
            columns["happened_us"] = happened_at.numbers(np.asarray(rows)).tolist()
        del columns["happened_at"]
        return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
