"""Sealing: tables in, one Parquet file with its summary in the footer out.

The per-run summaries are grouped by Arrow, which is done with a small table long before DuckDB has planned the same
question (``bench/parts.py``); a property test proves them equal to DuckDB's answer over all rows.
"""

import itertools
import os
import secrets
import threading
import uuid
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import IO, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ingest.batch_problems import BatchProblems
from ingest.counts import Counts
from ingest.footer import BatchFooter, KeptAnswer, RunSummary
from ingest.problem import problem_ids_of
from ingest.problem_summary import ProblemSummary
from ingest.schema import ACTION_SCHEMA, REJECT_SCHEMA, RUN_EVENT_SCHEMA
from ingest.timestamps import to_microseconds

ROW_GROUP_ROWS = 122_880
FEW_ROWS = 1000
"""Batches of at most this many rows are not compressed: setting up zstd for twenty columns takes as long as writing."""
WRITER = "synclog 0.1.0"
Finish = Callable[[], Iterable[KeptAnswer]]
SCHEMAS = {"actions": ACTION_SCHEMA, "runs": RUN_EVENT_SCHEMA, "rejects": REJECT_SCHEMA}

# Columns that repeat; in a fresh batch ids and names do not, and trying costs more than it saves.
_DICTIONARY_COLUMNS = [
    "batch_id", "run_id", "integration", "configuration", "trigger", "operation", "status", "source_type",
    "target_type", "code", "message", "problem_id", "kind", "scope", "progress", "source", "field",
]  # fmt: skip


