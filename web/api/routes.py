"""What a route of the HTTP API is: the view that answers it, and what its documentation says.

Each module of this package ends with a table of its routes. The table is all there is: the URL rules, the OpenAPI
document, the readable docs and the check for misspelt query parameters are made from it.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from flask import Blueprint, Response, current_app, request

from ingest.errors import InvalidInput
from web.settings import nearest
from web.workspace import Workspace

JSON = "application/json"
TEXT: Mapping[str, object] = {"type": "string"}
INSTANT: Mapping[str, object] = {"type": "string", "format": "date-time"}
WHOLE: Mapping[str, object] = {"type": "integer"}
TRUTH: Mapping[str, object] = {"type": "boolean"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A query parameter or header. ``is_list`` ones may be repeated."""

    name: str
    meaning: str
    schema: Mapping[str, object] = field(default_factory=lambda: TEXT)
    is_list: bool = False
    place: str = "query"


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """A request body: one schema, in one or several content types."""

    schema: str
    media: tuple[str, ...] = (JSON,)
    example: object = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A good answer. ``schema`` is the name of a component, None where the content is not JSON."""

    status: int
    meaning: str
    schema: str | None = None
    media: tuple[str, ...] = (JSON,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One method on one path under /api/v1; ``{name*}`` in it may hold slashes. ``errors`` are special to it."""

    method: str
    path: str
    view: Callable[..., Response]
    summary: str
    detail: str = ""
    parameters: tuple[Parameter, ...] = ()
    body: Body | None = None
    answers: tuple[Answer, ...]
    errors: tuple[int, ...] = ()

    @property
    def name(self) -> str:
        return self.view.__name__

    @property
    def shown_path(self) -> str:
        return self.path.replace("*}", "}")

    @property
    def query_names(self) -> tuple[str, ...]:
        return tuple(parameter.name for parameter in self.parameters if parameter.place == "query")


def blueprint_of(routes: Iterable[Route], *, name: str, prefix: str) -> Blueprint:
    """A blueprint of these routes. No address redirects: many senders lose what they sent when one does."""
    blueprint = Blueprint(name, __name__, url_prefix=prefix)
    known: dict[str, tuple[str, ...]] = {}
    for route in routes:
        rule = re.sub(r"{(\w+)\*}", r"<path:\1>", route.path).replace("{", "<").replace("}", ">")
        blueprint.add_url_rule(
            rule, endpoint=route.name, view_func=route.view, methods=[route.method], strict_slashes=False
        )
        known[f"{name}.{route.name}"] = route.query_names

    def refuse_unknown_parameters() -> None:
        if request.environ.get("QUERY_STRING"):
            check_query_names(known.get(request.endpoint or "", ()))

    blueprint.before_request(refuse_unknown_parameters)
    return blueprint


def check_query_names(known: tuple[str, ...]) -> None:
    """A misspelt filter must not silently answer everything."""
    for name in request.args:
        if name not in known:
            hint = nearest(name, known) if known else "this address takes no query parameters"
            raise InvalidInput(f"unknown query parameter {name!r}", field=name, hint=hint)


def workspace() -> Workspace:
    """The data folder this application serves."""
    served: Workspace = current_app.extensions["workspace"]
    return served
