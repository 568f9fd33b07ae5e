"""Is a batch what was written? Its bytes, its footer, its columns, its rows, and what its footer says of them.

The CRC-32 that the index knows from the moment of writing tells of every changed bit. Without it there are Parquet's
checksums of pages, the footer's own, and what can be counted again: the summaries of runs, their problems and outlines,
and the statistics of row groups by which readers skip. Rows are read a row group at a time; kept of them are eight
bytes each, in a merged batch, to see that none is there twice.
"""

import zlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ingest.batch import SCHEMAS, summarise
from ingest.disk import reading_trouble
from ingest.errors import BatchDamaged, LakeError, LakeUnavailable
from ingest.footer import BatchFooter, RunSummary
from ingest.lake import Lake, SealedBatch
from ingest.outline_check import OutlineCheck
from ingest.token_index import TokenIndex

BLOCK_BYTES = 1 << 20
_ROW_BITS = 40


def check_batch(lake: Lake, kind: str, batch_id: str, crc: int | None) -> SealedBatch:
    """Read all of a batch; ``crc`` is the CRC-32 it was written with, where that is known.

    Raises BatchDamaged, LakeTooNew, and LakeUnavailable when the machine has other troubles.
    """
    found_crc = _check_bytes(lake, kind, batch_id, crc)
    batch = lake.read_footer(kind, batch_id)
    path = lake.path_of(kind, batch_id)
    try:
        with reading_trouble(path):
            _check_rows(path, batch.footer)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise BatchDamaged(f"what it holds makes no sense: {error!r}") from error
    return replace(batch, crc=found_crc)


def find_damage(lake: Lake, kind: str, batch_id: str, crc: int | None) -> str | None:
    """Why a batch cannot be relied on, None when it can: by its CRC-32 or, where that is not known, by reading it all.

    Raises LakeTooNew, and LakeUnavailable when it cannot be told.
    """
    try:
        if crc is None:
            check_batch(lake, kind, batch_id, None)
        else:
            _check_bytes(lake, kind, batch_id, crc)
    except BatchDamaged as error:
        return error.message
    return None


def find_token_damage(lake: Lake, batch: SealedBatch) -> str | None:
    """What is wrong with the token index of a batch that is whole; None where it has none."""
    path = lake.token_index_path(batch.footer.batch_id)
    if not path.exists():
        return None
    try:
        tokens = TokenIndex.open(path)
    except BatchDamaged as error:
        return error.message
    blocks = pq.read_metadata(lake.path_of("actions", batch.footer.batch_id)).num_row_groups
    if (tokens.blocks, tokens.rows) != (blocks, batch.footer.rows) or not tokens.is_as_written():
        return "it is not the token index of its batch"
    return None


def _check_bytes(lake: Lake, kind: str, batch_id: str, crc: int | None) -> int:
    """The CRC-32 of a file, which must be the given one."""
    path = lake.path_of(kind, batch_id)
    if not path.exists():
        lake.require_there()
        raise BatchDamaged("the file is gone")
    found_crc = 0
    with reading_trouble(path), path.open("rb", buffering=0) as source:
        while block := source.read(BLOCK_BYTES):
            found_crc = zlib.crc32(block, found_crc)
    if crc is not None and crc != found_crc:
        raise BatchDamaged(f"its bytes are not those that were written: {_worst_of(lake, kind, batch_id)}")
    return found_crc


def _worst_of(lake: Lake, kind: str, batch_id: str) -> str:
    """What changed bytes have led to."""
    try:
        lake.read_footer(kind, batch_id)
    except LakeUnavailable:
        raise
    except LakeError as error:
        return error.message
    return "its footer can be read, its rows may be wrong"


def _check_rows(path: Path, footer: BatchFooter) -> None:
    with pq.ParquetFile(path, page_checksum_verification=True) as parquet:
        _check_columns(parquet.schema_arrow, SCHEMAS[footer.kind])
        names = _Names(footer)
        counted: dict[str, RunSummary] = {}
        problems: Counter[tuple[str, str]] = Counter()
        run_ids = {run.run_id for run in footer.runs}
        outlines = OutlineCheck(footer) if any(run.outline for run in footer.runs) else None
        for group in range(parquet.num_row_groups):
            rows = parquet.read_row_group(group)
            _check_statistics(parquet.metadata.row_group(group), rows)
            names.add(rows)
            for summary in summarise(rows) if footer.kind == "actions" else ():
                known = counted.get(summary.run_id)
                counted[summary.run_id] = summary if known is None else known + summary
            if footer.problems:
                problems.update(_problems_of(rows))
            if outlines is not None and counted.keys() <= run_ids:
                outlines.add(group, rows)
    names.require_each_once()
    if not _adds_up(footer, counted):
        raise BatchDamaged("the counts in its footer are not those of its rows")
    if footer.problems and not _problems_add_up(footer, problems):
        raise BatchDamaged("the problems in its footer are not those of its rows")
    if outlines is not None and not outlines.is_right:
        raise BatchDamaged("the outlines in its footer are not those of its rows")


