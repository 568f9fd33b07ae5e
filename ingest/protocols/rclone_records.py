"""What became of each record of an rclone run: one action a record, however often rclone tried.

rclone tries a whole run again when anything failed. So a failure seen in two attempts is one failure, a record that was
copied and is found unchanged afterwards was copied, and a failure that was made good is kept beside the success.
"""

import re
from dataclasses import dataclass, field
from datetime import datetime

from ingest.action import Operation, Status
from ingest.protocols.rclone_lines import FAILURE_LEVELS, NOTICE_LEVELS, Line

_SUCCESS = {
    "Unchanged skipping": Operation.NONE,
    "OK": Operation.NONE,
    "Destination exists, skipping": Operation.NONE,
    "Destination is newer than source, skipping": Operation.NONE,
    "Copied (new)": Operation.CREATE,
    "Copied (replaced existing)": Operation.UPDATE,
    "Updated modification time in destination": Operation.UPDATE,
    "Deleted": Operation.DELETE,
    "Removing directory": Operation.DELETE,
    "Moved into backup dir": Operation.DELETE,
    "Making directory": Operation.CREATE,
}
_SUCCESS_STARTS = (
    ("Updated ", Operation.UPDATE),
    ("Set directory ", Operation.UPDATE),
    ("Made directory", Operation.CREATE),
)
_COPIED = re.compile(r"(Multi-thread )?Copied \((?P<how>.*?)\)")
_MOVED_TO = re.compile(r"Moved \(.*?\) to: (.+)", re.DOTALL)
_RENAMED_FROM = re.compile(r'Renamed from "(.+)"', re.DOTALL)
_DRY_RUN = re.compile(r"(?:Skipped|Not) (.+?) as --dry-run is set")
_DIFFERENCE = re.compile(r"(?:Sizes|Modification times|\w+) differ|\w+ = \w+ .*differ", re.IGNORECASE)
_CHECKED = re.compile(r"file not in |(?:sizes|contents|\w+) differ$")
_DELETION = re.compile(r"(?:Couldn't|Failed to) (?:delete|remove|rmdir)", re.IGNORECASE)
_HASH = re.compile(r"(\w+) = ([0-9a-f]+) OK")
_RETRY = re.compile(r"low level retry (\d+)/")

Detail = str | int | bool


@dataclass(slots=True, kw_only=True)
class RecordState:
    """What is known of one record so far; ``operation`` is None until something was done about it."""

    record: str
    target: str
    line: int = 0
    happened_at: datetime | None = None
    operation: Operation | None = None
    status: Status = Status.OK
    message: str = ""
    failed_in: int = 0
    differs: bool = False
    details: dict[str, Detail] = field(default_factory=dict)


class Records:
    """The records of one run, in the order they were first heard of."""

    def __init__(self) -> None:
        self._states: dict[tuple[str, str, bool], RecordState] = {}
        self.attempt = 1
        self.dry_run = False

    def done(self) -> list[RecordState]:
        """Those something was done about, in the order of their lines."""
        return sorted((state for state in self._states.values() if state.operation), key=lambda state: state.line)

    def take(self, record: str, line: Line, number: int) -> bool:
        """Learn from a line about a record; whether it told of something done."""
        moved = _MOVED_TO.match(line.message)
        renamed = _RENAMED_FROM.match(line.message)
        if moved or renamed:
            source, target = (record, moved.group(1)) if moved else (renamed.group(1) if renamed else "", record)
            self._succeed(self._state(source, target), Operation.UPDATE, line, number)
            return True
        return self._take_outcome(self._state(record, record), line, number)

    def _take_outcome(self, state: RecordState, line: Line, number: int) -> bool:
        wanted = line.skipped or _group(_DRY_RUN, line.message)
        if wanted:
            self.dry_run = True
            state.details |= {"wanted": wanted} | ({"size": line.size} if line.size is not None else {})
            self._set(state, Operation.NONE, Status.INFO, line, number)
            return True
        if line.level in FAILURE_LEVELS:
            self._fail(state, line, number)
            return True
        operation = _operation_of(line.message, differs=state.differs)
        if operation is not None:
            self._succeed(state, operation, line, number)
            return True
        if line.level in NOTICE_LEVELS:
            self._warn(state, line, number)
            return True
        self._take_chatter(state, line.message)
        return False

    def _state(self, record: str, target: str, *, deletion: bool = False) -> RecordState:
        key = (record, target, deletion)
        state = self._states.get(key)
        if state is None:
            state = self._states[key] = RecordState(record=record, target=target)
        return state

    def _succeed(self, state: RecordState, operation: Operation, line: Line, number: int) -> None:
        had = state.operation
        if had is not None and state.status != Status.ERROR:
            if operation == Operation.NONE:
                return
            if operation == Operation.DELETE and line.message == "Deleted":
                state.details["source_deleted"] = True  # rclone move: it deletes what it has copied
                return
            if had == Operation.CREATE and operation in (Operation.CREATE, Operation.UPDATE):
                into_backup = state.message.startswith("Moved (")
                operation = Operation.UPDATE if into_backup else Operation.CREATE
        if state.status == Status.ERROR:
            state.details["earlier_failure"] = state.message
            state.details["attempts"] = self.attempt
        warned = had is not None and state.status == Status.WARNING
        self._set(state, operation, Status.WARNING if warned else Status.OK, line, number)

    def _fail(self, state: RecordState, line: Line, number: int) -> None:
        operation = Operation.UPDATE if state.differs else Operation.CREATE
        if _CHECKED.match(line.message):
            operation = Operation.NONE
        elif _DELETION.match(line.message):
            operation = Operation.DELETE
            if state.operation is not None and state.operation != Operation.DELETE and state.status == Status.OK:
                state = self._state(state.record, state.target, deletion=True)
        if state.status == Status.ERROR and state.failed_in != self.attempt:
            tried = state.details.get("attempts", 1)
            state.details["attempts"] = int(tried) + 1
        state.failed_in = self.attempt
        self._set(state, operation, Status.ERROR, line, number)

    def _warn(self, state: RecordState, line: Line, number: int) -> None:
        state.details["warning"] = line.message
        if state.operation is None:
            self._set(state, Operation.NONE, Status.WARNING, line, number)
        elif state.status != Status.ERROR:
            state.status = Status.WARNING

    def _set(self, state: RecordState, operation: Operation, status: Status, line: Line, number: int) -> None:
        state.operation = operation
        state.status = status
        state.message = line.message
        state.happened_at = line.happened_at
        state.line = number

    def _take_chatter(self, state: RecordState, message: str) -> None:
        hashed = _HASH.match(message)
        if hashed:
            state.details[hashed.group(1)] = hashed.group(2)
        elif _DIFFERENCE.match(message):
            state.differs = True
        elif retry := _group(_RETRY, message):
            state.details["low_level_retries"] = int(retry)


def _operation_of(message: str, *, differs: bool) -> Operation | None:
    """What a message says was done, None for mere talk."""
    operation = _SUCCESS.get(message)
    if operation is not None:
        return operation
    copied = _COPIED.match(message)
    if copied:
        replaced = "replaced" in copied.group("how") or (differs and "new" not in copied.group("how"))
        return Operation.UPDATE if replaced else Operation.CREATE
    if message.startswith("Moved ("):
        return Operation.CREATE
    return next((done for start, done in _SUCCESS_STARTS if message.startswith(start)), None)


def _group(pattern: re.Pattern[str], text: str) -> str | None:
    found = pattern.search(text)
    return found.group(1) if found else None
