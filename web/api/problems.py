"""Problems across runs over HTTP: the list, one of them, and what people keep of it."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime

from flask import Response

from ingest.errors import InvalidInput, ProblemNotFound
from query.lake_view import LakeView
from query.problem_history import list_occurrences
from query.problem_list import (
    DEFAULT_SORT,
    PROBLEM_SORTS,
    Known,
    ListedProblem,
    ProblemFilter,
    find_problems,
    list_problems,
)
from query.problem_states import ProblemState
from web.api.problem_shapes import listed_problem_as_json, occurrence_as_json
from web.api.query_parameters import CURSOR, LIMIT, SINCE, UNTIL, instant_of, limit_of, sort_of, status_of, text_of
from web.api.routes import JSON, Answer, Parameter, Route, workspace

OPEN = "open"
EVERYTHING = "all"
STATE_CHOICES = (OPEN, *ProblemState, EVERYTHING)
OPEN_STATES = tuple(state for state in ProblemState if state.is_open)


def get_problems() -> Response:
    here = workspace()
    known = here.known(datetime.now(UTC))
    wanted = read_problem_filter(tuple(here.causes.classes))
    page = find_problems(here.view, wanted, known, sort=problem_sort(), limit=limit_of(), cursor=text_of("cursor"))
    items = [listed_problem_as_json(each) for each in page.items]
    return Response(json.dumps({"items": items, "next_cursor": page.next_cursor}), content_type=JSON)


def get_problem(problem_id: str) -> Response:
    here = workspace()
    found = find_problem(here.view, here.known(datetime.now(UTC)), problem_id)
    items = [
        listed_problem_as_json(each)
        | {
            "advice": each.cause.advice,
            "who": each.cause.who,
            "latest_runs": [occurrence_as_json(run) for run in reversed(list_occurrences(here.view, each))],
        }
        for each in found
    ]
    body = {"problem_id": problem_id, "template": found[0].template, "items": items}
    return Response(json.dumps(body), content_type=JSON)


def find_problem(view: LakeView, known: Known, problem_id: str) -> Sequence[ListedProblem]:
    """The problem in each integration and configuration that has it, what is open first. Raises ProblemNotFound."""
    found = list_problems(view, ProblemFilter(problem_id=problem_id), known, sort=DEFAULT_SORT)
    if not found:
        raise ProblemNotFound(
            f"there is no problem {problem_id[:40]}", hint="GET /api/v1/problems lists those there are"
        )
    return found


def read_problem_filter(
    causes: Sequence[str], *, since: datetime | None = None, until: datetime | None = None
) -> ProblemFilter:
    """Which problems the query parameters ask for: open ones, unless they say otherwise."""
    cause = text_of("cause")
    if cause is not None and cause not in causes:
        raise InvalidInput(f"cause: {cause[:40]!r} is no class", field="cause", hint=f"one of {', '.join(causes)}")
    return ProblemFilter(
        integration=text_of("integration"),
        configuration=text_of("configuration"),
        states=states_of(),
        cause=cause,
        status=status_of(),
        q=text_of("q"),
        since=since or instant_of("since"),
        until=until or instant_of("until"),
    )


def states_of() -> tuple[ProblemState, ...]:
    text = (text_of("state") or OPEN).lower()
    if text not in STATE_CHOICES:
        raise InvalidInput(f"state: {text[:40]!r} is none", field="state", hint=f"one of {', '.join(STATE_CHOICES)}")
    return states_meant(text)


def states_meant(text: str) -> tuple[ProblemState, ...]:
    """What one of STATE_CHOICES stands for; all of them where it is empty."""
    if text == EVERYTHING:
        return ()
    return OPEN_STATES if text == OPEN else (ProblemState(text),)


def problem_sort() -> str:
    return sort_of(PROBLEM_SORTS, default=DEFAULT_SORT)


FILTERS = (
    Parameter(name="integration", meaning="of one integration"),
    Parameter(name="configuration", meaning="of one configuration"),
    Parameter(
        name="state",
        meaning="as of the latest runs; open is new, regressed or persisting",
        schema={"type": "string", "enum": list(STATE_CHOICES), "default": OPEN},
    ),
    Parameter(name="cause", meaning="the name of a class: permission, configuration, data, network, program, other"),
    Parameter(name="status", meaning="whose worst action has this status"),
    Parameter(name="q", meaning="words in template, example, code, id, note or ticket, in any case"),
    SINCE,
    UNTIL,
)

ROUTES = (
    Route(
        method="GET",
        path="/problems",
        view=get_problems,
        summary="Problems of every integration and configuration",
        detail=(
            "Failures whose messages differ in names, ids, numbers and times only, counted over all runs; last seen "
            "not before `since`, first seen before `until`. What deserves a look comes first, what people have muted "
            "or expect comes last."
        ),
        parameters=(
            *FILTERS,
            Parameter(
                name="sort",
                meaning="in front - for the greatest first",
                schema={"type": "string", "enum": [*PROBLEM_SORTS, *(f"-{name}" for name in PROBLEM_SORTS)]},
            ),
            LIMIT,
            CURSOR,
        ),
        answers=(Answer(status=200, meaning="a page", schema="ListedProblemPage"),),
    ),
    Route(
        method="GET",
        path="/problems/{problem_id}",
        view=get_problem,
        summary="One problem, in each integration and configuration that has it",
        detail="With what to do about it, and its latest runs, newest first, with and without it.",
        answers=(Answer(status=200, meaning="the problem", schema="ProblemEverywhere"),),
        errors=(404,),
    ),
)
