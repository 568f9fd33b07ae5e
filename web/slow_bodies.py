"""A time limit for bodies, which granian has not: it limits the time for a head only.

A thread that waits for a body cannot be interrupted, and granian does not say which connection is whose. But the kernel
tells of each connection what came and what went. One on which too little came for too long, and nothing went, while a
body is overdue and no other request has been at work for that long, belongs to a body that does not come. Its receiving
side is closed: the reading ends, and the sender can still be answered. An idle connection may be closed along with it.

Nor does granian say whether a chunked body came to its end or its sender hung up: both end the reading. So the kernel
is asked whether a sender that sent at least as much has hung up.
"""

import array
import fcntl
import io
import os
import socket
import struct
import termios
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, BinaryIO

from ingest.errors import TooSlow

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

MAY_BE_CUT = "synclog.may_be_cut"
"""Where WSGI's environment has :meth:`BodyClock.may_be_cut`."""
SLOWEST_BYTES_A_SECOND = 1024
_HUNG_UP = 8  # TCP_CLOSE_WAIT
_CLOSING_SECONDS = 0.05
"""In which idle connections that their senders have closed are closed here as well."""
_ACKED_AND_RECEIVED = struct.Struct("=120xQQ")  # in Linux's struct tcp_info


@dataclass(slots=True)
class _Request:
    """A request under way: at work since when, or waiting for a piece of its body since when."""

    since: float
    is_reading: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Connection:
    """What the kernel says of a connection, and since when nothing went and too little came."""

    inode: int
    received: int
    acknowledged: int
    unsent: int
    since: float
    is_sending: bool = False

    def with_news(self, now: "_Connection") -> "_Connection":
        if self.acknowledged != now.acknowledged:
            return now
        if self.received == now.received:
            return replace(self, unsent=now.unsent)
        enough = now.received - self.received >= SLOWEST_BYTES_A_SECOND * (now.since - self.since)
        if enough or not self.is_sending:
            return replace(now, is_sending=True)
        return replace(self, unsent=now.unsent)


class BodyClock:
    """A WSGI application around another one whose bodies have to keep coming."""

    def __init__(self, inside: "WSGIApplication", *, port: int, seconds: float) -> None:
        self._inside = inside
        self._port = port
        self._seconds = seconds
        self._requests: dict[int, _Request] = {}  # by thread
        self._connections: dict[int, _Connection] = {}  # by inode of their socket

    def start(self) -> None:
        threading.Thread(target=self._watch, name="body clock", daemon=True).start()

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        thread = threading.get_ident()
        request = self._requests[thread] = _Request(time.monotonic())
        if "CONTENT_LENGTH" in environ or "HTTP_TRANSFER_ENCODING" in environ:
            environ["wsgi.input"] = _Body(environ["wsgi.input"], request, self._seconds)
            environ[MAY_BE_CUT] = self.may_be_cut
        try:
            return self._inside(environ, start_response)
        finally:
            del self._requests[thread]

    def may_be_cut(self, taken: int) -> bool:
        """Whether somebody who sent at least so many bytes has hung up and still waits for an answer, as it seems."""
        if not self._have_hung_up(taken):
            return False
        time.sleep(_CLOSING_SECONDS)
        return self._have_hung_up(taken)

    def _have_hung_up(self, taken: int) -> bool:
        for link in _links_of(self._port):
            with suppress(OSError):
                state = link.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]
                if state == _HUNG_UP and _look_at(link, 0).received >= taken:
                    return True
        return False

    def _watch(self) -> None:
        while True:
            time.sleep(self._seconds / 4)
            self.look()

    def look(self) -> None:
        """Close what is overdue, if it is certain what that is."""
        now = time.monotonic()
        if not any(request.is_reading and now - request.since > self._seconds / 4 for request in self._list_requests()):
            self._connections = {}
            return
        old = [request for request in self._list_requests() if now - request.since > self._seconds]
        may_cut = bool(old) and all(request.is_reading for request in old)
        seen = {}
        for link in _links_of(self._port):
            with suppress(OSError):
                connection = _look_at(link, now)
                known = self._connections.get(connection.inode)
                seen[connection.inode] = known = connection if known is None else known.with_news(connection)
                if may_cut and now - known.since > self._seconds and not known.unsent:
                    link.shutdown(socket.SHUT_RD)
        self._connections = seen

    def _list_requests(self) -> list[_Request]:
        return list(self._requests.values())


class _Body(io.RawIOBase):
    """A body that says when it is waited for, and what became of one that took too long."""

    def __init__(self, stream: BinaryIO, request: _Request, seconds: float) -> None:
        self._stream = stream
        self._request = request
        self._seconds = seconds

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        begun = self._request.since = time.monotonic()
        self._request.is_reading = True
        try:
            data = self._stream.read(size) if size >= 0 else self._stream.read()
        finally:
            ended = self._request.since = time.monotonic()
            self._request.is_reading = False
        if ended - begun > self._seconds and len(data) < size:
            raise TooSlow(
                f"the body did not come: {len(data)} bytes in {ended - begun:.0f} s",
                hint="nothing was recorded; send it again",
            )
        return data


def _links_of(port: int) -> Iterator[socket.socket]:
    """Each connection that this process has taken at a port.

    Descriptors are borrowed, never copied: closing a copy of the index's file would end SQLite's locks on it.
    """
    for name in os.listdir("/proc/self/fd"):
        try:
            link = socket.socket(fileno=int(name))
        except OSError:  # a file, or closed meanwhile
            continue
        try:
            if _is_connection(link, port):
                yield link
        finally:
            link.detach()


def _is_connection(link: socket.socket, port: int) -> bool:
    try:
        return (
            link.family in (socket.AF_INET, socket.AF_INET6)
            and link.type == socket.SOCK_STREAM
            and link.getsockname()[1] == port
            and bool(link.getpeername())
        )
    except OSError:
        return False


def _look_at(link: socket.socket, now: float) -> _Connection:
    told = link.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _ACKED_AND_RECEIVED.size)
    acknowledged, received = _ACKED_AND_RECEIVED.unpack(told)
    unsent = array.array("i", [0])
    fcntl.ioctl(link.fileno(), termios.TIOCOUTQ, unsent)
    return _Connection(
        inode=os.fstat(link.fileno()).st_ino,
        received=received,
        acknowledged=acknowledged,
        unsent=unsent[0],
        since=now,
    )
