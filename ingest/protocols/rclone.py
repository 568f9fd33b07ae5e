"""Logs of ``rclone sync``, ``copy``, ``move``, ``check`` and ``bisync``: a run per process, an action per record.

One file may hold many processes, since rclone appends. A new one begins with its "Version … starting" line, with the
notice about a missing config file, or behind the line that ended the one before. Actions of a run are known only at
its end, because rclone tries again; so a run is held as one state a record until then.
"""

import hashlib
from collections.abc import Iterator
from datetime import UTC, tzinfo
from typing import IO

from ingest.formats import LINE_LIMIT, RAW_LIMIT, RawBlock, Reject
from ingest.formats.spool import buffered
from ingest.protocols.rclone_lines import Line, parse_line, zone_of
from ingest.protocols.rclone_run import RcloneRun
from ingest.run_state import RunEvent

_REFUSED_AT_ONCE = 10_000


def read_rclone(stream: IO[bytes]) -> Iterator[RawBlock | RunEvent]:
    """Actions and run events of a log. Lines that are no rclone lines are refused, each with its number."""
    run: RcloneRun | None = None
    refused: list[Reject] = []
    ids: set[str] = set()
    zone: tzinfo = UTC
    for number, raw in _numbered_lines(stream):
        if len(refused) >= _REFUSED_AT_ONCE:
            yield RawBlock(refused=refused)
            refused = []
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
            run = RcloneRun(_run_id(line, text, ids), line, number)
            yield run.started()
        run.take(line, number)
    if run:
        yield from run.end()
    if refused:
        yield RawBlock(refused=refused)


def _numbered_lines(stream: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    """Lines from 1; of an over-long one a little more than LINE_LIMIT bytes."""
    source = buffered(stream)
    number = 0
    while line := source.readline(LINE_LIMIT + 2):
        number += 1
        piece = line
        while not piece.endswith(b"\n") and (piece := source.readline(1 << 20)):
            pass
        yield number, line


def _reject(number: int, code: str, message: str, text: str, run: RcloneRun | None) -> Reject:
    return Reject(line=number, code=code, message=message, raw=text[:RAW_LIMIT], run_id=run.run_id if run else None)


def _run_id(line: Line, text: str, ids: set[str]) -> str:
    """The same for the same log, another for each run in it."""
    digest = hashlib.sha256(text.encode()).hexdigest()[:8]
    run_id = base = f"rclone-{line.happened_at:%Y%m%dT%H%M%SZ}-{digest}"
    while run_id in ids:
        run_id = f"{base}-{len(ids) + 1}"
    ids.add(run_id)
    return run_id
