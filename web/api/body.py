"""A request body as a readable stream and the name of its format.

A body is taken in whole before anything is recorded, so a sender that hangs up half way leaves no trace: in memory as
long as there is room for it, else in a temporary file. The limit holds for what was sent and for what it unpacks to.
"""

import io
import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import IO, BinaryIO, cast

from flask import current_app, request

from ingest.errors import InvalidInput, LakeUnavailable, TooLarge, UnsupportedContent
from ingest.formats.decompress import decompress
from ingest.formats.detect import detect_input
from ingest.inputs import FORMATS, PROTOCOLS
from web.admission import HeldBytes
from web.slow_bodies import MAY_BE_CUT

FORMAT_OF_TYPE = {
    "application/x-ndjson": "ndjson",
    "application/ndjson": "ndjson",
    "application/jsonl": "ndjson",
    "application/x-jsonlines": "ndjson",
    "application/json": "json",
    "text/csv": "csv",
    "application/vnd.apache.parquet": "parquet",
    "application/vnd.apache.arrow.stream": "arrow",
    "application/vnd.apache.arrow.file": "arrow",
}
INPUT_NAMES = (*FORMATS, *PROTOCOLS)
ACCEPTED_TYPES = tuple(FORMAT_OF_TYPE)

# What tools say that do not know what they send: curl --data-binary, a file of unknown kind, a compressed file.
DETECTED_TYPES = frozenset(
    (
        "",
        "application/octet-stream",
        "application/x-www-form-urlencoded",
        "application/gzip",
        "application/x-gzip",
        "application/zstd",
        "text/plain",
    )
)
ENCODINGS = {"gzip": "gzip", "x-gzip": "gzip", "deflate": "deflate", "zstd": "zstd"}
PACKED_STARTS = (b"\x1f\x8b", b"\x28\xb5\x2f\xfd")

IN_MEMORY_BYTES = 32 * 1024 * 1024
PIECE_BYTES = 1024 * 1024
HEAD_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """Decompressed bytes and the input name a recorder reads them by."""

    stream: BinaryIO
    input_name: str


@contextmanager
def open_actions_body(*, max_bytes: int, input_name: str | None) -> Iterator[Body]:
    """The body of this request. ``input_name`` is what the sender says beside the content type, if anything."""
    named = _named_input(input_name) or _input_of_type()
    with _take_in(max_bytes) as sent:
        stream = _unpack(sent, max_bytes)
        if named is None:
            named = _detect(_head_of(stream))
        elif named == "json" and _is_ndjson(_head_of(stream)):
            named = "ndjson"
        yield Body(stream=stream, input_name=named)


def read_small_body(*, max_bytes: int) -> bytes:
    """A body that is one JSON object: its bytes."""
    with _take_in(max_bytes) as sent:
        return _unpack(sent, max_bytes).read()


def _named_input(name: str | None) -> str | None:
    if name is None or name == "auto":
        return None
    if name not in INPUT_NAMES:
        raise InvalidInput(f"unknown input {name!r}", field="input", hint=f"known are: auto, {', '.join(INPUT_NAMES)}")
    return name


def _input_of_type() -> str | None:
    """The format of the content type; None when it says nothing. Raises UnsupportedContent."""
    content_type = request.environ.get("CONTENT_TYPE", "").partition(";")[0].strip().lower()
    if content_type in DETECTED_TYPES:
        return None
    try:
        return FORMAT_OF_TYPE[content_type]
    except KeyError:
        hint = f"accepted are: {', '.join(ACCEPTED_TYPES)}"
        if content_type == "multipart/form-data":
            hint = f"send the file as the body itself (curl --data-binary @file), not as a form; {hint}"
        raise UnsupportedContent(f"actions do not come as {content_type}", field="Content-Type", hint=hint) from None


def _detect(head: bytes) -> str:
    try:
        return detect_input(head, "")
    except UnsupportedContent as error:
        hint = f"say what it is with Content-Type: {', '.join(ACCEPTED_TYPES)}"
        raise UnsupportedContent(error.message, field="Content-Type", hint=hint) from error