def _check_columns(found: pa.Schema, wanted: pa.Schema) -> None:
    """Columns nobody knows are those of a newer synclog; none was ever taken away."""
    missing = [name for name in wanted.names if name not in found.names]
    if missing:
        raise BatchDamaged(f"columns are missing: {', '.join(missing)}")
    others = [field.name for field in wanted if found.field(field.name).type != field.type]
    if others:
        raise BatchDamaged(f"columns are of another type: {', '.join(others)}")


def _check_statistics(group: pq.RowGroupMetaData, rows: pa.Table) -> None:
    for place in range(group.num_columns):
        column = group.column(place)
        statistics = column.statistics
        if statistics is None or not statistics.has_min_max:
            continue
        values = rows[column.path_in_schema]
        is_text = pa.types.is_string(values.type)
        said = (statistics.min, statistics.max) if is_text else (statistics.min_raw, statistics.max_raw)
        ends = pc.min_max(values if is_text else values.cast(pa.int64())).as_py()
        if said != (ends["min"], ends["max"]) or statistics.null_count != values.null_count:
            raise BatchDamaged(f"its statistics of {column.path_in_schema} are not those of its rows")


class _Names:
    """The ``batch_id`` and ``row`` of every row: those of its own batch in their order, in a merged one each once."""

    def __init__(self, footer: BatchFooter) -> None:
        self._footer = footer
        self._rows = 0
        self._places: dict[str, int] = {}
        self._keys: list[np.ndarray] = []

    def add(self, table: pa.Table) -> None:
        rows = table["row"].to_numpy()
        if self._footer.replaces:
            self._keys.append(self._places_of(table["batch_id"]) << _ROW_BITS | rows)
        else:
            in_order = np.array_equal(rows, np.arange(self._rows, self._rows + len(rows)))
            if not in_order or table["batch_id"].unique().to_pylist() not in ([], [self._footer.batch_id]):
                raise BatchDamaged("its rows are not named as they were when they came")
        self._rows += len(rows)

    def require_each_once(self) -> None:
        if self._rows != self._footer.rows:
            raise BatchDamaged(f"it has {self._rows} rows, its footer says {self._footer.rows}")
        if self._keys:
            keys = np.sort(np.concatenate(self._keys))
            if (keys[1:] == keys[:-1]).any():
                raise BatchDamaged("some of its rows are there twice")

    def _places_of(self, batch_ids: pa.ChunkedArray) -> np.ndarray:
        found = batch_ids.unique()
        places = np.array([self._places.setdefault(name, len(self._places)) for name in found.to_pylist()], np.int64)
        return np.asarray(places[pc.index_in(batch_ids, found).to_numpy()])


def _adds_up(footer: BatchFooter, counted: dict[str, RunSummary]) -> bool:
    """Whether the summaries are those of the rows, or of more where retention has taken some away."""
    counted = dict(counted)
    for summary in footer.runs:
        rows = counted.pop(summary.run_id, None)
        if summary.counts.processed - summary.gone != (rows.counts.processed if rows else 0):
            return False
        told = (summary.counts, summary.first_us, summary.last_us)
        if rows and not summary.gone and told != (rows.counts, rows.first_us, rows.last_us):
            return False
    ends = [(summary.first_us, summary.last_us) for summary in footer.runs]
    first_us, last_us = min((first for first, _ in ends), default=None), max((last for _, last in ends), default=None)
    return not counted and (footer.first_us, footer.last_us) == (first_us, last_us)


def _problems_of(actions: pa.Table) -> Mapping[tuple[str, str], int]:
    groups = actions.group_by(["run_id", "problem_id"], use_threads=False).aggregate([([], "count_all")]).to_pylist()
    return {(each["run_id"], each["problem_id"]): each["count_all"] for each in groups if each["problem_id"]}


def _problems_add_up(footer: BatchFooter, counted: Mapping[tuple[str, str], int]) -> bool:
    """Whether the problems are those of the rows, in runs of which nothing was left out or taken away."""
    said = {(each.run_id, each.problem_id): each.count for each in footer.problems or ()}
    told: Counter[str] = Counter()
    for (run_id, _), count in said.items():
        told[run_id] += count
    failed = {run.run_id: run.counts.processed - run.counts.oks for run in footer.runs}
    if any(count > failed.get(run_id, 0) for run_id, count in told.items()):
        return False
    whole = {run.run_id for run in footer.runs if not run.gone and told[run.run_id] == failed[run.run_id]}
    return {key: count for key, count in said.items() if key[0] in whole} == {
        key: count for key, count in counted.items() if key[0] in whole
    }
