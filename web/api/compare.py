"""Two runs side by side over HTTP, and the records that differ."""

import json

from flask import Response

from ingest.errors import InvalidInput
from query.compare import Difference, compare_problems, count_records, find_records
from query.runs import get_run
from web.api.comparison_shapes import compared_record_as_json, comparison_as_json
from web.api.query_parameters import CURSOR, LIMIT, limit_of, text_of
from web.api.routes import JSON, Answer, Parameter, Route, workspace


def get_comparison() -> Response:
    view = workspace().view
    a, b = two_runs()
    earlier, later = get_run(view, a), get_run(view, b)
    found = comparison_as_json(earlier, later, compare_problems(view, earlier, later), count_records(view, a, b))
    return Response(json.dumps(found), content_type=JSON)


def get_compared_records() -> Response:
    a, b = two_runs()
    if (difference := difference_of()) is None:
        raise InvalidInput("difference is missing", field="difference", hint=f"one of {', '.join(Difference)}")
    page = find_records(workspace().view, a, b, difference, limit=limit_of(), cursor=text_of("cursor"))
    found = {"items": [compared_record_as_json(record) for record in page.items], "next_cursor": page.next_cursor}
    return Response(json.dumps(found), content_type=JSON)


def two_runs() -> tuple[str, str]:
    """The ids of the earlier and of the later run. Raises InvalidInput."""
    names = {name: text_of(name) for name in ("a", "b")}
    for name, run_id in names.items():
        if run_id is None:
            raise InvalidInput(f"{name} is missing", field=name, hint="a is the earlier run, b the later: ?a=…&b=…")
    return names["a"] or "", names["b"] or ""


def difference_of(name: str = "difference") -> Difference | None:
    text = text_of(name)
    if text is None:
        return None
    if text not in tuple(Difference):
        raise InvalidInput(f"{name} is one of {', '.join(Difference)}, not {text!r}", field=name)
    return Difference(text)


_RUNS = (
    Parameter(name="a", meaning="the id of the earlier run"),
    Parameter(name="b", meaning="the id of the later run"),
)

ROUTES = (
    Route(
        method="GET",
        path="/compare",
        view=get_comparison,
        summary="Two runs side by side",
        detail="Counters, problems that are new, persist or are gone, and how many records differ in which way. A"
        " record is the type and id of an action's source, else of its target, else the name of either.",
        parameters=_RUNS,
        answers=(Answer(status=200, meaning="what differs", schema="Comparison"),),
        errors=(404,),
    ),
    Route(
        method="GET",
        path="/compare/records",
        view=get_compared_records,
        summary="The records of two runs that differ in one way, by type and id",
        parameters=(
            *_RUNS,
            Parameter(
                name="difference",
                meaning="failing means an ERROR; vanished and appeared are records of one run only",
                schema={"type": "string", "enum": list(Difference)},
            ),
            LIMIT,
            CURSOR,
        ),
        answers=(Answer(status=200, meaning="a page", schema="ComparedRecordPage"),),
        errors=(404,),
    ),
)
