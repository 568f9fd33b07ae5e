"""The vocabulary of actions and runs, and the other words senders use for it."""

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

Word = TypeVar("Word", bound=StrEnum)


UNKNOWN_INTEGRATION = "unknown"
"""Of a run whose actions do not say."""


class Operation(StrEnum):
    """What was done to the target record; NONE when it was found already right."""

    CREATE = "CREATE"
    UPDATE = "UPDATE"
    DELETE = "DELETE"
    NONE = "NONE"


class Status(StrEnum):
    """How it went; members are in order of severity."""

    OK = "OK"
    INFO = "INFO"
    WARNING = "WARNING"
    ERROR = "ERROR"

    @property
    def rank(self) -> int:
        """0 for OK to 3 for ERROR, so the status of a run is the highest rank of its actions."""
        return STATUSES.index(self)


class Progress(StrEnum):
    """Where a run stands; members are in the order a run goes through them."""

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    ABORTION_PENDING = "ABORTION_PENDING"
    ABORTED = "ABORTED"
    FINISHED = "FINISHED"

    @property
    def is_over(self) -> bool:
        return self in (Progress.ABORTED, Progress.FINISHED)


class Scope(StrEnum):
    """Whether a run looked at everything or only at what changed."""

    FULL = "FULL"
    PARTIAL = "PARTIAL"


OPERATIONS = tuple(Operation)
STATUSES = tuple(Status)

OPERATION_SYNONYMS: Mapping[str, Operation] = {
    **dict.fromkeys(("INSERT", "INSERTED", "CREATED", "ADD", "ADDED", "NEW", "COPY", "COPIED"), Operation.CREATE),
    **dict.fromkeys(
        ("UPSERT", "UPSERTED", "UPDATED", "MODIFY", "MODIFIED", "CHANGE", "CHANGED", "REPLACE", "REPLACED", "MERGE"),
        Operation.UPDATE,
    ),
    **dict.fromkeys(("DELETED", "REMOVE", "REMOVED", "DROP", "ARCHIVE", "ARCHIVED"), Operation.DELETE),
    **dict.fromkeys(
        ("NOOP", "NO-OP", "NO_OP", "SKIP", "SKIPPED", "UNCHANGED", "MATCH", "MATCHED", "READ", "NOTHING"),
        Operation.NONE,
    ),
}

STATUS_SYNONYMS: Mapping[str, Status] = {
    **dict.fromkeys(("SUCCESS", "SUCCEEDED", "SUCCESSFUL", "PASS", "PASSED", "DONE", "DEBUG", "TRACE"), Status.OK),
    **dict.fromkeys(("INFORMATION", "NOTICE"), Status.INFO),
    **dict.fromkeys(("WARN", "WARNINGS", "PARTIAL"), Status.WARNING),
    **dict.fromkeys(
        ("ERR", "ERRORS", "FAIL", "FAILED", "FAILURE", "FATAL", "CRITICAL", "SEVERE", "EXCEPTION"), Status.ERROR
    ),
}

PROGRESS_SYNONYMS: Mapping[str, Progress] = {
    **dict.fromkeys(("QUEUED", "SCHEDULED", "CREATED", "WAITING"), Progress.PENDING),
    **dict.fromkeys(("STARTED", "IN_PROGRESS", "ACTIVE"), Progress.RUNNING),
    **dict.fromkeys(("ABORTION PENDING", "CANCELLING", "CANCELING", "STOPPING"), Progress.ABORTION_PENDING),
    **dict.fromkeys(("CANCELLED", "CANCELED", "STOPPED"), Progress.ABORTED),
    **dict.fromkeys(("COMPLETE", "COMPLETED", "DONE", "SUCCEEDED", "SUCCESS", "FAILED"), Progress.FINISHED),
}


def parse_operation(text: str) -> tuple[Operation, bool]:
    """The operation a sender's word means, and whether the word was a synonym. ValueError for an unknown word."""
    return _parse(text, Operation, OPERATION_SYNONYMS)


def parse_status(text: str) -> tuple[Status, bool]:
    """The status a sender's word means, and whether the word was a synonym. ValueError for an unknown word."""
    return _parse(text, Status, STATUS_SYNONYMS)


def parse_progress(text: str) -> tuple[Progress, bool]:
    """The progress a sender's word means, and whether the word was a synonym. ValueError for an unknown word."""
    return _parse(text, Progress, PROGRESS_SYNONYMS)


def _parse(text: str, words: type[Word], synonyms: Mapping[str, Word]) -> tuple[Word, bool]:
    spelled = text.strip().upper()
    if spelled in words.__members__:
        return words[spelled], False
    if spelled in synonyms:
        return synonyms[spelled], True
    shown = text if len(text) <= 60 else text[:60] + "…"
    raise ValueError(f"{shown!r} is none of {', '.join(words)}, nor a known synonym")
