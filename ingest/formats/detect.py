"""Which input a body is, by its first bytes; by its name only where they leave it open."""

import json
import re

from ingest.errors import UnsupportedContent
from ingest.formats.csv_header import sniff_delimiter
from ingest.mapping import guess_columns

HEAD_BYTES = 1 << 16
"""So much of a body is enough to tell."""

_BINARY_MAGIC = ((b"PAR1", "parquet"), (b"ARROW1", "arrow"), (b"\xff\xff\xff\xff", "arrow"))
_HINTS = (
    (b"FEA1", "Feather version 1", "write it as Feather version 2, Arrow or Parquet"),
    (b"PARE", "an encrypted Parquet file", "write it without encryption"),
    (b"PK\x03\x04", "a zip archive or a workbook", "unpack it; save a workbook as CSV"),
    (b"\xd0\xcf\x11\xe0", "an old workbook", "save it as CSV"),
    (b"\x1f\x8b", "gzip inside what was unpacked already", "pack it once only"),
    (b"\x28\xb5\x2f\xfd", "zstd inside what was unpacked already", "pack it once only"),
    (b"BZh", "bzip2", "use gzip or zstd"),
    (b"\xfd7zXZ", "xz", "use gzip or zstd"),
    (b"SQLite format 3", "an SQLite database", "write its rows as CSV, NDJSON or Parquet"),
    (b"Obj\x01", "Avro", "write it as NDJSON or Parquet"),
    (b"ORC", "ORC", "write it as Parquet"),
    (b"%PDF", "a PDF", "send the data it was made from"),
    (b"<", "XML or HTML", "write it as CSV, NDJSON or Parquet"),
)
_TEXT_MARKS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
_SUFFIXES = {
    ".ndjson": "ndjson",
    ".jsonl": "ndjson",
    ".json": "json",
    ".csv": "csv",
    ".tsv": "csv",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".arrow": "arrow",
    ".arrows": "arrow",
    ".feather": "arrow",
    ".ipc": "arrow",
}
_RCLONE_TEXT = re.compile(r"\d{4}/\d\d/\d\d \d\d:\d\d:\d\d(\.\d+)? ((DEBUG|INFO|NOTICE|ERROR|CRITICAL) *: |Failed to )")
_RCLONE_SOURCE = re.compile(r"[\w-]+/[\w-]+\.go:\d+$")
_LONGEST_NAME = 60
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]")


def detect_input(head: bytes, name: str | None = None) -> str:
    """The input name of a body that starts like this, unpacked. Raises UnsupportedContent with a hint."""
    by_name = _by_name(name)
    for magic, found in _BINARY_MAGIC:
        if head.startswith(magic):
            return found
    for magic, kind, hint in _HINTS:
        if head.lstrip().startswith(magic):
            raise UnsupportedContent(f"this is {kind}, which nobody here reads", hint=hint)
    text = _text_of(head)
    if not text.strip():
        if by_name:
            return by_name
        raise UnsupportedContent("the body is empty, so its format cannot be told", hint="name it with --input")
    found_in_text = None if _CONTROL.search(text) else _by_text(text, by_name)
    if found_in_text is None:
        raise UnsupportedContent(
            "the format cannot be told from the first bytes" + (f" of {name}" if name else ""),
            hint="name it with --input: ndjson, json, csv, parquet, arrow or a protocol such as rclone",
        )
    return found_in_text


def _by_name(name: str | None) -> str | None:
    """What the last suffix says, the one of packing left aside."""
    bare = re.sub(r"\.(gz|zst|zstd)$", "", (name or "").lower())
    return next((found for suffix, found in _SUFFIXES.items() if bare.endswith(suffix)), None)


def _text_of(head: bytes) -> str:
    for mark, encoding in _TEXT_MARKS:
        if head.startswith(mark):
            return head[len(mark) :].decode(encoding, "replace")
    return head.decode("utf-8", "replace")


def _by_text(text: str, by_name: str | None) -> str | None:
    text = text.lstrip()
    first, line_ended, _ = text.partition("\n")
    if _RCLONE_TEXT.match(first):
        return "rclone"
    if first.startswith("["):
        return "json"
    if first.startswith("{"):
        return _json_kind(first, whole=bool(line_ended) or len(text) < HEAD_BYTES // 4)
    if by_name in ("csv", "ndjson", "json"):
        return by_name
    return "csv" if _is_csv_header(first.rstrip()) else None


def _is_csv_header(line: str) -> bool:
    """Whether a line names columns, some of which we know: prose has commas too."""
    delimiter = sniff_delimiter(line)
    names = [name.strip('" ') for name in line.split(delimiter)]
    return delimiter in line and max(map(len, names)) <= _LONGEST_NAME and bool(guess_columns(names, {}))


def _json_kind(line: str, *, whole: bool) -> str:
    """Objects one a line, of rclone or of anybody; or one object over many lines, or several on one."""
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        several = isinstance(error, json.JSONDecodeError) and error.msg == "Extra data"
        cut_off = not whole
        return "json" if several or not (cut_off or _looks_like_lines(line)) else "ndjson"
    return "rclone" if _is_rclone(value) else "ndjson"


def _looks_like_lines(line: str) -> bool:
    """Whether a broken first line is still one of many: it closes what it opens."""
    return line.rstrip().endswith("}") and len(line) > 2


def _is_rclone(value: object) -> bool:
    return (
        isinstance(value, dict)
        and {"level", "msg", "time"} <= value.keys()
        and isinstance(source := value.get("source"), str)
        and bool(_RCLONE_SOURCE.match(source))
    )
