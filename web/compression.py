"""Answers that are text go compressed to whoever takes that.

Files of ours are compressed once and well, pages each time and quickly. What is streamed, downloaded or already has an
encoding is left alone: the first must not wait for its end, the second is often compressed itself.
"""

import gzip
from functools import lru_cache
from typing import Protocol, runtime_checkable

from flask import Flask, Response, request

SMALLEST = 1000
TEXTS = frozenset(
    (
        "text/html",
        "text/css",
        "text/javascript",
        "application/javascript",
        "application/json",
        "image/svg+xml",
    )
)
_QUICK, _WELL = 4, 9
_FILES_KEPT = 64


@runtime_checkable
class SupportsClose(Protocol):
    """What holds an open file."""

    def close(self) -> None: ...


def register_compression(app: Flask) -> None:
    compress_file = lru_cache(_FILES_KEPT)(lambda content: gzip.compress(content, _WELL, mtime=0))

    def compress(response: Response) -> Response:
        if not _may_be_compressed(response):
            return response
        is_file = response.direct_passthrough
        content = _content_of(response)
        response.vary.add("Accept-Encoding")
        if len(content) >= SMALLEST and request.accept_encodings["gzip"]:
            response.set_data(compress_file(content) if is_file else gzip.compress(content, _QUICK, mtime=0))
            response.headers["Content-Encoding"] = "gzip"
            _weaken(response)
        return response

    app.after_request(compress)


def _content_of(response: Response) -> bytes:
    """All of it; a file is closed at once, not when somebody comes to close the answer."""
    source = response.response
    response.direct_passthrough = False
    content = response.get_data()
    if isinstance(source, SupportsClose):
        source.close()
    return content


def _may_be_compressed(response: Response) -> bool:
    if response.mimetype not in TEXTS or response.status_code in (204, 206, 304):
        return False
    if "Content-Encoding" in response.headers:
        return False
    # Files of ours say inline, downloads attachment.
    is_download = response.headers.get("Content-Disposition", "").startswith("attachment")
    return not is_download and (response.direct_passthrough or not response.is_streamed)


def _weaken(response: Response) -> None:
    """Two encodings of one file are not the same bytes, so its tag may only say that they mean the same."""
    tag, is_weak = response.get_etag()
    if tag and not is_weak:
        response.set_etag(tag, weak=True)
