"""Logs of ``rclone sync``, ``copy``, ``move``, ``check`` and ``bisync``: a run per process, an action per record.

One file may hold many processes, since rclone appends. A new one begins with its "Version … starting" line, with the
notice about a missing config file, or behind the line that ended the one before. Actions of a run are known only at
its end, because rclone tries again; so a run is held as one state a record until then.
"""

import hashlib
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, tzinfo
from typing import IO, Any

import pyarrow as pa

from ingest.action import Operation, Status
from ingest.formats import LINE_LIMIT, RAW_LIMIT, RawBlock, Reject
from ingest.formats.columns import BLOCK_ROWS
from ingest.protocols.rclone_lines import FAILURE_LEVELS, NOTICE_LEVELS, Line, parse_line, zone_of
from ingest.protocols.rclone_records import Records, RecordState
from ingest.run_state import EventKind, RunEvent
from ingest.timestamps import INSTANT

INTEGRATION = "rclone"

_VERSION = re.compile(r'Version "([^"]*)" starting with parameters \[(.*)\]', re.DOTALL)
_PARAMETER = re.compile(r'"(?:[^"\\]|\\.)*+"')
_CONNECTION_OPTION = re.compile(r""",[\w.-]+(=("[^"]*"|'[^']*'|[^,:]*))?(?=[,:])""")
_BISYNC_PATHS = re.compile(r'Synching Path1 "(.*)" with Path2 "(.*)"')
_FAILED = re.compile(r"Failed to (\w+)")
_ATTEMPT = re.compile(r"Attempt (\d+)/\d+ (failed|succeeded)")
_DIFFERENCES = re.compile(r"(\d+) (?:differences? found|errors? while checking|files? missing|hashes could not)")
_STATS_LINE = re.compile(
    r"\s*$|\s*\*|\s*(?:Transferred|Errors|Checks|Deleted|Renamed|Elapsed time|Transferring|Checking|Server Side \w+|Listed"
    r"|Fatal error|Retry error):?"
)
_TROUBLE = re.compile(r"WARNING|abort|fail|error|can't|cannot|could not|unable|refus|not deleting", re.IGNORECASE)


def read_rclone(stream: IO[bytes]) -> Iterator[RawBlock | RunEvent]:
    """Actions and run events of a log. Lines that are no rclone lines are refused, each with its number."""
    run: _Run | None = None
    refused: list[Reject] = []
    ids: set[str] = set()
    zone: tzinfo = UTC
    for number, raw in _numbered_lines(stream):
        text = raw.decode("utf-8", "backslashreplace").strip("\r\n\ufeff\0")
        if len(raw) > LINE_LIMIT:
            refused.append(_reject(number, "line-too-long", f"the line is over {LINE_LIMIT:,} bytes long", text, run))
            continue
        if not text.strip() or (run and run.takes_stats_text(text)):
            continue
        try:
            line = parse_line(text, zone)
        except ValueError as error:
            refused.append(_reject(number, "malformed-line", str(error), text, run))
            continue
        if run is None or run.is_over_before(line):
            if run:
                yield from run.end()
            zone = zone_of(text) or zone
            run = _Run(_run_id(line, text, ids), line, number)
            yield run.started()
        run.take(line, number)
    if run:
        yield from run.end()
    if refused:
        yield RawBlock(refused=refused)


def _numbered_lines(stream: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    """Lines from 1; of an over-long one a little more than LINE_LIMIT bytes."""
    number = 0
    while line := stream.readline(LINE_LIMIT + 2):
        number += 1
        piece = line
        while not piece.endswith(b"\n") and (piece := stream.readline(1 << 20)):
            pass
        yield number, line


def _reject(number: int, code: str, message: str, text: str, run: "_Run | None") -> Reject:
    return Reject(line=number, code=code, message=message, raw=text[:RAW_LIMIT], run_id=run.run_id if run else None)


def _run_id(line: Line, text: str, ids: set[str]) -> str:
    """The same for the same log, another for each run in it."""
    digest = hashlib.sha256(text.encode()).hexdigest()[:8]
    run_id = base = f"rclone-{line.happened_at:%Y%m%dT%H%M%SZ}-{digest}"
    while run_id in ids:
        run_id = f"{base}-{len(ids) + 1}"
    ids.add(run_id)
    return run_id


class _Run:
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
        self._debug_lines = 0
        self._reading_stats = False
        self._config_seen = self._worked = False
        self._process_over = self._closed = self._end_seen = self._aborted = False
        self._failure: str | None = None
        self._made_good = False
        self._learn_parameters(first)

    def is_over_before(self, line: Line) -> bool:
        """Whether this line can only belong to another process."""
        if self._closed or (self._process_over and not _is_failure_of_run(line)):
            return True
        if _VERSION.search(line.message):
            return self._last_line > self._first_line or self._worked
        return _is_config_notice(line) and (self._config_seen or self._worked)

    def takes_stats_text(self, text: str) -> bool:
        """Whether a line without a time goes on with the statistics of a text log."""
        if not self._reading_stats or not _STATS_LINE.match(text):
            return False
        self._last_line += 1
        found = re.match(r"(Errors|Checks|Deleted):\s+(\d+)", text)
        if found:
            self._stats[{"Errors": "errors", "Checks": "checks", "Deleted": "deletes"}[found.group(1)]] = int(
                found.group(2)
            )
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
        if line.stats is not None:
            self._stats = line.stats
            self._end_seen = "transferring" not in line.stats and "checking" not in line.stats

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
            self._command, self._remotes = _command_and_remotes(_parameters(version.group(2)))

    @property
    def _configuration(self) -> str | None:
        return " → ".join(self._remotes) if self._remotes else self._command

    def started(self) -> RunEvent:
        return self._event(EventKind.STARTED, self._started_at, attributes=dict(self._attributes) or None)

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

    def _facts(self) -> dict[str, Any]:  # JSON values
        numbers = ("bytes", "checks", "transfers", "deletes", "renames", "errors")
        facts = {name: self._stats[name] for name in numbers if isinstance(self._stats.get(name), int)}
        elapsed = self._stats.get("elapsedTime")
        attempts = self._records.attempt - bool(self._failure and self._records.attempt > 1)
        return {
            **self._attributes,
            **({"command": self._command} if self._command else {}),
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


def _texts(values: Iterator[str]) -> pa.Array:
    return pa.array(list(values), pa.string())


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


def _parameters(text: str) -> list[str]:
    """The words of a Go list of quoted strings."""
    words: list[str] = []
    for quoted in _PARAMETER.findall(text):
        try:
            words.append(json.loads(quoted))
        except ValueError:
            words.append(quoted[1:-1])
    return words


def _command_and_remotes(parameters: list[str]) -> tuple[str | None, tuple[str, ...]]:
    """What was asked of rclone. Remotes are looked for directly behind the command: a flag's value looks like one."""
    words = parameters[1:]
    while words and words[0].startswith("-"):
        words = words[1:]
    command = words[0] if words else None
    remotes: list[str] = []
    for word in words[1:]:
        if word.startswith("-"):
            if remotes or not re.fullmatch(r"-[vnPi]+|--[\w-]+=.*|--(?:dry-run|progress|use-json-log|verbose)", word):
                break
            continue
        remotes.append(_CONNECTION_OPTION.sub("", word))  # options of a remote may hold its password
    return command, tuple(remotes[:2]) if len(remotes) >= 2 else ()
