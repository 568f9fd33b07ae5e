"""DuckDB over just the batches that can matter to a question.

Which batches those are, the index says. Statements read ``actions_in($files)``, a table macro, because a view over
a parameter is refused by DuckDB. The list always starts with an empty batch: then a lake without actions is nothing
special, and a column that only newer batches have is null in older ones.
"""

import glob
import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy as sa

from ingest.batch import received_us_of
from ingest.index import Index
from ingest.index_tables import batch_runs, batches, is_readable
from ingest.lake import Lake
from ingest.schema import ACTION_SCHEMA, REJECT_SCHEMA
from ingest.timestamps import to_microseconds
from query.blocks import KEPT_COLUMN_BYTES, Batches
from query.macros import MACROS
from query.running import RunningStatements
from query.sandbox_process import SandboxProcesses
from query.scratch import close_scratch, open_scratch
from query.statements import load
from query.trouble import Trouble

_SETTINGS = (
    "set global TimeZone = 'UTC'",
    "set global parquet_metadata_cache = true",
    "set global python_enable_replacements = false",  # a table name means a table, never a Python variable
)

_COLUMNS_OF_ALL = pa.schema({field.name: field.type for schema in (ACTION_SCHEMA, REJECT_SCHEMA) for field in schema})

_REJECTS_IN = f"""
create macro rejects_in(files) as table
select {", ".join(REJECT_SCHEMA.names)}
from read_parquet(files, union_by_name = true, hive_partitioning = false)
"""

_ACTIONS_IN = f"""
create macro actions_in(files) as table
select {", ".join(ACTION_SCHEMA.names)}, file_index, file_row_number
from read_parquet(files, union_by_name = true, hive_partitioning = false)
"""

Rows = Sequence[Mapping[str, Any]]
"""Column names to values of several types. Statements give times as microseconds: DuckDB needs pytz for any other."""

SIDE_BY_SIDE = 4
"""Questions that are answered beside those of the threads which serve requests."""

_Answer = TypeVar("_Answer")

_REMEMBERED = 64  # answers; each holds the names of its batches


