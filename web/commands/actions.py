"""``synclog actions``: what a run did."""

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice

import click

from ingest.action import Operation, Status, parse_operation, parse_status
from query.action_matches import saying
from query.actions import Action, ActionFilter, find_actions
from query.lake_view import LakeView
from query.runs import get_run
from reports.wording import gone_phrase, unreadable_phrase
from web.api.schemas import action_as_json
from web.commands.filters import WordType
from web.commands.invocation import Invocation
from web.commands.output import chosen_format, format_option, write_rows

COLUMNS = ("happened_at", "operation", "status", "target_type", "target_name", "target_id", "code", "message")
PAGE = 1000


@click.command()
@click.argument("run_id")
@click.option(
    "--status", type=WordType("status", parse_status), multiple=True, help="With this status; may be repeated."
)
@click.option(
    "--operation",
    type=WordType("operation", parse_operation),
    multiple=True,
    help="With this operation; may be repeated.",
)
@click.option(
    "--search", help="With this text in message, code, names or ids, or with field:value; with - in front, without."
)
@click.option("--limit", type=click.IntRange(min=1), default=50, help="How many at most.")
@format_option
@click.pass_obj
def actions(
    invocation: Invocation,
    run_id: str,
    status: tuple[Status, ...],
    operation: tuple[Operation, ...],
    search: str | None,
    limit: int,
    output_format: str | None,
) -> None:
    """List the actions of a run in the order they happened.

    \b
    Example: everything that failed
      synclog actions nightly-7 --status ERROR --limit 1000
    """
    action_filter = saying(ActionFilter(statuses=status, operations=operation), search, now=datetime.now(UTC))
    with invocation.open_to_look() as workspace:
        run = get_run(workspace.view, run_id)
        found = islice(_all_actions(workspace.view, run_id, action_filter, page=min(limit, PAGE)), limit)
        write_rows((action_as_json(action) for action in found), chosen_format(output_format), columns=COLUMNS)
    if run.gone:
        click.echo(gone_phrase(run), err=True)
    if run.unreadable:
        click.echo(unreadable_phrase(run), err=True)


def _all_actions(view: LakeView, run_id: str, action_filter: ActionFilter, *, page: int) -> Iterator[Action]:
    cursor: str | None = None
    while True:
        found = find_actions(view, action_filter, run_id=run_id, limit=page, cursor=cursor)
        yield from found.items
        cursor = found.next_cursor
        if cursor is None:
            return
