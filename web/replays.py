"""Replaying rejects: chosen, mended, shown as what they would become, and recorded."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from ingest.mending import Mend, Mended, mend
from query.rejects import RejectFilter, to_be_mended
from web.workspace import Workspace

MOST_REPLAYED = 100_000
"""Refused lines that one replay takes; those that are left take another."""
PREVIEWED = 1000
_AT_ONCE = 5000


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What becomes of the newest refused lines; ``is_all`` when these are all that are chosen."""

    mended: Sequence[Mended]
    is_all: bool

    @property
    def right(self) -> int:
        return sum(each.line is not None for each in self.mended)

    @property
    def refused(self) -> int:
        return len(self.mended) - self.right

    @property
    def reasons(self) -> tuple[tuple[str, int], ...]:
        """Why lines would still be refused, the most frequent first."""
        return tuple(Counter(each.reason for each in self.mended if each.reason is not None).most_common(20))


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """What a replay did: lines recorded, and lines still refused."""

    replayed: int
    refused: int
    reasons: tuple[tuple[str, int], ...] = ()


def preview_replay(workspace: Workspace, chosen: RejectFilter, with_: Mend, *, most: int = PREVIEWED) -> Preview:
    rejects = to_be_mended(workspace.view, chosen, limit=most + 1)
    return Preview(mended=[mend(reject, with_) for reject in rejects[:most]], is_all=len(rejects) <= most)


def replay(workspace: Workspace, chosen: RejectFilter, with_: Mend) -> Replay:
    """Record all chosen rejects that are right once mended. Those that are not stay as they are."""
    rejects = to_be_mended(workspace.view, chosen, limit=MOST_REPLAYED)
    replayed, reasons = 0, Counter[str]()
    for start in range(0, len(rejects), _AT_ONCE):
        some = [mend(reject, with_) for reject in rejects[start : start + _AT_ONCE]]
        reasons.update(each.reason for each in some if each.reason is not None)
        replayed += workspace.recorder.replay(some, with_)
    return Replay(replayed=replayed, refused=reasons.total(), reasons=tuple(reasons.most_common(20)))
