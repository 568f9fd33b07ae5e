"""One process of rclone: what was read of it, and what that says at its end."""

import re
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa

from ingest.action import Operation, Status
from ingest.formats import RawBlock
from ingest.formats.columns import BLOCK_ROWS
from ingest.protocols.rclone_lines import FAILURE_LEVELS, NOTICE_LEVELS, Line
from ingest.protocols.rclone_parameters import command_and_remotes
from ingest.protocols.rclone_records import Records, RecordState
from ingest.run_state import EventKind, RunEvent
from ingest.timestamps import INSTANT

INTEGRATION = "rclone"
SILENCE = timedelta(seconds=90)
"""A living rclone gives its statistics every minute, so complete ones followed by a longer silence were its last."""

_VERSION = re.compile(r'Version "([^"]*)" starting with parameters \[(.*)\]', re.DOTALL)
_BISYNC_PATHS = re.compile(r'Synching Path1 "(.*)" with Path2 "(.*)"')
_FAILED = re.compile(r"Failed to (\w+)")
_ATTEMPT = re.compile(r"Attempt (\d+)/\d+ (failed|succeeded)")
_DIFFERENCES = re.compile(r"(\d+) (?:differences? found|errors? while checking|files? missing|hashes could not)")
_STATS_LINE = re.compile(
    r"\s*$|\s*\*|\s*(?:Transferred|Errors|Checks|Deleted|Renamed|Elapsed time|Transferring|Checking|Server Side \w+"
    r"|Listed|Fatal error|Retry error):?"
)
_STATS_NUMBER = re.compile(r"(Errors|Checks|Deleted):\s+(\d+)")
_STATS_NAMES = {"Errors": "errors", "Checks": "checks", "Deleted": "deletes"}
_SUMS = (("transfers", "totalTransfers"), ("checks", "totalChecks"))
_TROUBLE = re.compile(r"WARNING|abort|fail|error|can't|cannot|could not|unable|refus|not deleting", re.IGNORECASE)


