"""What makes sending a request again harmless: a digest of what it said, and one request per key at a time."""

import hashlib
import io
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO


class Digest(io.RawIOBase):
    """A stream that remembers a digest of what was read through it, and of what the request said beside its body."""

    def __init__(self, stream: BinaryIO, said: str) -> None:
        self._stream = stream
        self._hash = hashlib.blake2b(said.encode(), digest_size=32)

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(size)
        self._hash.update(data)
        return data

    def hex(self) -> str:
        """The digest of the whole body; what is left of it is read first."""
        while self.read(1 << 20):
            pass
        return self._hash.hexdigest()


class InFlight:
    """Requests with the same key go one after the other."""

    def __init__(self) -> None:
        self._keys: set[str] = set()
        self._changed = threading.Condition()

    @contextmanager
    def alone(self, key: str | None) -> Iterator[None]:
        if key is None:
            yield
            return
        with self._changed:
            self._changed.wait_for(lambda: key not in self._keys)
            self._keys.add(key)
        try:
            yield
        finally:
            with self._changed:
                self._keys.discard(key)
                self._changed.notify_all()
