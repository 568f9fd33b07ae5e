"""The server process: granian's WSGI worker on threads of this one process.

The listening socket is bound here and handed over. granian would bind it with SO_REUSEPORT, under which a second
synclog on the same port starts without a word and takes half of the connections. One process, rather than granian's
parent and worker, because then nothing can be orphaned and every sender meets the same group commit; both are what
``LocalServer`` changes of granian's free-threaded server, which works as well under the interpreter lock.
"""

import errno
import http.client
import logging
import os
import resource
import socket
import sys
import threading
from collections.abc import Callable, Iterable
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn, Protocol, cast

from flask import Flask
from granian._granian import SocketHolder
from granian.constants import HTTPModes, Interfaces
from granian.log import LogLevels
from granian.server.mt import MTServer

from ingest.errors import SettingsError
from web.api.events import listeners_of
from web.settings import Settings
from web.signals import stop_on_signals
from web.slow_bodies import BodyClock
from web.workspace import Workspace

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

logger = logging.getLogger(__name__)

BACKLOG = 1024
CONNECTIONS = 4096
"""Open at once, idle ones included. Silent ones are closed after granian's 30 seconds for a head."""

FILES_BESIDE = 512
"""Files the process needs beside its connections: batches, the index, temporary files."""

GRACE_SECONDS = 20.0
"""How long answers under way may take after a signal to stop; what was acknowledged is on disk at any moment."""

SWITCH_SECONDS = 0.02
"""How long a thread may keep the interpreter. Ours give it up by themselves long before, to wait for a disk or a group;
being made to at Python's 5 ms costs a crowd of small senders more switches than it saves anybody."""

QUIET_LOGS = {
    "handlers": {"console": {"class": "logging.StreamHandler", "stream": "ext://sys.stderr"}},
    "loggers": {"_granian": {"handlers": ["console"], "propagate": False}},
}


class LocalServer(MTServer):
    """granian on a socket that is bound already, under the interpreter lock."""

    def __init__(self, listener: socket.socket, *, threads: int) -> None:
        host, port = listener.getsockname()[:2]
        super().__init__(
            "synclog",
            address=host,
            port=port,
            interface=Interfaces.WSGI,
            blocking_threads=threads,
            http=HTTPModes.http1,  # the only one in which granian closes silent connections
            backpressure=allowed_connections(),  # granian counts connections, not requests
            websockets=False,
            log_level=LogLevels.critical,
            log_dictconfig=QUIET_LOGS,
        )
        self._listener = listener

    def _init_shared_socket(self) -> None:
        # Its stub leaves out the arguments: descriptor, whether it is a Unix socket, backlog.
        self._shd = SocketHolder(self._listener.detach(), False, BACKLOG)  # type: ignore[call-arg, assignment]

    def _check_gil(self) -> None:
        """Threads are what is wanted, with the lock or without."""


class SupportsClose(Protocol):
    """What a WSGI server closes when it is done with an answer."""

    def close(self) -> None: ...


class Doorway:
    """The application as granian sees it: an answer of known length is handed over whole.

    granian then writes head and body in one packet; pieces would cost a packet and a turn of the interpreter each.
    """

    def __init__(self, app: Flask) -> None:
        self._app = app

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        is_whole = False

        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], object]:
            nonlocal is_whole
            is_whole = any(name == "Content-Length" for name, _ in headers)
            return start_response(status, headers, exc_info)

        pieces = self._app.wsgi_app(environ, start)
        if not is_whole or isinstance(pieces, list):
            return pieces
        with closing(cast(SupportsClose, pieces)):  # werkzeug's iterators have it
            return [b"".join(pieces)]


def allowed_connections() -> int:
    """As many connections as the limit of open files leaves room for, once that is as high as it may be."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = CONNECTIONS + FILES_BESIDE
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(hard, wanted)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return CONNECTIONS if soft == resource.RLIM_INFINITY else max(64, min(CONNECTIONS, soft - FILES_BESIDE))


def bind(settings: Settings) -> socket.socket:
    """A listening socket at the address of the settings. Raises SettingsError when that cannot be had."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        taken = error.errno == errno.EADDRINUSE
        raise SettingsError(
            f"cannot listen on {settings.host} port {settings.port}: {error.strerror or error}",
            field="port" if taken else None,
            hint="another program has it; choose another with --port, or --port 0 for a free one" if taken else None,
        ) from error
    listener.setblocking(False)
    return listener


def url_of(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def serve(app: Flask, listener: socket.socket, *, threads: int, announce: Callable[[str], None]) -> None:
    """Serve until SIGTERM, SIGINT or SIGHUP; ``announce`` gets the URL once the server answers."""
    server = LocalServer(listener, threads=threads)
    server.on_startup(lambda: stop_on_signals(partial(_stop, server, listeners_of(app).stopping)))
    threading.Thread(target=_announce_answering, args=(url_of(listener), announce), daemon=True).start()
    sys.setswitchinterval(SWITCH_SECONDS)
    workspace: Workspace = app.extensions["workspace"]
    clock = BodyClock(Doorway(app), port=listener.getsockname()[1], seconds=workspace.settings.body_seconds)
    clock.start()
    server.serve(target_loader=lambda: clock, wrap_loader=False)


def _announce_answering(url: str, announce: Callable[[str], None]) -> None:
    """The socket takes connections before there is a worker, so one request waits for the first answer."""
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=60)
    try:
        connection.request("GET", "/healthz")
        connection.getresponse().read()
    except OSError as error:
        logger.error("server does not answer", extra={"reason": str(error)})
        return
    finally:
        connection.close()
    announce(url)


def _stop(server: LocalServer, stopping: threading.Event) -> None:
    stopping.set()
    deadline = threading.Timer(GRACE_SECONDS, _leave_late)
    deadline.daemon = True
    deadline.start()
    server.signal_handler_interrupt()  # type: ignore[no-untyped-call]


def leave() -> NoReturn:
    """End a process that has served, everything being closed.

    granian's threads live to the very end and hold on to our modules. Tearing down the interpreter around them makes
    DuckDB report leaks on stderr, so it is not torn down.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def _leave_late() -> None:
    """Some answer, a download perhaps, is still under way; nothing acknowledged depends on it."""
    logger.warning("answers under way were cut off")
    leave()
