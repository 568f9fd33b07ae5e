"""What was read last and may be asked for again, as much as fits in so many bytes."""

import threading
from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, Protocol, TypeVar


class Sized(Protocol):
    """What tells how large it is in memory."""

    @property
    def nbytes(self) -> int: ...


_Key = TypeVar("_Key", bound=Hashable)
_Value = TypeVar("_Value", bound=Sized)


class Kept(Generic[_Key, _Value]):
    """The values used last, as many as fit."""

    def __init__(self, most_bytes: int) -> None:
        self.most_bytes = most_bytes
        self._lock = threading.Lock()
        self._values: OrderedDict[_Key, _Value] = OrderedDict()
        self._bytes = 0

    def __contains__(self, key: _Key) -> bool:
        return key in self._values

    def find(self, key: _Key) -> _Value | None:
        with self._lock:
            if (value := self._values.get(key)) is not None:
                self._values.move_to_end(key)
            return value

    def peek(self, key: _Key) -> _Value | None:
        """What is there; that somebody looked does not make it one of those used last."""
        return self._values.get(key)

    def keep(self, key: _Key, value: _Value) -> _Value:
        """Returns what is kept now: another thread may have been first."""
        with self._lock:
            if key in self._values:
                return self._values[key]
            self._values[key] = value
            self._bytes += value.nbytes
            while self._bytes > self.most_bytes and len(self._values) > 1:
                self._bytes -= self._values.popitem(last=False)[1].nbytes
        return value
