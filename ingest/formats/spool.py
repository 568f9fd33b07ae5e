"""Streams made readable the way a format needs it: from any place, line by line, or with a look ahead."""

import io
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, BinaryIO, cast

_IN_MEMORY = 8 << 20


@contextmanager
def seekable(stream: IO[bytes]) -> Iterator[BinaryIO]:
    """The stream itself where it can seek, else a temporary file with its bytes, gone afterwards."""
    if stream.seekable():
        yield cast(BinaryIO, stream)
        return
    with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as spooled:
        shutil.copyfileobj(stream, spooled, 1 << 20)
        spooled.seek(0)
        yield cast(BinaryIO, spooled)


def buffered(stream: IO[bytes]) -> io.BufferedReader:
    """The stream with ``peek`` and fast lines; it stays open when the buffer goes."""
    return stream if isinstance(stream, io.BufferedReader) else io.BufferedReader(_Readable(stream), 1 << 18)


class _Readable(io.RawIOBase):
    """A stream that only knows ``read``, as a raw one that can be buffered."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return self._stream.seekable()

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        return self._stream.tell()

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]  # typeshed wants the abstract Buffer
        data = self._stream.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)
