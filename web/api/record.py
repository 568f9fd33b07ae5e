"""The history of a record over HTTP."""

import json

from flask import Response

from query.search import record_history
from reports.record_history import LOOKED_AT, read_record_history
from web.api.query_parameters import CURSOR, LIMIT, limit_of, text_of
from web.api.record_shapes import head_as_json
from web.api.routes import JSON, Answer, Route, workspace
from web.api.schemas import actions_page_as_json
from web.api.search import ANY_TYPE


def get_record(record_type: str, record_id: str) -> Response:
    kind = None if record_type == ANY_TYPE else record_type
    view, cursor = workspace().view, text_of("cursor")
    if cursor is not None:
        page = record_history(view, kind, record_id, limit=limit_of(), cursor=cursor)
        return Response(json.dumps({**actions_page_as_json(page), "record": None}), content_type=JSON)
    history = read_record_history(view, kind, record_id, limit=limit_of())
    found = {**actions_page_as_json(history.page), "record": head_as_json(history.head)}
    return Response(json.dumps(found), content_type=JSON)


ROUTES = (
    Route(
        method="GET",
        path="/records/{record_type}/{record_id*}",
        view=get_record,
        summary="What was done to a record, in all runs, latest first",
        detail=f"As a source or as a target. The type `{ANY_TYPE}` stands for any. The first page has the figures of"
        f" the record, told from its latest {LOOKED_AT:,} actions.",
        parameters=(LIMIT, CURSOR),
        answers=(Answer(status=200, meaning="a page", schema="RecordPage"),),
    ),
)
