"""The composition root of everything that answers HTTP: pages, API, error pages and guards on one Flask application."""

import time

from flask import Flask, Response, g
from jinja2 import StrictUndefined

from ingest.action import Status
from reports.problem_wording import PROBLEM_FILTERS
from reports.wording import FILTERS, status_symbols
from web.api import register_api
from web.compression import register_compression
from web.error_pages import register_error_pages
from web.pages import cells, register_pages
from web.request_guard import register_request_guard
from web.workspace import Workspace

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'self'",
        "img-src 'self' data:",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)

# Not no-referrer: under that policy browsers send "Origin: null" with a form, and the guard could not tell our own
# forms from those of other sites. same-origin tells other sites just as little.
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def create_app(workspace: Workspace) -> Flask:
    """Pages and API over one workspace."""
    app = Flask("web")
    app.jinja_options = {"trim_blocks": True, "lstrip_blocks": True, "undefined": StrictUndefined}
    app.jinja_env.filters.update({**FILTERS, **PROBLEM_FILTERS})
    app.jinja_env.globals["Status"] = Status
    app.jinja_env.globals["cells"] = cells
    app.jinja_env.globals["status_symbols"] = status_symbols()
    app.jinja_env.policies["json.dumps_kwargs"] = {"sort_keys": False}  # examples read in the order they were written
    register_compression(app)  # first, so that it is the last to see an answer
    tell_time_taken(app)
    register_request_guard(app)
    register_pages(app, workspace)
    register_api(app, workspace)
    register_error_pages(app)
    app.after_request(harden)
    return app


def tell_time_taken(app: Flask) -> None:
    """Milliseconds from a request to its answer in Server-Timing, where the tools of a browser show them."""

    @app.before_request
    def begin() -> None:
        g.begun = time.perf_counter()

    @app.after_request
    def tell(response: Response) -> Response:
        response.headers["Server-Timing"] = f"app;dur={(time.perf_counter() - g.begun) * 1000:.1f}"
        return response


def harden(response: Response) -> Response:
    """Headers that keep what senders wrote harmless; an answer that set its own, such as a HTML report, keeps it."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    return response
