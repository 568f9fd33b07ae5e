"""Looking after a lake: is every batch whole, and does the index say the same?"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import sqlalchemy as sa

from ingest.batch import SCHEMAS, summarise
from ingest.errors import BatchDamaged
from ingest.footer import KINDS, BatchFooter
from ingest.index_tables import batches, replaced
from ingest.recorder import Recorder


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something that is not as it should be, in plain words."""

    path: Path
    problem: str


def verify(recorder: Recorder, progress: Callable[[int, int], None] = lambda done, of: None) -> list[Finding]:
    """Read every row of every batch and compare it with its footer, and the index with the lake."""
    with recorder.index.engine.connect() as connection:
        indexed = {row.batch_id: row for row in connection.execute(sa.select(batches))}
        retired = set(connection.scalars(sa.select(replaced.c.batch_id)))
    present = [
        (kind, batch_id) for kind in KINDS for batch_id in recorder.lake.list_ids(kind) if batch_id not in retired
    ]
    findings: list[Finding] = []
    for done, (kind, batch_id) in enumerate(present, start=1):
        row = indexed.pop(batch_id, None)
        findings.extend(_examine(recorder, kind, batch_id, None if row is None else row.rows))
        progress(done, len(present))
    for batch_id, row in indexed.items():
        path = recorder.lake.path_of(row.kind, batch_id)
        findings.append(Finding(path=path, problem="the index lists this batch, but the file is gone"))
    return findings


def _examine(recorder: Recorder, kind: str, batch_id: str, indexed_rows: int | None) -> Iterator[Finding]:
    path = recorder.lake.path_of(kind, batch_id)
    try:
        footer = recorder.lake.read_footer(kind, batch_id).footer
        table = recorder.lake.read(kind, batch_id)
    except BatchDamaged as error:
        yield Finding(path=path, problem=error.message)
        return
    missing = [name for name in SCHEMAS[kind].names if name not in table.column_names]
    if missing:
        yield Finding(path=path, problem=f"columns are missing: {', '.join(missing)}")
        return
    if kind == "actions" and not _adds_up(footer, table):
        yield Finding(path=path, problem="the counts in its footer are not those of its rows")
    yield from _compare_with_index(path, footer, indexed_rows)


def _adds_up(footer: BatchFooter, actions: pa.Table) -> bool:
    """Whether the summaries are those of the rows, or of more where retention has taken some away."""
    counted = {summary.run_id: summary for summary in summarise(actions)}
    for summary in footer.runs:
        rows = counted.pop(summary.run_id, None)
        if summary.counts.processed - summary.gone != (rows.counts.processed if rows else 0):
            return False
        if rows and not summary.gone and (rows.counts, rows.first_us) != (summary.counts, summary.first_us):
            return False
    return not counted


def _compare_with_index(path: Path, footer: BatchFooter, indexed_rows: int | None) -> Iterator[Finding]:
    if indexed_rows is None:
        yield Finding(path=path, problem="the index does not list this batch: run synclog reindex")
    elif indexed_rows != footer.rows:
        yield Finding(path=path, problem=f"the index says {indexed_rows} rows, the batch has {footer.rows}")
