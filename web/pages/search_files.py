"""What a search finds as data: all of it, in the order of the page, read page by page."""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence

from ingest.schema import ACTION_SCHEMA
from query.actions import Action
from query.lake_view import LakeView
from query.search import Search, search_actions
from web.api.schemas import action_as_json

ROWS_AT_ONCE = 1000
CSV_COLUMNS = ("action_id", *(name for name in ACTION_SCHEMA.names if name not in ("batch_id", "row")))


def found_pages(view: LakeView, search: Search) -> Iterator[Sequence[Action]]:
    """Everything found, latest first. What is wrong with the search is raised here, before anything is sent."""
    first = search_actions(view, search, limit=ROWS_AT_ONCE)

    def pages() -> Iterator[Sequence[Action]]:
        found = first
        yield found.items
        while found.next_cursor is not None:
            found = search_actions(view, search, limit=ROWS_AT_ONCE, cursor=found.next_cursor)
            yield found.items

    return pages()


def write_hits_csv(pages: Iterable[Sequence[Action]]) -> Iterator[str]:
    """A line of column names, then one line an action; details as JSON text."""
    for number, actions in enumerate(pages):
        written = io.StringIO()
        writer = csv.DictWriter(written, CSV_COLUMNS, extrasaction="ignore", lineterminator="\n")
        if number == 0:
            writer.writeheader()
        writer.writerows({**action_as_json(action), "details": action.details} for action in actions)
        yield written.getvalue()


def write_hits_json(pages: Iterable[Sequence[Action]]) -> Iterator[str]:
    """The shape of the API's list, with all of them on one page."""
    yield '{"items": ['
    separator = ""
    for actions in pages:
        for action in actions:
            yield separator + json.dumps(action_as_json(action))
            separator = ",\n"
    yield '], "next_cursor": null}\n'
