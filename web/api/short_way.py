"""The short way for most of what a busy server gets: one small plain body of actions.

Flask spends some 80 µs of the interpreter on a request, more than recording one of a group of actions costs. Where a
request needs nothing of what that buys (no query, no coding, no key, no browser) it is recorded here in a quarter of
that. Whatever is unusual takes the long way. What goes wrong here is handed to it as well, to be explained and not to
be tried twice; the answers of the two are the same.
"""

import io
import json
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from ingest.recorder import LineDefaults, Receipt, Recorder
from web.admission import MET_ERROR
from web.api.body import FORMAT_OF_TYPE, PACKED_STARTS
from web.api.schemas import receipt_as_json
from web.request_guard import names_this_machine

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

SMALL_BYTES = 64 * 1024
UNUSUAL = ("QUERY_STRING", "HTTP_CONTENT_ENCODING", "HTTP_IDEMPOTENCY_KEY", "HTTP_ORIGIN", "HTTP_SEC_FETCH_SITE")
ACTIONS_PATH = re.compile(r"/api/v1(?:/runs/([^/]+))?/actions")
NO_DEFAULTS = LineDefaults()


class ShortWay:
    """A WSGI application around the long way."""

    def __init__(self, long_way: "WSGIApplication", recorder: Recorder) -> None:
        self._long_way = long_way
        self._recorder = recorder

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        receipt = self._record(environ)
        if receipt is None:
            return self._long_way(environ, start_response)
        body = json.dumps(receipt_as_json(receipt)).encode()
        start_response(
            "200 OK" if receipt.accepted or not receipt.rejected else "422 UNPROCESSABLE ENTITY",
            [
                ("Content-Type", "application/json"),
                ("Content-Length", str(len(body))),
                ("X-Content-Type-Options", "nosniff"),
            ],
        )
        return [body]

    def _record(self, environ: "WSGIEnvironment") -> Receipt | None:
        """The receipt of a plain request that was recorded; otherwise None, and the environment as good as new."""
        path = _plain_path(environ)
        if path is None:
            return None
        size = int(environ["CONTENT_LENGTH"])
        run_id = path.group(1)
        try:
            body: bytes = environ["wsgi.input"].read(size)
            environ["wsgi.input"] = io.BytesIO(body)
            if len(body) != size or body.startswith(PACKED_STARTS):
                return None
            receipt = self._recorder.record(
                io.BytesIO(body),
                FORMAT_OF_TYPE[environ["CONTENT_TYPE"]],
                defaults=LineDefaults(run_id=run_id) if run_id else NO_DEFAULTS,
                source="http",
            )
        except Exception as error:
            environ[MET_ERROR] = error
            return None
        return receipt


def _plain_path(environ: "WSGIEnvironment") -> re.Match[str] | None:
    """The path of a request that the short way is for."""
    if environ["REQUEST_METHOD"] != "POST" or environ.get("CONTENT_TYPE") != "application/x-ndjson":
        return None
    if MET_ERROR in environ:
        return None
    size = environ.get("CONTENT_LENGTH", "")
    if not size.isdigit() or not 0 < int(size) <= SMALL_BYTES or any(environ.get(name) for name in UNUSUAL):
        return None
    if not names_this_machine(environ.get("HTTP_HOST", "")):
        return None
    return ACTIONS_PATH.fullmatch(environ["PATH_INFO"])