class LakeView:
    """Reads a lake through its index. Safe for many threads: every call has a cursor of its own."""

    def __init__(self, lake: Lake, index: Index, *, kept_bytes: int = KEPT_COLUMN_BYTES) -> None:
        self.lake = lake
        self.index = index
        self.trouble = Trouble(lake, index)
        self.batches = Batches(lake, self.trouble, kept_bytes=kept_bytes)
        self.sandboxes = SandboxProcesses(lake.root)
        self.running = RunningStatements()
        folder, lock = open_scratch()
        self.empty_batch = folder / "empty.parquet"
        pq.write_table(ACTION_SCHEMA.empty_table(), self.empty_batch)
        self._nothing = folder / "nothing.parquet"
        pq.write_table(_COLUMNS_OF_ALL.empty_table(), self._nothing)
        self._database = duckdb.connect(":memory:")
        self._discard = weakref.finalize(self, _discard, self._database, folder, lock)
        self._database.execute("set global temp_directory = $folder", {"folder": str(folder / "spill")})
        for setting in _SETTINGS:
            self._database.execute(setting)
        for macro in (_ACTIONS_IN, _REJECTS_IN, *MACROS):
            self._database.execute(macro)
        self._threads = ThreadPoolExecutor(SIDE_BY_SIDE, thread_name_prefix="query")
        self._remembered = lru_cache(_REMEMBERED)(self._answer)

    def close(self) -> None:
        self._threads.shutdown(cancel_futures=True)
        self.batches.close()
        self.sandboxes.close()
        self._discard()

    def begin(self, question: Callable[[], _Answer]) -> Future[_Answer]:
        """Ask one question beside others. It must not wait for another one that is begun this way."""
        return self._threads.submit(question)

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """A session of its own on the one database; the caller closes it."""
        return self._database.cursor()

    def fetch(self, name: str, files: Sequence[str], parameters: Mapping[str, object]) -> Rows:
        """All rows of a statement in ``sql/`` over the actions in these files."""
        with self.trouble.reading(files), closing(self.cursor()) as cursor:
            # Not sql(): that plans a statement twice, for a page as long as reading it takes.
            found = cursor.execute(load(name), self.bind(files, parameters)).fetchall()
            columns = [column[0] for column in cursor.description or ()]
        return [dict(zip(columns, row, strict=True)) for row in found]

    def fetch_remembered(self, name: str, files: Sequence[str], parameters: Mapping[str, str | int]) -> Rows:
        """The same for small answers, which are kept: batches never change, so neither does what they add up to."""
        return self._remembered(name, tuple(files), tuple(parameters.items()))

    def _answer(self, name: str, files: Sequence[str], parameters: Iterable[tuple[str, str | int]]) -> Rows:
        return self.fetch(name, files, dict(parameters))

    def bind(self, files: Sequence[str], parameters: Mapping[str, object]) -> dict[str, object]:
        """The parameters of a statement over these files."""
        return {"files": [str(self._nothing), *map(glob.escape, files)], **parameters}

    def select(self, statement: sa.Select[Any] | sa.CompoundSelect[Any]) -> Sequence[sa.Row[Any]]:
        """All rows of a statement over the index; what a row holds depends on the statement."""
        with self.index.reading() as connection:
            return connection.execute(statement).all()

    def newest_merged(self, most: int) -> list[str]:
        """The ids of the readable merged batches whose actions happened last."""
        chosen = sa.select(batches.c.batch_id).where(
            batches.c.kind == "actions", batches.c.is_merged, is_readable(batches.c.batch_id)
        )
        return [row.batch_id for row in self.select(chosen.order_by(batches.c.last_us.desc()).limit(most))]

    def newest_reject_files(self, most_rows: int) -> tuple[list[str], int | None]:
        """The newest readable batches of rejects with so many rows, oldest first.

        And the moment after which nothing in the others was received; None when there are no others.
        """
        chosen = sa.select(batches.c.batch_id, batches.c.rows).where(
            batches.c.kind == "rejects", is_readable(batches.c.batch_id)
        )
        names: list[str] = []
        rows = 0
        for row in self.select(chosen.order_by(batches.c.batch_id.desc())):
            if rows >= most_rows:
                return self._reject_paths(names), received_us_of(row.batch_id) + 1000
            names.append(row.batch_id)
            rows += row.rows
        return self._reject_paths(names), None

    def _reject_paths(self, newest_first: Sequence[str]) -> list[str]:
        return [str(self.lake.path_of("rejects", batch_id)) for batch_id in reversed(newest_first)]

    def files_between(
        self, since: datetime | None = None, until: datetime | None = None, integration: str | None = None
    ) -> list[str]:
        """The readable batches of actions that reach into this time, oldest first."""
        chosen = sa.select(batches.c.batch_id).where(batches.c.kind == "actions", is_readable(batches.c.batch_id))
        if since is not None:
            chosen = chosen.where(batches.c.last_us >= to_microseconds(since))
        if until is not None:
            chosen = chosen.where(batches.c.first_us < to_microseconds(until))
        if integration is not None:
            of_integration = sa.select(batch_runs.c.batch_id).where(batch_runs.c.integration == integration)
            chosen = chosen.where(batches.c.batch_id.in_(of_integration))
        return self.paths_of(row.batch_id for row in self.select(chosen.order_by(batches.c.batch_id)))

    def paths_of(self, batch_ids: Iterable[str]) -> list[str]:
        """The files of batches of actions."""
        return [str(self.lake.path_of("actions", batch_id)) for batch_id in batch_ids]


def _discard(database: duckdb.DuckDBPyConnection, folder: Path, lock: int) -> None:
    database.close()
    close_scratch(folder, lock)
