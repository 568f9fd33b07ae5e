"""Addresses that differ from the present one in some of their arguments."""

from collections.abc import Iterable, Mapping
from urllib.parse import quote, urlencode

from werkzeug.datastructures import MultiDict

from web.api.search import ANY_TYPE

Arguments = MultiDict[str, str]


def path_of_run(run_id: str) -> str:
    return "/runs/" + quote(run_id, safe="")


def path_of_record(record_type: str | None, record_id: str) -> str:
    """Of its history. A type with a slash could not be told from the id; dots alone are steps in a path."""
    known = record_type if record_type and "/" not in record_type else ANY_TYPE
    if {known, record_id} & {".", "..", ""}:
        return "/records?" + urlencode({"type": record_type or ANY_TYPE, "id": record_id})
    return f"/records/{quote(known, safe='')}/{quote(record_id, safe='')}"


def path_of_problem(problem_id: str, integration: str, configuration: str | None) -> str:
    """Of a problem where it occurs."""
    names = {"integration": integration, "configuration": configuration}
    return address("/problems/" + quote(problem_id, safe=""), MultiDict(), names)


def said(arguments: Arguments, *, without: Iterable[str] = ()) -> Arguments:
    """The arguments that say something: forms also send the fields nobody filled in."""
    left_out = set(without)
    return MultiDict(
        [(name, text) for name, text in arguments.items(multi=True) if text.strip() and name not in left_out]
    )


def address(path: str, arguments: Arguments, changes: Mapping[str, str | None] | None = None) -> str:
    """The path with these arguments, some of them changed, or dropped where the change is None."""
    changed = changes or {}
    kept = [(name, text) for name, text in said(arguments).items(multi=True) if name not in changed]
    query = urlencode(kept + [(name, text) for name, text in changed.items() if text is not None])
    return f"{path}{'&' if '?' in path else '?'}{query}" if query else path