class RcloneRun:
    """One process of rclone, as far as its lines were read."""

    def __init__(self, run_id: str, first: Line, number: int) -> None:
        self.run_id = run_id
        self._started_at = self._heard_at = first.happened_at
        self._first_line = number
        self._last_line = number
        self._records = Records()
        self._messages: list[tuple[datetime, Status, str]] = []
        self._attributes: dict[str, Any] = {}  # facts of the run, JSON values
        self._stats: dict[str, Any] = {}  # rclone's own object
        self._command: str | None = None
        self._remotes: tuple[str, ...] = ()
        self._stats_at: datetime | None = None
        self._debug_lines = 0
        self._reading_stats = False
        self._config_seen = self._worked = False
        self._process_over = self._closed = self._end_seen = self._aborted = False
        self._failure: str | None = None
        self._made_good = False
        self._learn_parameters(first)

    def is_over_before(self, line: Line) -> bool:
        """Whether this line can only belong to another process."""
        if self._closed:
            return True
        if _is_failure_of_run(line):
            return False
        if self._process_over:
            return True
        if self._end_seen and self._stats_at and line.happened_at - self._stats_at > SILENCE:
            return True
        if line.level in ("debug", "info") and _VERSION.search(line.message):
            return self._last_line > self._first_line or self._worked
        return _is_config_notice(line) and (self._config_seen or self._worked)

    def takes_stats_text(self, text: str) -> bool:
        """Whether a line without a time goes on with the statistics of a text log."""
        if not self._reading_stats or not _STATS_LINE.match(text):
            return False
        self._last_line += 1
        found = _STATS_NUMBER.match(text)
        if found:
            self._stats[_STATS_NAMES[found.group(1)]] = int(found.group(2))
        self._end_seen = self._end_seen or text.startswith("Elapsed time")
        self._end_seen = self._end_seen and not text.startswith("Transferring")
        return True

    def take(self, line: Line, number: int) -> None:
        self._last_line = number
        self._heard_at = max(self._heard_at, line.happened_at)
        self._debug_lines += line.level == "debug"
        self._reading_stats = False
        if line.record is not None:
            if self._records.take(line.record, line, number):
                self._worked = True
                self._end_seen = False
        elif line.stats is not None or line.message.lstrip().startswith("Transferred:") or not line.message.strip():
            self._take_stats(line)
        else:
            self._take_run_line(line)

    def _take_stats(self, line: Line) -> None:
        self._reading_stats = line.stats is None
        self._worked = True
        self._stats_at = line.happened_at
        if line.stats is not None:
            self._stats = line.stats
            self._end_seen = _is_complete(line.stats)

    def _take_run_line(self, line: Line) -> None:
        message = line.message.strip()
        self._learn_parameters(line)
        self._config_seen = self._config_seen or _is_config_notice(line)
        if line.level == "debug":
            self._process_over = self._process_over or message.endswith("go routines active")
            self._end_seen = self._end_seen or self._process_over
            return
        status = self._status_of(line, message)
        attempt = _ATTEMPT.match(message)
        if attempt:
            self._made_good = attempt.group(2) == "succeeded"
            status = Status.OK if self._made_good else status
            self._records.attempt = int(attempt.group(1)) + (not self._made_good)
        if _is_failure_of_run(line):
            self._failure = message
            self._closed = self._end_seen = True
            self._command = self._command or _word_after_failed(message)
            return
        self._aborted = self._aborted or message.startswith("Signal received")
        if message.startswith("Bisync ") or "differences found" in message or "difference found" in message:
            self._end_seen = True
        self._messages.append((line.happened_at, status, message))

    def _status_of(self, line: Line, message: str) -> Status:
        if line.level in FAILURE_LEVELS:
            return Status.ERROR
        differences = _DIFFERENCES.match(message)
        if differences:
            return Status.WARNING if int(differences.group(1)) else Status.OK
        real_warning = line.level == "warning" and line.source.startswith("slog/")
        if line.level in NOTICE_LEVELS and (real_warning or (_TROUBLE.search(message) and not _is_config_notice(line))):
            return Status.WARNING
        return Status.OK

    def _learn_parameters(self, line: Line) -> None:
        paths = _BISYNC_PATHS.match(line.message)
        if paths:
            self._command = "bisync"
            self._remotes = self._remotes or paths.groups()
        version = _VERSION.search(line.message)
        if version:
            self._attributes["rclone_version"] = version.group(1)
            self._command, self._remotes = command_and_remotes(version.group(2))

    @property
    def _configuration(self) -> str | None:
        return " → ".join(self._remotes) if self._remotes else self._command

    def started(self) -> RunEvent:
        return self._event(EventKind.STARTED, self._started_at, attributes=self._asked() or None)

    def end(self) -> Iterator[RawBlock | RunEvent]:
        """Everything held back, and the end if there was one."""
        for happened_at, status, message in self._messages:
            calmed = Status.WARNING if status == Status.ERROR and self._made_good else status
            yield self._event(EventKind.MESSAGE, happened_at, status=calmed, message=message)
        states = self._records.done()
        for start in range(0, len(states), BLOCK_ROWS):
            yield self._block(states[start : start + BLOCK_ROWS])
        if not self._end_seen and not self._aborted:
            yield self._event(EventKind.HEARTBEAT, self._heard_at, attributes=self._facts())
            return
        yield self._event(
            EventKind.ABORTED if self._aborted else EventKind.FINISHED,
            self._heard_at,
            status=Status.ERROR if self._failure or self._failed_by_stats() else Status.OK,
            message=self._failure,
            claimed=self._claimed(),
            attributes=self._facts(),
        )

    def _event(self, kind: EventKind, happened_at: datetime, **said: Any) -> RunEvent:  # fields of RunEvent
        return RunEvent(
            run_id=self.run_id,
            kind=kind,
            happened_at=happened_at,
            integration=INTEGRATION,
            configuration=self._configuration,
            **said,
        )

    def _failed_by_stats(self) -> bool:
        return bool(self._stats.get("fatalError") or self._stats.get("errors")) and not self._made_good

    def _claimed(self) -> dict[str, int] | None:
        """rclone's own sums, where they count what we count."""
        if self._records.dry_run or self._command in ("check", "bisync"):
            return None
        sums = {name: self._stats.get(name) for name in ("deletes", "errors")}
        return {name: value for name, value in sums.items() if isinstance(value, int)} or None

    def _asked(self) -> dict[str, Any]:  # JSON values
        return {**self._attributes, **({"command": self._command} if self._command else {})}

    def _facts(self) -> dict[str, Any]:  # JSON values
        numbers = ("bytes", "checks", "transfers", "deletes", "renames", "errors")
        facts = {name: self._stats[name] for name in numbers if isinstance(self._stats.get(name), int)}
        elapsed = self._stats.get("elapsedTime")
        attempts = self._records.attempt - bool(self._failure and self._records.attempt > 1)
        return {
            **self._asked(),
            **({"dry_run": True} if self._records.dry_run else {}),
            **({"attempts": attempts} if attempts > 1 else {}),
            **facts,
            **({"elapsed_seconds": elapsed} if isinstance(elapsed, int | float) else {}),
            "lines_read": self._last_line - self._first_line + 1,
            "debug_lines": self._debug_lines,
        }

    def _block(self, states: list[RecordState]) -> RawBlock:
        rows = len(states)
        known = len(self._remotes) == 2 and self._command != "bisync"
        source, target = self._remotes if known else (None, None)
        columns = {
            "run_id": pa.repeat(self.run_id, rows),
            "integration": pa.repeat(INTEGRATION, rows),
            "configuration": pa.repeat(pa.scalar(self._configuration, pa.string()), rows),
            "happened_at": pa.array([state.happened_at for state in states], INSTANT),
            "operation": _texts(state.operation or Operation.NONE for state in states),
            "status": _texts(state.status for state in states),
            "source_type": pa.repeat(pa.scalar(source, pa.string()), rows),
            "source_id": _texts(state.record for state in states),
            "source_name": _texts(_base_name(state.record) for state in states),
            "target_type": pa.repeat(pa.scalar(target, pa.string()), rows),
            "target_id": _texts(state.target for state in states),
            "target_name": _texts(_base_name(state.target) for state in states),
            "message": _texts(state.message for state in states),
        }
        for name in dict.fromkeys(name for state in states for name in state.details):
            columns[name] = pa.array([state.details.get(name) for state in states])
        return RawBlock(table=pa.table(columns), lines=pa.array([state.line for state in states], pa.int64()))


def _texts(values: Iterable[str]) -> pa.Array:
    return pa.array(list(values), pa.string())


def _is_complete(stats: dict[str, Any]) -> bool:
    """Whether nothing is under way any more."""
    if "transferring" in stats or "checking" in stats:
        return False
    return all(stats.get(done) == stats.get(total) for done, total in _SUMS)


def _base_name(path: str) -> str:
    return path.rstrip("/").rpartition("/")[2] or path


def _is_config_notice(line: Line) -> bool:
    return line.message.startswith('Config file "') and "not found" in line.message


def _is_failure_of_run(line: Line) -> bool:
    """The last words of a process; rclone writes them without a level, newer ones as critical."""
    if line.record is not None:
        return False
    return line.level is None or (line.level in FAILURE_LEVELS and bool(_FAILED.match(line.message)))


def _word_after_failed(message: str) -> str | None:
    found = _FAILED.match(message)
    return found.group(1) if found else None
