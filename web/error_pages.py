"""Every error as an HTTP answer: one JSON shape for programs, a page that helps for people.

Programs are whoever asks under /api or prefers JSON. A server that cannot write says 503 with a Retry-After of two
seconds: stock senders retry that, and drop what they hold when they read 500 or a wait of more than ten. A query
over its limits is 422, not 503 or 504: sending it again would not help.
"""

import errno
import json
import logging

from flask import Flask, Response, render_template, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed
from werkzeug.wrappers import Response as BaseResponse

from ingest import errors
from web.admission import MET_ERROR
from web.request_guard import RequestRefused

logger = logging.getLogger(__name__)

RETRY_AFTER_SECONDS = 2
TRY_AGAIN = frozenset((429, 503))

# The first class an error is an instance of decides: special before general.
STATUS_OF_ERROR: tuple[tuple[type[errors.SynclogError], int], ...] = (
    (errors.UnsupportedContent, 415),
    (errors.TooLarge, 413),
    (errors.TooSlow, 408),
    (errors.InvalidInput, 400),
    (errors.NotFound, 404),
    (errors.Conflict, 409),
    (errors.OutcomeUnknown, 504),
    (errors.LakeUnavailable, 503),
    (errors.LakeError, 500),
    (errors.QueryRefused, 400),
    (errors.QueryError, 422),
    (RequestRefused, 403),
)

CODE_OF_STATUS = {400: "malformed", 404: "not-found", 405: "method-not-allowed", 413: "too-large", 500: "failed"}
NO_ROOM = frozenset((errno.ENOSPC, errno.EDQUOT))


def register_error_pages(app: Flask) -> None:
    app.before_request(_raise_met_error)
    app.register_error_handler(errors.SynclogError, _answer_own_error)
    app.register_error_handler(HTTPException, _answer_http_error)
    app.register_error_handler(Exception, _answer_surprise)


def _raise_met_error() -> None:
    """What happened to this request before Flask was asked."""
    error = request.environ.get(MET_ERROR)
    if error is not None:
        raise error


def status_of(error: errors.SynclogError) -> int:
    return next((status for kind, status in STATUS_OF_ERROR if isinstance(error, kind)), 500)


def _answer_own_error(error: Exception) -> Response:
    assert isinstance(error, errors.SynclogError)
    status = status_of(error)
    if status >= 500 and not isinstance(error, errors.Overloaded):  # of which there are many, told once by Admission
        logger.error("request failed", extra={"path": request.path, "reason": error.message})
    return _answer(status, error.code, error.message, field=error.field, hint=error.hint)


def _answer_http_error(error: Exception) -> BaseResponse:
    """What routing found out: an unknown address, a wrong method."""
    assert isinstance(error, HTTPException)
    status = error.code or 500
    if error.response is not None or status < 400:
        return error.get_response(request.environ)
    message, hint = _words_of_routing(status, error)
    response = _answer(status, CODE_OF_STATUS.get(status, "refused"), message, hint=hint)
    if isinstance(error, MethodNotAllowed) and error.valid_methods:
        response.headers["Allow"] = ", ".join(sorted(error.valid_methods))
    return response


def _words_of_routing(status: int, error: HTTPException) -> tuple[str, str | None]:
    if status == 404:
        hint = "the addresses are listed at /api/v1/docs; a run id has no slash" if _is_api() else None
        return f"there is nothing at {request.path}", hint
    if isinstance(error, MethodNotAllowed):
        allowed = ", ".join(sorted(error.valid_methods or ()))
        return f"{request.path} does not take {request.method}", f"it takes {allowed}"
    return error.description or error.name, None


def _answer_surprise(error: Exception) -> Response:
    if isinstance(error, OSError) and error.errno in NO_ROOM:
        return _answer_own_error(errors.LakeUnavailable("no room left on the disk", hint="free some space"))
    logger.error("request failed", exc_info=error, extra={"path": request.path})
    return _answer(500, "failed", "synclog failed to answer this request", hint="the server's log says more")


def _answer(status: int, code: str, message: str, *, field: str | None = None, hint: str | None = None) -> Response:
    if prefers_json():
        body = json.dumps({"error": {"code": code, "message": message, "field": field, "hint": hint}})
        response = Response(body, status, content_type="application/json")
    else:
        page = render_template("error.html", status=status, message=message, hint=hint)
        response = Response(page, status, content_type="text/html; charset=utf-8")
    if status in TRY_AGAIN:
        response.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return response


def prefers_json() -> bool:
    """Whether a program asks: an API address, or an Accept header that wants JSON rather than HTML."""
    accepted = request.accept_mimetypes
    return _is_api() or accepted["application/json"] > accepted["text/html"]


def _is_api() -> bool:
    return request.path.startswith("/api/")
