"""The rows of a merged batch as row groups: in order, and cut where something else begins."""

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ingest.arrangement import arrange
from ingest.footer import RunSummary
from ingest.outlining import RunOutlines
from ingest.run_outline import RunOutline

BLOCK_ROWS = 16_384
"""Most that a row group has: what is read to show a page, and about what a reader keeps of one thing."""
FEW_ROWS = BLOCK_ROWS // 4
"""Smaller batches are read whole about as quickly as looked up, smaller blocks are not worth to be kept apart."""
OPENINGS = 40
"""Runs whose openings are in one row group: one page reads it all."""
RECORDED_ROWS = 65_536
"""Most that a row group of run events or rejects has."""
CHUNK_BYTES = 512 << 20
"""Most that is sorted at once; a batch larger than that is sorted in parts."""


def action_blocks(
    tables: Iterable[pa.Table], runs: Sequence[RunSummary], outlines: dict[str, RunOutline]
) -> Iterator[pa.Table]:
    """All rows, sorted as far as they fit in memory, in row groups that end, if possible, where a stretch ends.

    What the rows tell of the runs is in ``outlines`` at the end. Rows sorted in parts have no openings.
    """
    runs = sorted(runs, key=_kind_of)  # those of one kind stay as they began
    kinds = np.cumsum([0, *(here != after for here, after in itertools.pairwise(map(_kind_of, runs)))])
    run_ids = pa.array([run.run_id for run in runs], pa.string())
    known = RunOutlines(runs)
    for table, is_all in _in_chunks(tables):
        run = pc.index_in(table["run_id"], run_ids).to_numpy()
        known.add(table, run)
        arranged = arrange(table, run, kinds, known.is_large & is_all)
        whole = table.take(pa.array(arranged.order))
        first = 0
        for last in _cut_openings(arranged.openings, known):
            yield whole.slice(first, last - first)
            first = last
        for last in _cut(arranged.ends, first, whole.num_rows):
            yield whole.slice(first, last - first)
            first = last
    outlines.update(known.of_runs())


def _kind_of(run: RunSummary) -> tuple[str, str, str]:
    """Runs of one kind visit the same records."""
    return run.integration or "", run.configuration or "", run.trigger or ""


def _cut_openings(openings: Mapping[int, int], outlines: RunOutlines) -> Iterator[int]:
    """Where blocks of openings end, each those of a few runs; that is noted in the outlines."""
    ends = list(openings.items())
    for block, first in enumerate(range(0, len(ends), OPENINGS)):
        some = ends[first : first + OPENINGS]
        for run, _ in some:
            outlines.open_with(run, block)
        yield some[-1][1]


def _cut(ends: np.ndarray, first: int, rows: int) -> Iterator[int]:
    """Where blocks end from a row on: where something else ends, unless a block were small or too large."""
    last = first
    while last < rows:
        good = ends[(ends >= last + FEW_ROWS) & (ends <= last + BLOCK_ROWS)]
        last = int(good[-1]) if len(good) else min(last + BLOCK_ROWS, rows)
        yield last


def blocks_as_recorded(tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
    for table, _ in _in_chunks(tables):
        whole = table.sort_by([("batch_id", "ascending"), ("row", "ascending")])
        for first in range(0, whole.num_rows, RECORDED_ROWS):
            yield whole.slice(first, RECORDED_ROWS)


def _in_chunks(tables: Iterable[pa.Table]) -> Iterator[tuple[pa.Table, bool]]:
    """Tables of as many rows as are sorted at once, each with whether it has all of them."""
    waiting: list[pa.Table] = []
    size = 0
    is_all = True
    for table in tables:
        waiting.append(table)
        size += table.nbytes
        if size >= CHUNK_BYTES:
            is_all = False
            yield pa.concat_tables(waiting).combine_chunks(), is_all
            waiting, size = [], 0
    if waiting:
        yield pa.concat_tables(waiting).combine_chunks(), is_all
