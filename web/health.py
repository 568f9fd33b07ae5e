"""Whether all is well, as page and API say it: what the doctor looks at, and every file known to be damaged."""

from dataclasses import dataclass
from datetime import datetime

from ingest.action import STATUSES, Status
from ingest.errors import LakeUnavailable
from query.damage import DamagedBatch, list_damaged_batches
from web.check_up import check_disk, check_writable, words_of
from web.lake_check import Check, check_lake
from web.upkeep_check import check_upkeep
from web.workspace import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """What was looked at; the damaged batches are unknown while the index cannot be asked."""

    checks: tuple[Check, ...]
    damaged: tuple[DamagedBatch, ...]

    @property
    def status(self) -> Status:
        """The worst of all."""
        return max((check.status for check in self.checks), key=STATUSES.index)


def build_health(workspace: Workspace, *, now: datetime) -> Health:
    """A few quick looks; no batch is read."""
    checks = [check_writable(workspace.settings.data), check_disk(workspace.settings.data)]
    damaged: tuple[DamagedBatch, ...] = ()
    try:
        checks += check_lake(workspace.view, now=now)
        checks += check_upkeep(workspace.recorder.index, workspace.settings, now=now)
        damaged = tuple(list_damaged_batches(workspace.view))
    except LakeUnavailable as error:
        checks.append(Check(name="index", status=Status.ERROR, message=words_of(error)))
    return Health(checks=tuple(checks), damaged=damaged)
