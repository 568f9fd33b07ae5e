"""Whether htmx asks for a part of a page, or a browser for the whole of it."""

from flask import Response, make_response, render_template, request


def is_fragment_wanted() -> bool:
    """A page restored from history must be whole, though htmx asks for it."""
    return "HX-Request" in request.headers and "HX-History-Restore-Request" not in request.headers


def render(template: str, fragment: str, **facts: object) -> Response:
    """The page, or only its fragment; caches are told that one address has both."""
    response = make_response(render_template(fragment if is_fragment_wanted() else template, **facts))
    response.headers["Vary"] = "HX-Request"
    response.headers["Cache-Control"] = "private, no-cache"
    return response
