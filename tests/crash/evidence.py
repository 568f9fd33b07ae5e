"""What is really in a lake, read as ``docs/lake-format.md`` tells strangers to, and what of it is wrong.

Nothing of synclog reads here, so that a mistake of its reader cannot hide one of its writer.
"""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tests.crash.archive import Archive
from tests.crash.senders import APART, Ids, Sender

UNFINISHED = ("*/*/*.writing", "*/*/*.merging", "format.json.*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """The ids of all live actions and rejects, as often as they are there, and how many actions each run has."""

    actions: Ids
    rejects: Ids
    rows: Counter[str]


@dataclass(slots=True, kw_only=True)
class Verdict:
    """What the lake has against what senders were told.

    A request that was cut off after its refused lines were sealed and before its actions were has them kept again when
    it is sent again: ``rejects_doubled`` is counted, and no fault.
    """

    lost: int = 0
    doubled: int = 0
    torn: int = 0  # requests of which a part is there
    unheard_of: int = 0  # actions nobody has sent
    returned: int = 0  # actions that retention had taken away
    rejects_lost: int = 0
    rejects_doubled: int = 0

    @property
    def is_clean(self) -> bool:
        faults = (self.lost, self.doubled, self.torn, self.unheard_of, self.returned, self.rejects_lost)
        return not any(faults)


@dataclass(frozen=True, slots=True, kw_only=True)
class _File:
    replaces: frozenset[str]
    ids: Ids
    rows: Counter[str]


@dataclass(slots=True)
class LakeReader:
    """Reads a lake again and again; sealed files never change, so each is read once."""

    lake: Path
    _known: dict[Path, _File] = field(default_factory=dict)

    def read(self) -> Evidence:
        actions, rejects = self._live("actions"), self._live("rejects")
        rows: Counter[str] = Counter()
        for file in actions:
            rows.update(file.rows)
        return Evidence(actions=_ids_of(actions), rejects=_ids_of(rejects), rows=rows)

    def unfinished(self) -> list[str]:
        """Files that would stay for ever; nobody may be writing."""
        left = [path for pattern in UNFINISHED for path in self.lake.glob(pattern)]
        tokens = self.lake.glob("tokens/*/*.arrow")
        left += [path for path in tokens if not any(self.lake.glob(f"actions/*/{path.stem}.parquet"))]
        return sorted(path.name for path in left)

    def _live(self, kind: str) -> list[_File]:
        present = {path.stem: path for path in self.lake.glob(f"{kind}/*/*.parquet")}
        files = {batch_id: self._read(path, kind) for batch_id, path in present.items()}
        replaced = {old for file in files.values() for old in file.replaces}
        return [file for batch_id, file in files.items() if batch_id not in replaced]

    def _read(self, path: Path, kind: str) -> _File:
        if path not in self._known:
            self._known[path] = _read(path, kind)
        return self._known[path]


def _read(path: Path, kind: str) -> _File:
    footer = json.loads(pq.read_metadata(path).metadata[b"synclog.footer"])
    table = pq.read_table(path, columns=["run_id", "source_id" if kind == "actions" else "raw"], partitioning=None)
    ids = table.column(1)
    if kind == "rejects":
        ids = pc.struct_field(pc.extract_regex(ids, r'"source_id": ?"(?P<id>\d+)"'), "id")
    return _File(
        replaces=frozenset(footer["replaces"]),
        ids=ids.cast(pa.int64()).to_numpy(),
        rows=Counter({run["values"]: run["counts"] for run in table["run_id"].value_counts().to_pylist()}),
    )


def _ids_of(files: Iterable[_File]) -> Ids:
    return np.concatenate([np.empty(0, np.int64), *(file.ids for file in files)])


def judge(evidence: Evidence, senders: Sequence[Sender], archive: Archive) -> Verdict:
    """Holds the lake to the word given to senders, none of which may be sending, and to what was in the archive."""
    verdict = Verdict()
    actions, times = np.unique(evidence.actions, return_counts=True)
    rejects, reject_times = np.unique(evidence.rejects, return_counts=True)
    verdict.doubled = int((times - 1).sum())
    verdict.rejects_doubled = int((reject_times - 1).sum())
    known = 0
    for sender in senders:
        accepted, refused = sender.ids_of(sender.acknowledged)
        verdict.lost += _missing(accepted, actions)
        verdict.rejects_lost += _missing(refused, rejects)
        own = actions[actions // APART == sender.number] - sender.first_id
        requests, rows = np.unique(own // sender.size, return_counts=True)
        verdict.torn += int((rows != sender.accepted).sum())
        known += int(rows[requests < sender.begun].sum())
    may_go, must_stay = archive.ids_with("OK"), archive.ids_with("ERROR")
    verdict.lost += _missing(must_stay, actions)
    verdict.returned = len(archive.removed) - _missing(archive.removed, actions)
    archive.removed = may_go[np.isin(may_go, actions, invert=True)]
    known += len(may_go) + len(must_stay) - _missing(np.concatenate([may_go, must_stay]), actions)
    verdict.unheard_of = len(actions) - known
    return verdict


def _missing(ids: Ids, among: Ids) -> int:
    return int(np.isin(ids, among, invert=True).sum())
