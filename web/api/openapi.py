"""The OpenAPI 3.1 document, made from the tables of routes, and the readable docs made from the document."""

import json
import re
from collections.abc import Iterable
from typing import Any

from flask import Response, current_app, render_template

from web.api.comparison_shapes import COMPARISON_SCHEMAS
from web.api.problem_shapes import PROBLEM_SCHEMAS
from web.api.record_shapes import RECORD_SCHEMAS
from web.api.reject_shapes import REJECT_SCHEMAS
from web.api.routes import JSON, TEXT, Answer, Body, Parameter, Route
from web.api.saved_queries import SAVED_QUERY_SCHEMAS
from web.api.schemas import SCHEMAS

VERSION = "1"

# An OpenAPI document is free-form JSON.
Json = dict[str, Any]

ERROR_MEANINGS = {
    400: "malformed: the message says what",
    403: "sent by another web site, or to a name that is not this machine",
    404: "there is no such run",
    409: "not possible as things stand",
    413: "the body is too large",
    415: "a content type, encoding or format nobody reads here",
    422: "not within the limits",
    503: "cannot be written or answered right now: try again after Retry-After seconds",
    504: "recorded or not, nobody can tell: send it again with its idempotency key",
}


def get_openapi() -> Response:
    return Response(json.dumps(current_app.extensions["openapi"]), content_type=JSON)


def get_docs() -> Response:
    page = render_template("api_docs.html", document=current_app.extensions["openapi"])
    return Response(page, content_type="text/html; charset=utf-8")


def build_document(routes: Iterable[Route], *, base: str) -> Json:
    """One document of all these routes and of the two that serve it."""
    paths: Json = {}
    for route in (*routes, *ROUTES):
        paths.setdefault(base + route.shown_path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "synclog",
            "version": VERSION,
            "summary": "The flight recorder for data synchronizations",
            "description": (
                "A 2xx answer to something sent means that it is on disk. Errors have one shape everywhere. "
                "Until there are accounts the server answers to this machine only."
            ),
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": {
                **SCHEMAS,
                **COMPARISON_SCHEMAS,
                **PROBLEM_SCHEMAS,
                **RECORD_SCHEMAS,
                **REJECT_SCHEMAS,
                **SAVED_QUERY_SCHEMAS,
            },
            "responses": {f"Error{status}": _error(meaning) for status, meaning in ERROR_MEANINGS.items()},
        },
    }


def _operation(route: Route) -> Json:
    operation: Json = {"operationId": route.name, "summary": route.summary}
    if route.detail:
        operation["description"] = route.detail
    parameters = [*map(_path_parameter, re.findall(r"{(\w+)}", route.shown_path)), *map(_parameter, route.parameters)]
    if parameters:
        operation["parameters"] = parameters
    if route.body:
        operation["requestBody"] = _body(route.body)
    operation["responses"] = _responses(route)
    return operation


def _path_parameter(name: str) -> Json:
    return {"name": name, "in": "path", "required": True, "schema": dict(TEXT)}


def _parameter(parameter: Parameter) -> Json:
    schema: Json = dict(parameter.schema)
    if parameter.is_list:
        schema = {"type": "array", "items": schema}
    return {"name": parameter.name, "in": parameter.place, "description": parameter.meaning, "schema": schema}


def _body(body: Body) -> Json:
    content: Json = {}
    for media in body.media:
        content[media] = {}
        if media == JSON:
            content[media] = {"schema": _reference(body.schema)}
            if body.example is not None:
                content[media]["example"] = body.example
    return {"required": True, "content": content}


def _responses(route: Route) -> Json:
    responses: Json = {}
    for answer in route.answers:
        response = responses.setdefault(str(answer.status), {"description": answer.meaning, "content": {}})
        response["content"] |= _content(answer)
    for status in sorted({400, 403, *route.errors}):
        responses.setdefault(str(status), {"$ref": f"#/components/responses/Error{status}"})
    return responses


def _content(answer: Answer) -> Json:
    schema = {"schema": _reference(answer.schema)} if answer.schema else {}
    return {media: dict(schema) for media in answer.media}


def _error(meaning: str) -> Json:
    return {"description": meaning, "content": {JSON: {"schema": _reference("Error")}}}


def _reference(schema: str) -> Json:
    return {"$ref": f"#/components/schemas/{schema}"}


ROUTES = (
    Route(
        method="GET",
        path="/openapi.json",
        view=get_openapi,
        summary="This document",
        answers=(Answer(status=200, meaning="OpenAPI 3.1"),),
    ),
    Route(
        method="GET",
        path="/docs",
        view=get_docs,
        summary="This document for people",
        answers=(Answer(status=200, meaning="a page", media=("text/html",)),),
    ),
)
