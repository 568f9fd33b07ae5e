"""Looking after a lake: is every batch whole, and does the index say the same? What is not is named, and set aside."""

import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import sqlalchemy as sa

from ingest.batch_check import check_batch, find_token_damage
from ingest.counts import COUNT_COLUMNS
from ingest.damage import Damage, list_damaged, mark_damaged, recall, unmark_damaged, write_note
from ingest.errors import BatchDamaged, LakeError
from ingest.footer import KINDS
from ingest.index_tables import batch_runs, batches, replaced
from ingest.lake import SealedBatch
from ingest.problem_rows import list_batch_problems
from ingest.problem_summary import ProblemSummary
from ingest.recorder import Recorder
from ingest.token_index import index_tokens

logger = logging.getLogger(__name__)

BRING_BACK = "bring the file back from a backup and run synclog verify again; without one, synclog verify --set-aside"
PUT_BACK = "bring the whole file back to its path from a backup, then run synclog verify again"
MADE_ANEW = "nothing: it was made anew just now. Until then searches may have missed actions"
DELETE_IT = "delete it: searches then read the whole batch. Until then they may miss actions"
DELETED = "nothing: it was deleted, and searches read the whole batch. Until then they may have missed actions"
REINDEX = "run synclog reindex"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something that is not as it should be, and what to do, in plain words. A token index is of kind ``tokens``."""

    kind: str
    batch_id: str
    path: Path
    problem: str
    advice: str
    damage: Damage | None = None
    """Where the batch itself is damaged."""
    aside: Path | None = None
    """Where the file is now, once it was set aside."""


def verify(recorder: Recorder, progress: Callable[[int, int], None] = lambda done, of: None) -> list[Finding]:
    """Read every row of every batch and compare it with its footer, and the index with the lake.

    A damaged batch is marked, so that nobody reads it; one that is whole again is read again. A damaged token index is
    made anew. ``progress`` is told of bytes.
    """
    care = _Care(recorder)
    sizes = care.sizes()
    findings: list[Finding] = []
    done = 0
    for batch_id in sorted(care.kinds):
        findings.extend(care.examine(batch_id))
        done += sizes[batch_id]
        progress(done, sum(sizes.values()))
    return [*findings, *care.end()]


def set_aside(recorder: Recorder, findings: Iterable[Finding]) -> list[Finding]:
    """Take damaged files out of the lake, each with a note beside it of what was in it; gives what is left to do.

    Of a file that is gone there is just the note.
    """
    return [_set_aside(recorder, finding) for finding in findings]


def _set_aside(recorder: Recorder, finding: Finding) -> Finding:
    lake = recorder.lake
    if finding.damage is None:
        return finding
    if (finding.kind, finding.batch_id) not in lake.list_notes():
        write_note(lake, recall(recorder.index, finding.damage))
    if not finding.path.exists():
        return replace(finding, advice=PUT_BACK)
    moved = lake.set_aside(finding.path)
    return replace(finding, aside=moved, advice=f"it is now {moved}; {PUT_BACK}")


class _Care:
    """One look at all of a lake."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._lake = recorder.lake
        self._index = recorder.index
        self._notes = set(self._lake.list_notes())
        self._sums: dict[str, int] = {}
        self._put_back = False
        # The files before the index: what is indexed meanwhile must not seem unknown.
        files = {batch_id: kind for kind in KINDS for batch_id in self._lake.list_ids(kind)}
        with self._index.reading() as connection:
            self._rows = {row.batch_id: row for row in connection.execute(sa.select(batches))}
            retired = set(connection.scalars(sa.select(replaced.c.batch_id)))
        self._marks = {row.batch_id: row for row in list_damaged(self._index)}
        self.kinds = {batch_id: kind for batch_id, kind in files.items() if batch_id not in retired}
        self.kinds |= {row.batch_id: row.kind for row in (*self._rows.values(), *self._marks.values())}
        self._unknown = self.kinds.keys() - self._rows.keys() - self._marks.keys()

    def sizes(self) -> dict[str, int]:
        """How much there is to read of each batch, as far as that is known."""
        return {batch_id: self._rows[batch_id].bytes if batch_id in self._rows else 0 for batch_id in self.kinds}

    def examine(self, batch_id: str) -> Iterator[Finding]:
        row = self._rows.get(batch_id)
        path = self._lake.path_of(self.kinds[batch_id], batch_id)
        try:
            batch = check_batch(self._lake, self.kinds[batch_id], batch_id, None if row is None else row.crc)
        except BatchDamaged as error:
            yield from self._damaged(batch_id, path, error)
        except LakeError as error:
            yield self._finding(batch_id, path, error.message, error.hint or "")
        else:
            yield from self._whole(batch, path, row)

    def end(self) -> Iterator[Finding]:
        """What can only be told when all was looked at."""
        self._index.keep_sums(self._sums)
        for batch_id in sorted(self._unknown - self._index.list_known()):
            path = self._lake.path_of(self.kinds[batch_id], batch_id)
            if path.exists():
                yield self._finding(batch_id, path, "the index does not list this batch", REINDEX)
        if self._put_back:
            self._recorder.catch_up()

    def _damaged(self, batch_id: str, path: Path, error: BatchDamaged) -> Iterator[Finding]:
        kind, mark = self.kinds[batch_id], self._marks.get(batch_id)
        problem, since_us = error.message, self._recorder.now_us() if mark is None else mark.since_us
        damage = Damage(kind=kind, batch_id=batch_id, problem=problem, since_us=since_us)
        if not path.exists() and (kind, batch_id) in self._notes:
            said = "it was set aside" if mark is None else f"it was set aside: {mark.problem}"
            yield self._finding(batch_id, path, said, PUT_BACK, damage)
        elif mark_damaged(self._index, damage) or (path.exists() and batch_id not in self._rows):
            yield self._finding(batch_id, path, problem, BRING_BACK, damage)
        elif mark is not None:
            unmark_damaged(self._index, batch_id)  # nothing is known of it, and nothing is there

    def _whole(self, batch: SealedBatch, path: Path, row: sa.Row[Any] | None) -> Iterator[Finding]:
        batch_id, kind = batch.footer.batch_id, batch.footer.kind
        if batch_id in self._marks:
            unmark_damaged(self._index, batch_id)
            self._lake.remove_note(kind, batch_id)
            self._put_back = True
        if row is not None:
            if row.crc is None and batch.crc is not None:
                self._sums[batch_id] = batch.crc
            if _said_of(batch) != self._known_of(row) or _in_order(
                batch.footer.problems or ()
            ) != self._known_problems_of(batch):
                yield self._finding(batch_id, path, "the index says otherwise than its footer", REINDEX)
        problem = find_token_damage(self._lake, batch) if kind == "actions" else None
        if problem is not None:
            yield self._with_tokens_anew(batch_id, problem)

    def _with_tokens_anew(self, batch_id: str, problem: str) -> Finding:
        """It is derived. Without one a search reads the whole batch, so it goes before another is there."""
        path, advice = self._lake.token_index_path(batch_id), DELETE_IT
        try:
            path.unlink(missing_ok=True)
            advice = DELETED
            self._lake.put_token_index(batch_id, partial(index_tokens, self._lake.path_of("actions", batch_id)))
        except (LakeError, pa.ArrowException, OSError) as error:
            logger.warning("token index not made anew", extra={"batch_id": batch_id, "reason": str(error)})
        else:
            advice = MADE_ANEW
        return Finding(kind="tokens", batch_id=batch_id, path=path, problem=problem, advice=advice)

    def _known_of(self, row: sa.Row[Any]) -> list[object]:
        with self._index.reading() as connection:
            chosen = sa.select(batch_runs).where(batch_runs.c.batch_id == row.batch_id)
            known = sorted((dict(each) for each in connection.execute(chosen).mappings()), key=_run_id)
        names = ("run_id", "first_us", "last_us", "gone", "outline", *COUNT_COLUMNS)
        counts = [[each[name] for name in names] for each in known]
        return [row.rows, row.bytes, row.is_merged, counts]

    def _known_problems_of(self, batch: SealedBatch) -> list[object]:
        """Nothing where the footer is of an older writer, which did not say."""
        if batch.footer.problems is None:
            return []
        with self._index.reading() as connection:
            return _in_order(list_batch_problems(connection, batch.footer.batch_id))

    def _finding(self, batch_id: str, path: Path, problem: str, advice: str, damage: Damage | None = None) -> Finding:
        kind = self.kinds[batch_id]
        return Finding(kind=kind, batch_id=batch_id, path=path, problem=problem, advice=advice, damage=damage)


def _run_id(row: dict[str, Any]) -> str:
    return str(row["run_id"])


def _said_of(batch: SealedBatch) -> list[object]:
    counts = [
        [
            *(each.run_id, each.first_us, each.last_us, each.gone),
            each.outline and each.outline.as_text(),
            *each.counts.as_dict().values(),
        ]
        for each in sorted(batch.footer.runs, key=lambda each: each.run_id)
    ]
    return [batch.footer.rows, batch.size, bool(batch.footer.replaces), counts]


def _in_order(problems: Iterable[ProblemSummary]) -> list[object]:
    """All of them but the texts of their examples, of which a database may keep less."""
    return [
        (
            *(each.run_id, each.problem_id, each.count, each.status),
            *(each.first_us, each.last_us, each.records, each.example.place),
        )
        for each in sorted(problems, key=lambda each: (each.run_id, each.problem_id))
    ]
