"""Runs as data: every run a filter finds, read page by page, so that the list may be of any length."""

import csv
import io
import json
from collections.abc import Iterator

from query.lake_view import LakeView
from query.runs import COUNTERS, Run, RunFilter, find_runs
from web.api.schemas import run_as_json

ROWS_AT_ONCE = 500
CSV_COLUMNS = (
    *("run_id", "integration", "configuration", "trigger", "scope", "progress", "status"),
    *("begun_at", "ended_at", "duration_ms", *COUNTERS, "expected", "gone", "message"),
)


def write_runs_csv(view: LakeView, run_filter: RunFilter, *, sort: str) -> Iterator[str]:
    """A line of column names, then one line a run."""
    for number, runs in enumerate(_pages(view, run_filter, sort)):
        written = io.StringIO()
        writer = csv.DictWriter(written, CSV_COLUMNS, extrasaction="ignore", lineterminator="\n")
        if number == 0:
            writer.writeheader()
        writer.writerows(run_as_json(run) for run in runs)
        yield written.getvalue()


def write_runs_json(view: LakeView, run_filter: RunFilter, *, sort: str) -> Iterator[str]:
    """The shape of the API's list, with all runs on one page."""
    yield '{"items": ['
    separator = ""
    for runs in _pages(view, run_filter, sort):
        for run in runs:
            yield separator + json.dumps(run_as_json(run))
            separator = ",\n"
    yield '], "next_cursor": null}\n'


def _pages(view: LakeView, run_filter: RunFilter, sort: str) -> Iterator[list[Run]]:
    found = find_runs(view, run_filter, sort=sort, limit=ROWS_AT_ONCE)
    yield found.items
    while found.next_cursor is not None:
        found = find_runs(view, run_filter, sort=sort, limit=ROWS_AT_ONCE, cursor=found.next_cursor)
        yield found.items
