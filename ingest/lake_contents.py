"""What is in a lake, for the index: each batch by its footer, a damaged one by whatever is still known of it.

A batch that was found damaged before, by the index or by the note beside its file set aside, is only taken for whole
again after all of it was read. One that is set aside is there as long as its note is.
"""

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from ingest.batch_check import find_damage
from ingest.damage import Damage, list_damaged, read_note, recall
from ingest.errors import BatchDamaged
from ingest.footer import KINDS
from ingest.index import Addition, Index
from ingest.lake import Lake
from ingest.missing_problems import with_problems
from ingest.run_state import RunEvent
from ingest.run_totals import event_from_row
from ingest.timestamps import to_microseconds

logger = logging.getLogger(__name__)

Progress = Callable[[int, int], None]
Found = Addition | Damage


@dataclass(frozen=True, slots=True, kw_only=True)
class LakeContents:
    """Reads a lake for its index; ``now_us`` is when damage was found that nobody knew of."""

    lake: Lake
    index: Index
    now_us: int

    def read(self, known: set[str], progress: Progress = lambda done, of: None) -> list[Found]:
        """All batches but those known."""
        suspects = {batch_id: each for batch_id, each in self._suspects().items() if batch_id not in known}
        missing = sorted(
            (batch_id, kind) for kind in KINDS for batch_id in self.lake.list_ids(kind) if batch_id not in known
        )
        sums = self.index.list_sums() if missing else {}
        found: list[Found | None] = []
        for done, (batch_id, kind) in enumerate(missing, start=1):
            suspect = suspects.pop(batch_id, None)
            damage = None if suspect is None else self._still_damaged(suspect)
            found.append(damage or self._read(kind, batch_id, sums.get(batch_id)))
            progress(done, len(missing))
        aside = set(self.lake.list_notes())
        found += [each for each in suspects.values() if (each.kind, each.batch_id) in aside]
        return [each for each in found if each is not None]

    def read_again(self, found: list[Found]) -> list[Found]:
        """The same with what has come to light since: new batches, and damage."""
        damaged = {each.batch_id for each in found if isinstance(each, Damage)}
        marked = {row.batch_id for row in list_damaged(self.index)} - damaged
        sure = [each for each in found if each.batch_id not in marked]
        return [*sure, *self.read({each.batch_id for each in sure})]

    def _suspects(self) -> dict[str, Damage]:
        """What was found damaged before, by batch id."""
        noted = [read_note(self.lake, kind, batch_id) for kind, batch_id in self.lake.list_notes()]
        marked = [recall(self.index, Damage(**row._mapping)) for row in list_damaged(self.index)]
        suspects = {each.batch_id: each for each in noted}
        for each in marked:
            if each.batch is not None or each.batch_id not in suspects:
                suspects[each.batch_id] = each
        return suspects

    def _still_damaged(self, suspect: Damage) -> Damage | None:
        crc = None if suspect.batch is None else suspect.batch.crc
        problem = find_damage(self.lake, suspect.kind, suspect.batch_id, crc)
        if problem is None:
            self.lake.remove_note(suspect.kind, suspect.batch_id)
            return None
        return replace(suspect, problem=problem)

    def _read(self, kind: str, batch_id: str, crc: int | None) -> Found | None:
        batch = None
        try:
            batch = replace(self.lake.read_footer(kind, batch_id), crc=crc)
            batch = with_problems(self.lake, batch)
            rows = self.lake.read(kind, batch_id).to_pylist() if kind == "runs" else []
        except BatchDamaged as error:
            if not self.lake.path_of(kind, batch_id).exists():
                return None  # replaced by another one, and deleted just now
            logger.error("batch left out of the index", extra={"reason": error.message})
            damage = Damage(kind=kind, batch_id=batch_id, problem=error.message, since_us=self.now_us, batch=batch)
            return recall(self.index, damage)
        return Addition(
            batch=batch,
            events=tuple(_event_of(row) for row in rows),
            event_ids=tuple((row["batch_id"], row["row"]) for row in rows),
        )


def _event_of(row: dict[str, Any]) -> RunEvent:
    """A row of RUN_EVENT_SCHEMA as a run event."""
    body = {name: row[name] for name in ("integration", "configuration", "trigger", "scope", "progress")}
    body |= {name: row[name] for name in ("expected", "cancellable")}
    body |= {name: json.loads(row[name]) for name in ("claimed", "attributes") if row[name] is not None}
    said = {name: value for name, value in body.items() if value is not None}
    happened_us = to_microseconds(row["happened_at"])
    return event_from_row({**row, "happened_us": happened_us, "body": json.dumps(said)})
