"""Text of any common encoding as UTF-8.

A byte order mark decides. Without one a file is UTF-8 unless it has more bytes that are not UTF-8 than characters that
needed it; then the whole file is Windows-1252, as spreadsheets write it. No line is read differently from the next.
"""

import codecs
import io
from typing import BinaryIO, cast

from ingest.errors import InvalidInput

_CHUNK = 1 << 20
_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark it starts with
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


def as_utf8(file: BinaryIO) -> tuple[BinaryIO, str]:
    """A seekable file as a stream of UTF-8 without byte order mark, and its encoding. Raises InvalidInput."""
    file.seek(0)
    head = file.read(4)
    mark, encoding = next((pair for pair in _BYTE_ORDER_MARKS if head.startswith(pair[0])), (b"", ""))
    if not mark:
        encoding = _guess_encoding(file)
    file.seek(len(mark))
    if encoding == "utf-8":
        return file, encoding
    return cast(BinaryIO, io.BufferedReader(_Recoded(file, encoding), _CHUNK)), encoding


def _guess_encoding(file: BinaryIO) -> str:
    strange, characters = 0, 0
    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    file.seek(0)
    while chunk := file.read(_CHUNK):
        if b"\0" in chunk:
            hint = "UTF-16 needs its byte order mark" if chunk.count(b"\0") * 3 > len(chunk) else None
            raise InvalidInput("this is no text: it has zero bytes", hint=hint)
        if not chunk.isascii():
            text = decoder.decode(chunk)
            here = sum("\udc80" <= character <= "\udcff" for character in text if character > "\x7f")
            strange += here
            characters += sum(character > "\x7f" for character in text) - here
    return "utf-8" if strange <= characters else "cp1252"


class _Recoded(io.RawIOBase):
    """A file in another encoding as UTF-8 bytes."""

    def __init__(self, file: BinaryIO, encoding: str) -> None:
        self._file = file
        self._encoding = encoding
        self._decoder = codecs.getincrementaldecoder(encoding)("strict")
        self._held = memoryview(b"")
        self._ended = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]  # typeshed wants the abstract Buffer
        while not self._held and not self._ended:
            data = self._file.read(_CHUNK)
            self._ended = not data
            self._held = memoryview(self._decode(data).encode("utf-8"))
        size = min(len(buffer), len(self._held))
        buffer[:size] = self._held[:size]
        self._held = self._held[size:]
        return size

    def _decode(self, data: bytes) -> str:
        try:
            return self._decoder.decode(data, final=self._ended)
        except UnicodeDecodeError as error:
            raise InvalidInput(
                f"the text is neither UTF-8 nor {self._encoding}: {error.reason} before byte {self._file.tell()}",
                hint="save it as UTF-8",
            ) from error
