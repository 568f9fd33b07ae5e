"""``synclog runs``: which runs there are."""

from collections.abc import Iterator
from datetime import datetime
from itertools import islice

import click

from ingest.action import Progress, Status, parse_progress, parse_status
from query.lake_view import LakeView
from query.runs import Run, RunFilter, find_runs
from web.api.schemas import run_as_json
from web.commands.filters import INSTANT, WordType
from web.commands.invocation import Invocation
from web.commands.output import chosen_format, format_option, write_rows

COLUMNS = (
    "run_id",
    "integration",
    "configuration",
    "progress",
    "status",
    "begun_at",
    "duration_ms",
    "processed",
    "creates",
    "updates",
    "deletes",
    "unchanged",
    "infos",
    "warnings",
    "errors",
)
PAGE = 200


@click.command()
@click.option("--integration", help="Of this integration.")
@click.option("--configuration", help="Of this configuration.")
@click.option("--status", type=WordType("status", parse_status), help="Whose worst status is this.")
@click.option("--progress", type=WordType("progress", parse_progress), help="In this progress.")
@click.option("--since", type=INSTANT, help="Begun at this time or later.")
@click.option("--until", type=INSTANT, help="Begun before this time.")
@click.option("--limit", type=click.IntRange(min=1), default=50, help="How many at most.")
@format_option
@click.pass_obj
def runs(
    invocation: Invocation,
    integration: str | None,
    configuration: str | None,
    status: Status | None,
    progress: Progress | None,
    since: datetime | None,
    until: datetime | None,
    limit: int,
    output_format: str | None,
) -> None:
    """List runs, newest first.

    \b
    Example: what failed today
      synclog runs --status ERROR --since 2026-11-23
    """
    run_filter = RunFilter(
        integration=integration,
        configuration=configuration,
        progress=progress,
        status=status,
        since=since,
        until=until,
    )
    with invocation.open_to_look() as workspace:
        found = islice(_all_runs(workspace.view, run_filter, page=min(limit, PAGE)), limit)
        write_rows((run_as_json(run) for run in found), chosen_format(output_format), columns=COLUMNS)


def _all_runs(view: LakeView, run_filter: RunFilter, *, page: int) -> Iterator[Run]:
    cursor: str | None = None
    while True:
        found = find_runs(view, run_filter, limit=page, cursor=cursor)
        yield from found.items
        cursor = found.next_cursor
        if cursor is None:
            return