class BatchIds:
    """Batch ids of one process: UUIDv7 (RFC 9562), strictly increasing even when the clock stands or steps back."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._last = 0

    def next(self) -> str:
        with self._lock:
            # 48 bits of milliseconds and 12 of their fraction, as RFC 9562 section 6.2, method 3.
            ticks = to_microseconds(self._now()) * 4096 // 1000
            ticks = self._last = max(self._last + 1, ticks)
        value = (ticks >> 12) << 80 | 0x7 << 76 | (ticks & 0xFFF) << 64 | 0b10 << 62 | secrets.randbits(62)
        return str(uuid.UUID(int=value))


def batch_id_at(moment_us: int) -> str:
    """The least id of a batch begun at a moment or later; in microseconds since 1970 UTC."""
    return str(uuid.UUID(int=max(moment_us, 0) // 1000 << 80))


def received_us_of(batch_id: str) -> int:
    """When a batch was begun, in microseconds since 1970 UTC, as its id tells (to the millisecond)."""
    return (uuid.UUID(batch_id).int >> 80) * 1000


def seal(sink: IO[bytes], kind: str, batch_id: str, tables: Iterable[pa.Table], finish: Finish) -> BatchFooter:
    """Write tables (the kind's columns without batch_id and row) as one batch.

    There is at least one table. ``finish`` is called when all are read and gives the answers to keep. The caller makes
    the file durable.
    """
    schema = SCHEMAS[kind]
    summaries: dict[str, RunSummary] = {}
    problems = BatchProblems()
    rows = 0
    tables = iter(tables)
    first = next(tables)
    with _writer(sink, schema, _NO_COMPRESSION if first.num_rows <= FEW_ROWS else _QUICK_COMPRESSION) as writer:
        for table in itertools.chain([first], tables):
            numbered = _numbered(table, schema, batch_id, rows)
            if kind == "actions":
                _add_up(summaries, summarise(table))
                problems.add(numbered)
            writer.write_table(numbered, row_group_size=ROW_GROUP_ROWS)
            rows += table.num_rows
        footer = BatchFooter(
            batch_id=batch_id,
            kind=kind,
            writer=WRITER,
            rows=rows,
            first_us=min((summary.first_us for summary in summaries.values()), default=None),
            last_us=max((summary.last_us for summary in summaries.values()), default=None),
            runs=tuple(summaries[run_id] for run_id in sorted(summaries)),
            answers=tuple(finish()),
            problems=problems.kept() if kind == "actions" else None,
        )
        writer.add_key_value_metadata(footer.as_metadata())
    return footer


def seal_merged(
    sink: IO[bytes],
    kind: str,
    batch_id: str,
    tables: Iterable[pa.Table],
    *,
    summaries: Callable[[], Iterable[RunSummary]],
    problems: Iterable[ProblemSummary] | None,
    answers: Iterable[KeptAnswer],
    replaces: Iterable[str],
) -> BatchFooter:
    """Write rows of other batches, each with the batch id and row it has had from the beginning, as one batch.

    A table becomes one row group. ``summaries``, asked for when all are written, and ``problems`` are those of the
    other batches added up: they also tell of what retention has taken away. The caller makes the file durable.
    """
    rows = 0
    with _writer(sink, SCHEMAS[kind], _LASTING_COMPRESSION) as writer:
        for table in tables:
            writer.write_table(table, row_group_size=max(table.num_rows, 1))
            rows += table.num_rows
        runs = tuple(summaries())
        footer = BatchFooter(
            batch_id=batch_id,
            kind=kind,
            writer=WRITER,
            rows=rows,
            first_us=min((summary.first_us for summary in runs), default=None),
            last_us=max((summary.last_us for summary in runs), default=None),
            runs=runs,
            answers=tuple(answers),
            replaces=tuple(replaces),
            problems=None if problems is None else tuple(problems),
        )
        writer.add_key_value_metadata(footer.as_metadata())
    return footer


def _writer(sink: IO[bytes], schema: pa.Schema, compression: dict[str, Any]) -> pq.ParquetWriter:  # Parquet's options
    usual = {"use_dictionary": _DICTIONARY_COLUMNS, "write_statistics": _STATISTICS_COLUMNS}
    options = {name: _of(schema, value) for name, value in (usual | compression).items()}
    return pq.ParquetWriter(sink, schema, store_schema=False, version="2.6", write_page_checksum=True, **options)


def summarise(actions: pa.Table) -> list[RunSummary]:
    """A summary per run of a table of actions, ordered by run id."""
    moments = actions["happened_at"].cast(pa.int64())
    told_apart = pa.table(
        {name: actions[name] for name in ("run_id", "operation", "status", "integration", "configuration", "trigger")}
        | {"happened_us": moments}
    )
    groups = told_apart.group_by(["run_id", "operation", "status"], use_threads=False).aggregate(
        [
            ([], "count_all"),
            ("integration", "min"),
            ("configuration", "min"),
            ("trigger", "min"),
            ("happened_us", "min"),
            ("happened_us", "max"),
        ]
    )
    summaries: dict[str, RunSummary] = {}
    _add_up(summaries, (_summary_of(group) for group in groups.to_pylist()))
    return [summaries[run_id] for run_id in sorted(summaries)]


def _summary_of(group: dict[str, Any]) -> RunSummary:
    return RunSummary(
        run_id=group["run_id"],
        integration=group["integration_min"],
        configuration=group["configuration_min"],
        trigger=group["trigger_min"],
        first_us=group["happened_us_min"],
        last_us=group["happened_us_max"],
        counts=Counts(**{f"{group['operation']}_{group['status']}".lower(): group["count_all"]}),
    )


def _add_up(summaries: dict[str, RunSummary], more: Iterable[RunSummary]) -> None:
    for summary in more:
        known = summaries.get(summary.run_id)
        summaries[summary.run_id] = summary if known is None else known + summary


# Smallest and largest value only of columns that readers skip by, or that have one value in a whole row group; of ids
# and names they say nothing.
_STATISTICS_COLUMNS = [
    "batch_id", "row", "run_id", "integration", "configuration", "trigger", "happened_at", "operation", "status",
    "source_type", "target_type", "code", "duration_ms", "problem_id",
]  # fmt: skip
# Compaction writes a batch again within minutes, so at first writing it fast counts for more than its size: ids, which
# hardly get smaller, are left as they are, and the messages of one batch are seldom the same.
_NO_COMPRESSION = {"compression": "none"}
_QUICK_COMPRESSION = {
    "compression": {
        name: "none" if name in ("source_id", "target_id") else "lz4"
        for schema in SCHEMAS.values()
        for name in schema.names
    },
    "use_dictionary": [name for name in _DICTIONARY_COLUMNS if name != "message"],
}
# A block of a merged batch has several runs of one kind, and these visit the same records: each id and name is written
# once. The limit is for blocks whose rows all name another record.
_LASTING_COMPRESSION = {
    "compression": "zstd",
    "compression_level": 6,
    "use_dictionary": [*_DICTIONARY_COLUMNS, "source_id", "source_name", "target_id", "target_name"],
    "dictionary_pagesize_limit": 16 << 20,
    # A block has some of the runs of a kind; what lies between the least and the greatest id says little.
    "bloom_filter_options": {"run_id": {"ndv": 64, "fpp": 0.01}},
    # In a sorted batch these grow by small steps.
    "column_encoding": {"row": "DELTA_BINARY_PACKED", "happened_at": "DELTA_BINARY_PACKED"},
}


def _of(schema: pa.Schema, option: Any) -> Any:
    """An option for the columns that there are."""
    if isinstance(option, list):
        return [name for name in option if name in schema.names]
    if isinstance(option, dict):
        return {name: value for name, value in option.items() if name in schema.names}
    return option


def _numbered(table: pa.Table, schema: pa.Schema, batch_id: str, first_row: int) -> pa.Table:
    """The table in the order of the schema, with the columns synclog assigns."""
    rows = table.num_rows
    assigned = {
        "batch_id": pa.repeat(pa.scalar(batch_id), rows),
        "row": pa.array(np.arange(first_row, first_row + rows)),
    }
    if "problem_id" in schema.names and "problem_id" not in table.column_names:
        assigned["problem_id"] = problem_ids_of(table)
    columns = [assigned[name] if name in assigned else table[name] for name in schema.names]
    return pa.table(columns, schema=schema)


def make_durable(sink: IO[bytes]) -> None:
    """Everything written to the file is on disk when this returns."""
    sink.flush()
    os.fsync(sink.fileno())
