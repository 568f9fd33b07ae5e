"""Lines of an rclone log, JSON (``--use-json-log``) or text. Both occur in one file: a fatal error is always text."""

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Any

from ingest.text_faults import cleaned

FAILURE_LEVELS = frozenset(("error", "critical", "alert", "emergency", "fatal"))
NOTICE_LEVELS = frozenset(("warning", "notice"))  # rclone up to 1.6x calls a notice "warning" in JSON

_TEXT = re.compile(
    r"(\d{4})/(\d\d)/(\d\d) (\d\d:\d\d:\d\d(?:\.\d+)?) "
    r"(?:(DEBUG|INFO|NOTICE|WARNING|ERROR|CRITICAL|ALERT|EMERGENCY|FATAL)\s*:\s?)?(.*)",
    re.DOTALL,
)
_ABOUT_OBJECT = re.compile(
    r"(.+?): ((?:Failed to (?!sync|check|bisync|create file system)|Couldn't |Copied \(|Multi-thread Copied |Moved |"
    r"Renamed from |Deleted$|Updated |Set directory |Making directory|Made directory|Removing directory|"
    r"Unchanged skipping|Destination |Skipped .* as --dry-run|Not .* as --dry-run|OK$|file not in |"
    r"(?:Sizes|sizes|Modification times|\w+) differ|corrupted on transfer|Source and destination |Can't |Duplicate |"
    r"\w+ = [0-9a-f]+ OK|Received error: |Size and modification time the same|error reading |error listing).*)",
    re.DOTALL,
)
_SUBSYSTEMS = frozenset(("rclone", "pacer", "fs cache", "vfs cache", "token", "config", "logger"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What one line says. ``record`` is the path of the object it is about, None when it is about the run."""

    happened_at: datetime
    level: str | None  # None for the text of a fatal error, which has no level
    message: str
    record: str | None = None
    skipped: str | None = None
    size: int | None = None
    stats: dict[str, Any] | None = None  # rclone's own object
    source: str = ""


def parse_line(text: str, zone: tzinfo) -> Line:
    """A line of either kind; ``zone`` is that of text lines. ValueError says what is wrong with it."""
    if text.startswith("{"):
        return _parse_json(text)
    found = _TEXT.match(cleaned(text))
    if not found:
        raise ValueError("neither a JSON line nor a text line of rclone")
    year, month, day, clock, level, message = found.groups()
    happened_at = datetime.fromisoformat(f"{year}-{month}-{day}T{clock}").replace(tzinfo=zone).astimezone(UTC)
    about = _ABOUT_OBJECT.match(message) if level else None
    return Line(
        happened_at=happened_at,
        level=level.lower() if level else None,
        message=about.group(2) if about else message,
        record=about.group(1) if about and about.group(1) not in _SUBSYSTEMS else None,
    )


def zone_of(text: str) -> tzinfo | None:
    """The zone a JSON line's time is given in, which text lines of the same process share without saying so."""
    try:
        return datetime.fromisoformat(json.loads(text)["time"]).tzinfo
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def _parse_json(text: str) -> Line:
    try:
        value = json.loads(text)
        message, moment = value["msg"], value["time"]
    except (ValueError, RecursionError) as error:
        raise ValueError(f"not JSON: {error}") from None
    except (KeyError, TypeError) as error:
        raise ValueError(f"an rclone line has {error}, this one has not") from None
    if not isinstance(message, str) or not isinstance(moment, str):
        raise ValueError("msg and time of an rclone line are text")
    stats = value.get("stats")
    size = value.get("size")
    return Line(
        happened_at=_utc(moment),
        level=str(value.get("level", "info")).lower(),
        message=cleaned(message),
        record=_record(value),
        skipped=_text(value.get("skipped")),
        size=size if isinstance(size, int) and 0 <= size < 2**63 else None,
        stats=stats if isinstance(stats, dict) else None,
        source=_text(value.get("source")) or "",
    )


def _utc(moment: str) -> datetime:
    parsed = datetime.fromisoformat(moment)
    try:
        return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)
    except OverflowError:
        raise ValueError(f"{moment!r} lies outside the years 1 to 9999") from None


def _record(value: dict[str, Any]) -> str | None:
    """The path, where the object of a line is a record and no file system or part of rclone."""
    record = _text(value.get("object"))
    kind = str(value.get("objectType", ""))
    if not record or kind.endswith(".Fs") or (kind == "string" and record in _SUBSYSTEMS):
        return None
    return record


def _text(value: object) -> str | None:
    return cleaned(value) if isinstance(value, str) else None
