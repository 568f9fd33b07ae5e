"""The HTTP API: one module a subject, each ending with the table of its routes.

::

    routes              what a route is, and the blueprint made of a table of them
    body                a request body as a stream and the name of its format
    query_parameters    query parameters as our types
    schemas             the JSON shapes, made and described in one place
    overview, actions, runs, events, reports, search, record, problems, compare, rejects, sql, saved_queries
                        what is under /api/v1
    comparison_shapes   those of two runs side by side;  record_shapes  those of one record;  reject_shapes  those of
                        refused lines;  problem_shapes  those of problems across runs
    openapi             the OpenAPI document and the readable docs, made from all tables
    short_way           small plain bodies of actions, past Flask
    health              /api/v1/health; /healthz, /readyz and /metrics, at the root
"""

from flask import Flask

from web.admission import Admission, HeldBytes
from web.api import (
    actions,
    compare,
    events,
    health,
    openapi,
    overview,
    problems,
    record,
    rejects,
    reports,
    runs,
    saved_queries,
    search,
    sql,
)
from web.api.routes import blueprint_of
from web.api.short_way import ShortWay
from web.workspace import Workspace

BASE = "/api/v1"
ROUTES = (
    *overview.ROUTES,
    *runs.ROUTES,
    *actions.ROUTES,
    *events.ROUTES,
    *reports.ROUTES,
    *search.ROUTES,
    *record.ROUTES,
    *problems.ROUTES,
    *compare.ROUTES,
    *rejects.ROUTES,
    *sql.ROUTES,
    *saved_queries.ROUTES,
    *health.ROUTES,
)


def register_api(app: Flask, workspace: Workspace) -> None:
    """Put the API on an application."""
    app.extensions["workspace"] = workspace
    app.extensions["openapi"] = openapi.build_document(ROUTES, base=BASE)
    app.url_map.merge_slashes = False  # merging redirects, and senders lose what a redirect answers
    app.register_blueprint(blueprint_of((*ROUTES, *openapi.ROUTES), name="api", prefix=BASE))
    app.register_blueprint(health.blueprint)
    app.extensions["held_bytes"] = HeldBytes()
    app.wsgi_app = Admission(  # type: ignore[method-assign]  # how Flask wraps itself
        ShortWay(app.wsgi_app, workspace.recorder), threads=workspace.settings.threads
    )
