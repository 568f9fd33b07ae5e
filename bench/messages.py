"""Error and warning messages of real tools' logs, each with the name of its set: what message masks are judged on."""

import gzip
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

TROUBLE = re.compile(
    r"\b(error|warn|warning|critical|fatal|fail|failed|failure|exception|denied|refused|cannot|conflict)\b", re.I
)
_MESSAGE_KEYS = (
    "message",
    "msg",
    "errorMessage",
    "error_message",
    "stack_trace",
    "reason",
    "failures",
    "error",
    "body",
)
_LEVEL_KEYS = ("level", "levelname", "severity", "status", "type", "severityText", "log_level", "event", "eventType")
MOST_BYTES = 50_000_000
_ANSI = re.compile(r"\x1b\[[0-9;]*m")
_STAMP = re.compile(r"^\s*\[?(\d{4}[-/]\d\d[-/]\d\d[T ])?\d\d:\d\d:\d\d([.,]\d+)?(Z|[+-]\d\d:?\d\d)?\]?[\s|:-]*")
_LOGS = (".log", ".txt", ".ndjson", ".jsonl", ".json", ".stderr", ".body", ".gz")


def messages_of(folder: Path) -> Iterator[str]:
    """Those of all files below a folder, one a line or JSON object that tells of trouble."""
    for path in sorted(folder.rglob("*")):
        if path.suffix in _LOGS and ".csv" not in path.suffixes and path.is_file() and path.stat().st_size < MOST_BYTES:
            for line in _text_of(path).splitlines():
                yield from _messages_in(_ANSI.sub("", line))


def _text_of(path: Path) -> str:
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    if b"\0" in data:  # no text
        return ""
    return data.decode("utf-8", "replace")


def _messages_in(line: str) -> Iterator[str]:
    try:
        said = json.loads(line)
    except ValueError:
        said = None
    if isinstance(said, dict):
        yield from _said_in(said)
    elif said is None and TROUBLE.search(line) and not line.lstrip().startswith(("{", '"', "[{")):
        yield _STAMP.sub("", line).strip()


def _said_in(said: Any) -> Iterator[str]:  # whatever JSON holds
    if isinstance(said, list):
        for each in said:
            yield from _said_in(each)
    elif isinstance(said, dict):
        level = " ".join(str(said[key]) for key in _LEVEL_KEYS if isinstance(said.get(key), str))
        for key, value in said.items():
            if key in _MESSAGE_KEYS and isinstance(value, str) and value and TROUBLE.search(f"{level} {value}"):
                yield value
            elif isinstance(value, (dict, list)):
                yield from _said_in(value)
