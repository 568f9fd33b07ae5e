"""What ``synclog upload`` is pointed at: files, folders, globs and standard input, each as bytes to be read twice."""

import glob
import hashlib
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import BinaryIO, cast

from ingest.formats.decompress import decompress, encoding_of
from ingest.formats.detect import detect_input

STANDARD_INPUT = "-"
PACKED_SUFFIXES = (".gz", ".zst")
HEAD_BYTES = 64 * 1024
PIECE_BYTES = 1024 * 1024
IN_MEMORY_BYTES = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known of a source before it is recorded: how to read it, and which content it is."""

    input_name: str
    content_hash: str


def list_sources(arguments: Iterable[str]) -> list[str]:
    """The files that arguments name. A folder gives all files in it but hidden ones; what is not there stays named."""
    found: dict[str, None] = {}
    for argument in arguments:
        found |= dict.fromkeys(_expand(argument))
    return list(found)


def _expand(argument: str) -> list[str]:
    path = Path(argument)
    if argument == STANDARD_INPUT or path.is_file():
        return [argument]
    if path.is_dir():
        inside = (each for each in sorted(path.rglob("*")) if each.is_file())
        return [str(each) for each in inside if not any(p.startswith(".") for p in each.relative_to(path).parts)]
    matches = sorted(each for each in glob.glob(argument, recursive=True) if Path(each).is_file())
    return matches or [argument]


@contextmanager
def open_source(source: str) -> Iterator[BinaryIO]:
    """The raw bytes, which can be read from the start again; standard input is kept in a temporary file."""
    if source != STANDARD_INPUT:
        with open(source, "rb") as file:
            yield file
        return
    with tempfile.SpooledTemporaryFile(max_size=IN_MEMORY_BYTES) as spool:
        while piece := sys.stdin.buffer.read(PIECE_BYTES):
            spool.write(piece)
        spool.seek(0)
        yield cast(BinaryIO, spool)


def size_of(source: str) -> int | None:
    return None if source == STANDARD_INPUT else Path(source).stat().st_size


def unpacked(raw: BinaryIO) -> BinaryIO:
    """The bytes without their gzip or zstd, from the start."""
    raw.seek(0)
    encoding = encoding_of(raw.read(4))
    raw.seek(0)
    return raw if encoding is None else decompress(raw, encoding)


def look_at(raw: BinaryIO, source: str, said_input: str | None) -> Known:
    """Read a source once. Raises InvalidInput when its kind cannot be told."""
    stream = unpacked(raw)
    content = hashlib.sha256()
    head = stream.read(HEAD_BYTES)
    content.update(head)
    while piece := stream.read(PIECE_BYTES):
        content.update(piece)
    name = "" if source == STANDARD_INPUT else plain_name(source)
    return Known(input_name=said_input or detect_input(head, name), content_hash=content.hexdigest())


def plain_name(source: str) -> str:
    """The file name without what says that it is packed: ``a.ndjson.gz`` is ``a.ndjson``."""
    name = PurePath(source).name
    for suffix in PACKED_SUFFIXES:
        name = name.removesuffix(suffix)
    return name


def run_id_for(source: str, content_hash: str) -> str:
    """The run of a file whose lines name none: the same file has the same run."""
    stem = "stdin" if source == STANDARD_INPUT else PurePath(plain_name(source)).stem
    cleaned = "".join("-" if character in "\\/" or not character.isprintable() else character for character in stem)
    return f"{cleaned[:150]}-{content_hash[:8]}"


def key_for(content_hash: str, said_run_id: str | None) -> str:
    """The idempotency key of a file: the same content is recorded once, unless it is said to be another run."""
    return "upload:" + hashlib.sha256(f"{content_hash} {said_run_id or '-'}".encode()).hexdigest()


class Watched:
    """A stream that says how many bytes were read of it."""

    def __init__(self, stream: BinaryIO, advance: Callable[[int], None]) -> None:
        self._stream = stream
        self._advance = advance

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(size)
        self._advance(len(data))
        return data

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        return self._stream.tell()

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True

    @property
    def closed(self) -> bool:
        return self._stream.closed


def watched(stream: BinaryIO, advance: Callable[[int], None]) -> BinaryIO:
    """The stream, telling ``advance`` of every byte read."""
    return cast(BinaryIO, Watched(stream, advance))
