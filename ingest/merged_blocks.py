"""The rows of a merged batch as row groups: in order, and cut where something else begins."""

import itertools
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ingest.action import Status
from ingest.arrangement import Arrangement, arrange
from ingest.footer import RunSummary
from ingest.outlining import RunOutlines, large_among, span_of
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
    is_large = large_among(runs)
    known = RunOutlines(runs, {int(number): span_of(runs[number]) for number in np.flatnonzero(is_large)})
    block = itertools.count()
    for table, is_all in _in_chunks(tables):
        run = pc.index_in(table["run_id"], run_ids).to_numpy()
        known.add(table, run)
        arranged = arrange(table, run, kinds, is_large & is_all)
        whole, run = table.take(pa.array(arranged.order)), run[arranged.order]
        has_failed = pc.not_equal(whole["status"], Status.OK.value).to_numpy()
        first = 0
        for last in _cut(arranged, whole.num_rows):
            some = slice(first, last)
            number = next(block)
            known.fail_in(run[some][has_failed[some]], number)
            known.open_with([each for each, end in arranged.openings.items() if first < end <= last], number)
            yield whole.slice(first, last - first)
            first = last
    outlines.update(known.of_runs())


def _kind_of(run: RunSummary) -> tuple[str, str, str]:
    """Runs of one kind visit the same records."""
    return run.integration or "", run.configuration or "", run.trigger or ""


def _cut(arranged: Arrangement, rows: int) -> Iterator[int]:
    """Where blocks end: openings after some runs, others where something else ends, unless they were small or large."""
    openings = list(arranged.openings.values())
    last = 0
    for first in range(0, len(openings), OPENINGS):
        last = openings[min(first + OPENINGS, len(openings)) - 1]
        yield last
    while last < rows:
        good = arranged.ends[(arranged.ends >= last + FEW_ROWS) & (arranged.ends <= last + BLOCK_ROWS)]
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
        if size >= CHUNK_BYTES:
            is_all = False
            yield pa.concat_tables(waiting).combine_chunks(), is_all
            waiting, size = [], 0
        waiting.append(table)
        size += table.nbytes
    if waiting:
        yield pa.concat_tables(waiting).combine_chunks(), is_all