@contextmanager
def _take_in(max_bytes: int) -> Iterator[BinaryIO]:
    """The whole body as it was sent, until the block ends."""
    environ = request.environ
    declared = environ.get("CONTENT_LENGTH") or ""
    size = int(declared) if declared.isdigit() else None
    if size is not None and size > max_bytes:
        raise _too_large(max_bytes)
    if size is not None and size <= HEAD_BYTES:
        body = environ["wsgi.input"].read(size)
        _require_whole(len(body), size)
        yield io.BytesIO(body)
        return
    held: HeldBytes = current_app.extensions["held_bytes"]
    with ExitStack() as at_end:
        stream = _spool(request.stream, max_bytes, held, at_end)
        if size is not None:
            _require_whole(stream.tell(), size)
        elif MAY_BE_CUT in environ and environ[MAY_BE_CUT](stream.tell()):
            raise LakeUnavailable(
                "the connection was closed before the end of the body was certain",
                hint="nothing was recorded; send it again, with a Content-Length or without closing first",
            )
        stream.seek(0)
        yield stream


def _spool(source: IO[bytes], max_bytes: int, held: HeldBytes, at_end: ExitStack) -> BinaryIO:
    """All of a source: in memory, or in a file from where it is too large for that or there is no room."""
    stream: BinaryIO = io.BytesIO()
    in_memory = True
    while piece := source.read(PIECE_BYTES):
        taken = stream.tell() + len(piece)
        if taken > max_bytes:
            raise _too_large(max_bytes)
        if in_memory and taken <= IN_MEMORY_BYTES and held.take(len(piece)):
            at_end.callback(held.give_back, len(piece))
        elif in_memory:
            stream, in_memory = _moved_to_file(stream, at_end), False
        stream.write(piece)
    return stream


def _moved_to_file(stream: BinaryIO, at_end: ExitStack) -> BinaryIO:
    file = tempfile.TemporaryFile()  # noqa: SIM115 - closed when the body is done with
    at_end.callback(file.close)
    stream.seek(0)
    shutil.copyfileobj(stream, file, PIECE_BYTES)
    return cast(BinaryIO, file)


def _require_whole(taken: int, size: int) -> None:
    if taken != size:
        raise InvalidInput(f"the body ended after {taken} of {size} bytes", hint="nothing was recorded; send it again")


def _unpack(stream: BinaryIO, max_bytes: int) -> BinaryIO:
    said = request.environ.get("HTTP_CONTENT_ENCODING")
    if said:
        for encoding in reversed(said.lower().split(",")):
            stream = _decode(stream, encoding.strip(), max_bytes)
    if _head_of(stream, 4).startswith(PACKED_STARTS):
        stream = decompress(stream, "auto", max_bytes=max_bytes)
    return stream


def _decode(stream: BinaryIO, encoding: str, max_bytes: int) -> BinaryIO:
    if encoding in ("", "identity"):
        return stream
    if encoding not in ENCODINGS:
        raise UnsupportedContent(
            f"bodies do not come as {encoding}",
            field="Content-Encoding",
            hint="accepted are: gzip, deflate, zstd, identity",
        )
    return decompress(stream, ENCODINGS[encoding], max_bytes=max_bytes)


def _head_of(stream: BinaryIO, size: int = HEAD_BYTES) -> bytes:
    """The first bytes; the stream stays where it is. Unpacked streams can only look ahead, others go back."""
    if isinstance(stream, io.BufferedReader):
        return stream.peek(size)[:size]
    head = stream.read(size)
    stream.seek(0)
    return head


def _is_ndjson(head: bytes) -> bool:
    """Whether a body that claims to be JSON is one object a line: its first line is an object by itself."""
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if not start.startswith(b"{"):
        return False
    try:
        json.loads(start.partition(b"\n")[0])
    except ValueError:
        return False
    return True


def _too_large(max_bytes: int) -> TooLarge:
    return TooLarge(
        f"the body is larger than {max_bytes // (1024 * 1024)} MiB"
        if max_bytes >= 1024 * 1024
        else f"the body is larger than {max_bytes} bytes",
        hint="send it in parts, or raise max_body_bytes",
    )
