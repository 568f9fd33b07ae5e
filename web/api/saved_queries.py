"""SQL that people keep under a name, over HTTP, and the statements that are being run."""

import json

from flask import Response, url_for

from ingest.errors import InvalidInput
from query.running import RunningStatement
from query.saved_queries import SavedQueries, SavedQuery
from query.sql_parameters import parameters_of
from web.api.body import read_small_body
from web.api.routes import INSTANT, JSON, TEXT, Answer, Body, Route, workspace
from web.api.schemas import JsonObject, instant, read_object


def list_saved_queries() -> Response:
    return _json({"items": [query_as_json(query) for query in _queries().list()]})


def post_saved_query() -> Response:
    name, sql = _read_query()
    query = _queries().add(name=name, sql=sql)
    response = _json(query_as_json(query), 201)
    response.headers["Location"] = url_for("api.get_saved_query", query_id=query.query_id)
    return response


def get_saved_query(query_id: str) -> Response:
    return _json(query_as_json(_queries().get(query_id)))


def put_saved_query(query_id: str) -> Response:
    name, sql = _read_query()
    kept = _queries().get(query_id)
    return _json(query_as_json(_queries().change(query_id, name=name, sql=sql, chart=kept.chart)))


def delete_saved_query(query_id: str) -> Response:
    _queries().delete(query_id)
    return Response(status=204)


def list_statements() -> Response:
    running = workspace().view.running.list_running()
    return _json({"items": [_statement_as_json(each) for each in running]})


def post_statement_cancel(statement_id: str) -> Response:
    workspace().view.running.cancel(statement_id)
    return Response(status=202)


def query_as_json(query: SavedQuery) -> JsonObject:
    return {
        "query_id": query.query_id,
        "name": query.name,
        "sql": query.sql,
        "parameters": list(parameters_of(query.sql)),
        "created_at": instant(query.created_at),
        "changed_at": instant(query.changed_at),
    }


def _statement_as_json(statement: RunningStatement) -> JsonObject:
    seconds = round(statement.age.total_seconds(), 3)
    return {"statement_id": statement.statement_id, "sql": statement.sql, "seconds": seconds}


def _queries() -> SavedQueries:
    return SavedQueries(workspace().control)


def _read_query() -> tuple[str, str]:
    said = read_object(read_small_body(max_bytes=workspace().settings.max_body_bytes))
    for name in ("name", "sql"):
        if not isinstance(said.get(name), str):
            raise InvalidInput(f"the body has no {name}", field=name, hint='send {"name": "…", "sql": "select …"}')
    return said["name"], said["sql"]


def _json(facts: JsonObject, status: int = 200) -> Response:
    return Response(json.dumps(facts), status, content_type=JSON)


_SAVED = {
    "query_id": TEXT,
    "name": TEXT,
    "sql": TEXT,
    "parameters": {"type": "array", "items": TEXT, "description": "the $names in it"},
    "created_at": INSTANT,
    "changed_at": INSTANT,
}
_STATEMENT = {"statement_id": TEXT, "sql": TEXT, "seconds": {"type": "number", "description": "its age"}}
_ONE: JsonObject = {"type": "object", "properties": _SAVED, "required": list(_SAVED)}


def _list_of(item: JsonObject) -> JsonObject:
    return {"type": "object", "properties": {"items": {"type": "array", "items": item}}, "required": ["items"]}


SAVED_QUERY_SCHEMAS: JsonObject = {
    "SavedQuery": _ONE,
    "SavedQueryText": {"type": "object", "properties": {"name": TEXT, "sql": TEXT}, "required": ["name", "sql"]},
    "SavedQueryList": _list_of({"$ref": "#/components/schemas/SavedQuery"}),
    "StatementList": _list_of({"type": "object", "properties": _STATEMENT, "required": list(_STATEMENT)}),
}

_BODY = Body(
    schema="SavedQueryText",
    example={"name": "errors since", "sql": "select count(*) from actions where happened_at > $since"},
)

ROUTES = (
    Route(
        method="GET",
        path="/sql/queries",
        view=list_saved_queries,
        summary="List saved queries",
        detail="By name. Each has a page at /sql/queries/{query_id}.",
        answers=(Answer(status=200, meaning="all of them", schema="SavedQueryList"),),
    ),
    Route(
        method="POST",
        path="/sql/queries",
        view=post_saved_query,
        summary="Save a query",
        detail="Names differ: one that is taken is 409. The statement is not run.",
        body=_BODY,
        answers=(Answer(status=201, meaning="saved; Location is its address", schema="SavedQuery"),),
        errors=(409,),
    ),
    Route(
        method="GET",
        path="/sql/queries/{query_id}",
        view=get_saved_query,
        summary="Get a saved query",
        answers=(Answer(status=200, meaning="the query", schema="SavedQuery"),),
        errors=(404,),
    ),
    Route(
        method="PUT",
        path="/sql/queries/{query_id}",
        view=put_saved_query,
        summary="Rename or rewrite a saved query",
        body=_BODY,
        answers=(Answer(status=200, meaning="as it is now", schema="SavedQuery"),),
        errors=(404, 409),
    ),
    Route(
        method="DELETE",
        path="/sql/queries/{query_id}",
        view=delete_saved_query,
        summary="Delete a saved query",
        answers=(Answer(status=204, meaning="it is gone"),),
        errors=(404,),
    ),
    Route(
        method="GET",
        path="/sql/statements",
        view=list_statements,
        summary="List running statements",
        detail="The oldest first.",
        answers=(Answer(status=200, meaning="all of them", schema="StatementList"),),
    ),
    Route(
        method="POST",
        path="/sql/statements/{statement_id}/cancel",
        view=post_statement_cancel,
        summary="Cancel a running statement",
        detail="Its process is ended at once; whoever waits for it gets 422 query-cancelled.",
        answers=(Answer(status=202, meaning="it is being ended"),),
        errors=(404,),
    ),
)
