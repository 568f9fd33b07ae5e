"""Batches block by block: which blocks may hold what is looked for, and the rows of one.

A block is a row group. Reading a single one with pyarrow takes a quarter of the time DuckDB needs for the plan of a
statement over its batch. Sealed batches never change, so what was opened stays good: footers and token indexes are
kept, the least recently used let go. Readers are not kept: a ``ParquetFile`` is not safe for two threads.
"""

import os
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from ingest.errors import BatchDamaged, LakeUnavailable
from ingest.lake import Lake
from ingest.schema import ACTION_SCHEMA
from ingest.token_index import TokenIndex

KEPT_BATCHES = 512
KEPT_BLOCKS = 8192
"""Of all kept footers together: a block's part of a footer takes about 16 kB of memory."""

_FEW_VALUES = [
    "batch_id", "run_id", "integration", "configuration", "trigger", "operation", "status", "source_type",
    "target_type", "code", "problem_id",
]  # fmt: skip


class Batch:
    """A batch of actions whose footer has been read."""

    def __init__(self, path: str, index_path: str) -> None:
        with batch_trouble(path):
            self.metadata = pq.read_metadata(path)
        self._places = {name: place for place, name in enumerate(self.metadata.schema.names)}
        self._path = path
        self._index_path = index_path
        self._tokens: TokenIndex | None = None

    @property
    def blocks(self) -> int:
        return int(self.metadata.num_row_groups)

    def tokens(self) -> TokenIndex | None:
        """Its token index. None when it has none, or one that cannot be read: then every block may hold anything."""
        if self._tokens is None and os.path.exists(self._index_path):
            self._tokens = self._open_tokens()
        return self._tokens

    def times(self, block: int) -> tuple[int, int] | None:
        """When the first and the last action of a block happened, in microseconds; None when nobody wrote it down."""
        statistics = self._statistics(block, "happened_at")
        return None if statistics is None else (statistics.min_raw, statistics.max_raw)

    def limits(self, block: int, column: str) -> tuple[str, str] | None:
        """The least and greatest text in a column of a block; None when nobody wrote them down."""
        statistics = self._statistics(block, column)
        return None if statistics is None else (statistics.min, statistics.max)

    def _statistics(self, block: int, column: str) -> pq.Statistics | None:
        if column not in self._places:
            return None
        statistics = self.metadata.row_group(block).column(self._places[column]).statistics
        return statistics if statistics is not None and statistics.has_min_max else None

    @contextmanager
    def reader(self) -> Iterator["BlockReader"]:
        """Reads its blocks, for one thread."""
        few_values = [name for name in _FEW_VALUES if name in self._places]
        with batch_trouble(self._path):
            parquet = pq.ParquetFile(self._path, metadata=self.metadata, memory_map=True, read_dictionary=few_values)
        with parquet:
            yield BlockReader(self._path, parquet, [name for name in ACTION_SCHEMA.names if name in self._places])

    def _open_tokens(self) -> TokenIndex | None:
        try:
            tokens = TokenIndex.open(Path(self._index_path))
        except (BatchDamaged, FileNotFoundError):
            return None
        is_of_this = (tokens.blocks, tokens.rows) == (self.blocks, self.metadata.num_rows)
        return tokens if is_of_this else None


class BlockReader:
    """An open batch."""

    def __init__(self, path: str, parquet: pq.ParquetFile, columns: Sequence[str]) -> None:
        self.columns = columns
        self._path = path
        self._parquet = parquet

    def read(self, block: int, columns: Sequence[str]) -> pa.Table:
        """These columns of a block, but for those the batch has not."""
        with batch_trouble(self._path):
            return self._parquet.read_row_group(block, columns=[name for name in columns if name in self.columns])


class Batches:
    """The batches opened last. Safe for many threads."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, Batch] = OrderedDict()
        self._blocks = 0

    def open(self, batch_id: str) -> Batch:
        """Raises BatchDamaged, LakeUnavailable."""
        with self._lock:
            if batch_id in self._kept:
                self._kept.move_to_end(batch_id)
                return self._kept[batch_id]
        batch = Batch(str(self._lake.path_of("actions", batch_id)), str(self._lake.token_index_path(batch_id)))
        with self._lock:
            if batch_id not in self._kept:
                self._kept[batch_id] = batch
                self._blocks += batch.blocks
            while len(self._kept) > 1 and (len(self._kept) > KEPT_BATCHES or self._blocks > KEPT_BLOCKS):
                self._blocks -= self._kept.popitem(last=False)[1].blocks
        return batch


@contextmanager
def batch_trouble(path: str) -> Iterator[None]:
    """Words for what Arrow says of a file."""
    try:
        yield
    except pa.ArrowInvalid as error:
        raise BatchDamaged(f"{path} cannot be read as Parquet: {error}") from error
    except OSError as error:
        if error.errno is None:  # Arrow's own: bytes that make no sense
            raise BatchDamaged(f"{path} cannot be read as Parquet: {error}") from error
        raise LakeUnavailable(f"a batch cannot be read: {error}", hint="try again in a moment") from error
