"""Compressed bodies, unpacked while they are read.

Never more is unpacked than was asked for, so a bomb costs no memory, and its reading ends at the limit.
"""

import io
import zlib
from collections.abc import Callable
from typing import BinaryIO, Protocol, cast

import zstandard

from ingest.errors import InvalidInput, TooLarge, UnsupportedContent

GZIP_MAGIC = b"\x1f\x8b"
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_BUFFER = 1 << 18
_PIECE = 1 << 14
_ZSTD_PIECE = 1 << 10  # a zstd piece unfolds up to 33,000 times and cannot be unpacked in part
_ZSTD_WINDOW_LIMIT = 1 << 27


def decompress(stream: BinaryIO, encoding: str | None, *, max_bytes: int | None = None) -> BinaryIO:
    """The unpacked bytes of a stream; ``auto`` goes by the first bytes. TooLarge beyond ``max_bytes``.

    Raises UnsupportedContent for an encoding nobody knows; reading raises InvalidInput for broken or cut off data.
    """
    source = _Source(stream)
    if encoding == "auto":
        encoding = encoding_of(source.peek(4))
    unpacker: _Unpacker
    if encoding in (None, "", "identity"):
        unpacker = _Plain()
    elif encoding in ("gzip", "x-gzip"):
        unpacker = _Zlib("gzip", lambda: zlib.decompressobj(wbits=31))
    elif encoding == "deflate":
        window = -15 if _is_raw_deflate(source.peek(2)) else 15
        unpacker = _Zlib("deflate", lambda: zlib.decompressobj(wbits=window))
    elif encoding == "zstd":
        unpacker = _Zstd()
    else:
        raise UnsupportedContent(f"nobody here reads the encoding {encoding!r}", hint="use gzip, deflate or zstd")
    return cast(BinaryIO, io.BufferedReader(_Unpacked(source, unpacker, max_bytes), _BUFFER))


def encoding_of(head: bytes) -> str | None:
    """The encoding these first four bytes tell of."""
    if head.startswith(GZIP_MAGIC):
        return "gzip"
    if head.startswith(ZSTD_MAGIC) or (head[1:4] == b"\x2a\x4d\x18" and head[0] & 0xF0 == 0x50):
        return "zstd"
    return None


def _is_raw_deflate(head: bytes) -> bool:
    """Whether deflate comes without its zlib head, as some clients send it."""
    return len(head) == 2 and (head[0] & 0x0F != 8 or (head[0] << 8 | head[1]) % 31 != 0)


class _Source:
    """A stream with a look ahead, which counts what was taken."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._ahead = b""
        self.taken = 0

    def peek(self, size: int) -> bytes:
        while len(self._ahead) < size:
            piece = self._stream.read(size - len(self._ahead))
            if not piece:
                break
            self._ahead += piece
        return self._ahead

    def take(self, size: int) -> bytes:
        data = self._ahead or self._stream.read(size)
        self._ahead = b""
        self.taken += len(data)
        return data


class _Unpacker(Protocol):
    """Turns packed bytes into plain ones. ``unpack`` gives b"" only at the end; it raises InvalidInput."""

    def unpack(self, source: _Source, size: int) -> bytes: ...


class _Plain:
    def unpack(self, source: _Source, size: int) -> bytes:
        return source.take(size)


class _Zlib:
    """gzip of any number of members, and deflate."""

    def __init__(self, name: str, start: Callable[[], "zlib._Decompress"]) -> None:
        self._name = name
        self._start = start
        self._unpacker = start()
        self._rest = b""
        self._inside = True

    def unpack(self, source: _Source, size: int) -> bytes:
        while True:
            packed = self._rest or source.take(_PIECE)
            if not packed:
                self._check_end(source)
                return b""
            if not self._inside and not self._begin_member(packed, source):
                continue
            plain = self._inflate(packed, size, source)
            if plain:
                return plain

    def _begin_member(self, packed: bytes, source: _Source) -> bool:
        """Whether more data follows a finished member; zeros that pad a file are passed over."""
        self._rest = packed.lstrip(b"\0")
        if not self._rest:
            return False
        if self._name != "gzip":
            raise InvalidInput(f"there is other data after the {self._name} data, before byte {source.taken}")
        self._unpacker = self._start()
        self._inside = True
        return False

    def _inflate(self, packed: bytes, size: int, source: _Source) -> bytes:
        try:
            plain = self._unpacker.decompress(packed, size)
        except zlib.error as error:
            fault = str(error).rpartition(": ")[2]
            raise InvalidInput(f"the {self._name} data is broken before byte {source.taken}: {fault}") from error
        if self._unpacker.eof:
            self._rest = self._unpacker.unused_data
            self._inside = False
        else:
            self._rest = self._unpacker.unconsumed_tail
        return plain

    def _check_end(self, source: _Source) -> None:
        if self._inside:
            raise InvalidInput(f"the {self._name} data is cut off after {source.taken} bytes")


class _Zstd:
    """zstd of any number of frames."""

    def __init__(self) -> None:
        self._context = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW_LIMIT)
        self._frame = self._context.decompressobj()
        self._rest = b""
        self._fed = False

    def unpack(self, source: _Source, size: int) -> bytes:
        while True:
            packed = self._next_piece(source)
            if not packed:
                if self._fed or not source.taken:
                    raise InvalidInput(f"the zstd data is cut off after {source.taken} bytes")
                return b""
            try:
                plain = self._frame.decompress(packed)
            except zstandard.ZstdError as error:
                fault = str(error).removeprefix("zstd decompressor error: ")
                raise InvalidInput(f"the zstd data is broken before byte {source.taken}: {fault}") from error
            self._fed = not self._frame.eof
            if self._frame.eof:
                self._rest = self._frame.unused_data + self._rest
                self._frame = self._context.decompressobj()
            if plain:
                return plain

    def _next_piece(self, source: _Source) -> bytes:
        self._rest = self._rest or source.take(_PIECE)
        piece, self._rest = self._rest[:_ZSTD_PIECE], self._rest[_ZSTD_PIECE:]
        return piece


class _Unpacked(io.RawIOBase):
    """What an unpacker makes of a source, at most ``max_bytes`` of it."""

    def __init__(self, source: _Source, unpacker: _Unpacker, max_bytes: int | None) -> None:
        self._source = source
        self._unpacker = unpacker
        self._max_bytes = max_bytes
        self._given = 0
        self._held = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]  # typeshed wants the abstract Buffer
        if not self._held:
            self._held = memoryview(self._unpacker.unpack(self._source, len(buffer)))
            self._count(len(self._held))
        size = min(len(buffer), len(self._held))
        buffer[:size] = self._held[:size]
        self._held = self._held[size:]
        return size

    def _count(self, size: int) -> None:
        self._given += size
        if self._max_bytes is not None and self._given > self._max_bytes:
            raise TooLarge(
                f"the body has more than {self._max_bytes} bytes once it is unpacked",
                hint="send it in parts, or raise the limit max_body_bytes",
            )
