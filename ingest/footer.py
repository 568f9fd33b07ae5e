"""What the footer of a batch says, and its place in Parquet's key-value metadata.

Keys: ``synclog.format`` (a number), ``synclog.kind`` (actions, runs or rejects), ``synclog.footer`` (a JSON object
with the fields of :class:`BatchFooter`) and ``synclog.crc`` (the CRC-32 of that text: Parquet's checksums are of pages
alone). Rebuilding the index reads these, not the rows.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from zlib import crc32

from ingest.action import UNKNOWN_INTEGRATION
from ingest.counts import COUNT_COLUMNS, Counts
from ingest.errors import BatchDamaged, LakeTooNew
from ingest.problem_summary import ProblemSummary, problem_as_json, problem_from_json
from ingest.run_outline import RunOutline, outline_from_json
from ingest.schema import FORMAT_VERSION

KINDS = ("actions", "runs", "rejects")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSummary:
    """The actions of one run in one batch. Times are microseconds since 1970 UTC.

    ``counts`` has all actions that ever were in it, ``gone`` how many of them retention has taken away since.
    ``heard_us`` is when the last of them was received; None where the id of the batch tells it. Sums have no outline.
    """

    run_id: str
    integration: str | None
    configuration: str | None
    trigger: str | None
    first_us: int
    last_us: int
    counts: Counts
    gone: int = 0
    heard_us: int | None = None
    outline: RunOutline | None = None

    def __add__(self, other: "RunSummary") -> "RunSummary":
        return RunSummary(
            run_id=self.run_id,
            integration=_least(self.integration, other.integration),
            configuration=_least(self.configuration, other.configuration),
            trigger=_least(self.trigger, other.trigger),
            first_us=min(self.first_us, other.first_us),
            last_us=max(self.last_us, other.last_us),
            counts=self.counts + other.counts,
            gone=self.gone + other.gone,
            heard_us=max((us for us in (self.heard_us, other.heard_us) if us is not None), default=None),
        )


def _least(*texts: str | None) -> str | None:
    """As SQL's min: the same whatever the order of the rows; what is unknown gives way."""
    said = {text for text in texts if text is not None}
    return min(said - {UNKNOWN_INTEGRATION} or said, default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptAnswer:
    """A request that must not count twice: its idempotency key, what it sent, and the answer it got (JSON text)."""

    key: str
    digest: str
    answer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchFooter:
    """Everything synclog must know of a sealed batch without reading its rows.

    ``problems`` are those of the actions, by run and problem; None where an older writer did not say.
    """

    batch_id: str
    kind: str
    writer: str
    rows: int
    first_us: int | None
    last_us: int | None
    runs: tuple[RunSummary, ...] = ()
    answers: tuple[KeptAnswer, ...] = ()
    replaces: tuple[str, ...] = ()
    problems: tuple[ProblemSummary, ...] | None = None

    def as_metadata(self) -> dict[str, str]:
        body: dict[str, object] = {
            "batch_id": self.batch_id,
            "writer": self.writer,
            "rows": self.rows,
            "first_us": self.first_us,
            "last_us": self.last_us,
            "runs": [_summary_as_json(summary) for summary in self.runs],
            "answers": [{"key": kept.key, "digest": kept.digest, "answer": kept.answer} for kept in self.answers],
            "replaces": list(self.replaces),
        }
        if self.problems is not None:
            body["problems"] = [problem_as_json(problem) for problem in self.problems]
        text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
        return {
            "synclog.format": str(FORMAT_VERSION),
            "synclog.kind": self.kind,
            "synclog.footer": text,
            "synclog.crc": str(crc32(text.encode())),
        }


def footer_from_metadata(metadata: Mapping[bytes, bytes] | None, place: str) -> BatchFooter:
    """The footer in a file's metadata. Raises BatchDamaged or LakeTooNew, naming ``place``."""
    metadata = metadata or {}
    try:
        version = int(metadata[b"synclog.format"])
        if version > FORMAT_VERSION:
            raise LakeTooNew(
                f"{place} has lake format {version}, this synclog reads up to {FORMAT_VERSION}",
                hint="open it with a newer synclog",
            )
        text = metadata[b"synclog.footer"]
        if int(metadata.get(b"synclog.crc", crc32(text))) != crc32(text):
            raise BatchDamaged(f"{place} has a footer that is not the one it was sealed with")
        body = json.loads(text)
        return BatchFooter(
            batch_id=body["batch_id"],
            kind=metadata[b"synclog.kind"].decode(),
            writer=body["writer"],
            rows=body["rows"],
            first_us=body["first_us"],
            last_us=body["last_us"],
            runs=tuple(_summary_from_json(summary) for summary in body["runs"]),
            answers=tuple(_answer_from_json(kept) for kept in body["answers"]),
            replaces=tuple(body["replaces"]),
            problems=tuple(map(problem_from_json, body["problems"])) if "problems" in body else None,
        )
    except (KeyError, ValueError, TypeError) as error:
        raise BatchDamaged(f"{place} has no readable synclog footer ({error!r})") from error


def _summary_as_json(summary: RunSummary) -> dict[str, object]:
    outline = None if summary.outline is None else summary.outline.as_json()
    later = {"gone": summary.gone or None, "heard_us": summary.heard_us, "outline": outline}
    return {
        "run_id": summary.run_id,
        "integration": summary.integration,
        "configuration": summary.configuration,
        "trigger": summary.trigger,
        "first_us": summary.first_us,
        "last_us": summary.last_us,
        "counts": {name: count for name, count in summary.counts.as_dict().items() if count},
        **{name: value for name, value in later.items() if value is not None},
    }


def _summary_from_json(body: dict[str, Any]) -> RunSummary:
    counts = {name: body["counts"].get(name, 0) for name in COUNT_COLUMNS}
    return RunSummary(
        run_id=body["run_id"],
        integration=body["integration"],
        configuration=body["configuration"],
        trigger=body["trigger"],
        first_us=body["first_us"],
        last_us=body["last_us"],
        counts=Counts(**counts),
        gone=body.get("gone", 0),
        heard_us=body.get("heard_us"),
        outline=outline_from_json(body["outline"]) if "outline" in body else None,
    )


def _answer_from_json(body: dict[str, Any]) -> KeptAnswer:
    return KeptAnswer(key=body["key"], digest=body["digest"], answer=body["answer"])
