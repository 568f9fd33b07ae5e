"""Which requests a server without accounts refuses: those another web site makes a browser send.

Two checks, both on headers a page cannot forge. Host must name this machine, so a foreign name that resolves to
127.0.0.1 (DNS rebinding) gets nothing, not even to read. Origin and Sec-Fetch-Site, where a browser sends them with a
request that changes something, must say the request comes from our own pages. Programs send neither and pass.
"""

from functools import lru_cache

from flask import Flask, request

from ingest.errors import SynclogError
from web.settings import is_loopback

SAFE_METHODS = frozenset(("GET", "HEAD", "OPTIONS"))
OWN_SITE = frozenset(("same-origin", "none"))


class RequestRefused(SynclogError):
    """A request that did not come from this machine's own programs and pages."""

    code = "request-refused"


def register_request_guard(app: Flask) -> None:
    app.before_request(_check_request)


def _check_request() -> None:
    environ = request.environ
    host = environ.get("HTTP_HOST", "")
    if not names_this_machine(host):
        raise RequestRefused(
            f"the Host header {host!r} does not name this machine",
            field="Host",
            hint="until there are accounts, synclog answers only as localhost or 127.0.0.1",
        )
    if environ["REQUEST_METHOD"] in SAFE_METHODS:
        return
    origin = environ.get("HTTP_ORIGIN")
    site = environ.get("HTTP_SEC_FETCH_SITE")
    is_foreign = origin is not None and origin.partition("://")[2].lower() != host.lower()
    if is_foreign or (site is not None and site not in OWN_SITE):
        raise RequestRefused(
            "this request was sent by another web site",
            field="Origin",
            hint="send it from synclog's own pages, or from a program that sends no Origin header",
        )


@lru_cache(maxsize=256)
def names_this_machine(host: str) -> bool:
    """Whether a Host header, any port, is a loopback name."""
    name, colon, port = host.rpartition(":") if not host.endswith("]") else (host, "", "")
    if not colon:
        name = host
    elif not port.isdigit():
        return False
    if name.startswith("[") and name.endswith("]"):
        name = name[1:-1]
    return is_loopback(name.lower())
