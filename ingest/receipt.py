"""What a sender is told: how much of a request is safely on disk, and what was refused and why."""

import json
from dataclasses import asdict, dataclass
from typing import Any

from ingest.formats import RAW_LIMIT, Reject


@dataclass(frozen=True, slots=True, kw_only=True)
class RunReceipt:
    """How many actions of one run were accepted."""

    run_id: str
    accepted: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """The answer to one request. ``rejects`` are the first hundred; all are kept in the lake."""

    batch_id: str | None
    accepted: int
    rejected: int
    rejects: tuple[Reject, ...] = ()
    runs: tuple[RunReceipt, ...] = ()
    repeated: bool = False  # True when the same request had been answered before

    def as_json(self) -> str:
        """The JSON text kept for a request that is sent again."""
        body = asdict(self)
        del body["repeated"]
        for reject in body["rejects"]:
            reject["raw"] = reject["raw"] and reject["raw"][:RAW_LIMIT]  # the lake has more of it
        return json.dumps(body, ensure_ascii=False, separators=(",", ":"))


def receipt_from_json(text: str) -> Receipt:
    """A receipt that was given before."""
    body: dict[str, Any] = json.loads(text)
    return Receipt(
        batch_id=body["batch_id"],
        accepted=body["accepted"],
        rejected=body["rejected"],
        rejects=tuple(Reject(**reject) for reject in body["rejects"]),
        runs=tuple(RunReceipt(**run) for run in body["runs"]),
        repeated=True,
    )
