"""``synclog record``: what happened to one record, and what that comes to."""

from collections.abc import Iterator

import click

from query.actions import Action
from query.lake_view import LakeView
from query.paging import Page
from query.search import record_history
from reports.record_head import RecordHead
from reports.record_history import read_record_history
from web.api.record_shapes import head_as_json
from web.api.schemas import action_as_json
from web.api.search import ANY_TYPE
from web.commands.invocation import Invocation
from web.commands.output import OutputFormat, chosen_format, format_option, write_facts, write_rows, write_table
from web.commands.search import COLUMNS, PAGE

FACTS = ("names", "types", "actions", "runs", "first_at", "last_at", "last_good_at", "failing_since", "outcome")
STANDING_COLUMNS = (
    "integration", "configuration", "runs", "actions", "last_at", "status", "last_good_at", "failing_since",
)  # fmt: skip


@click.command()
@click.argument("record_type", metavar="TYPE")
@click.argument("record_id", metavar="ID")
@click.option("--limit", type=click.IntRange(min=1), default=50, help="How many actions at most.")
@click.option("--summary", is_flag=True, help="What they come to, instead of the actions.")
@format_option
@click.pass_obj
def record(
    invocation: Invocation, record_type: str, record_id: str, limit: int, summary: bool, output_format: str | None
) -> None:
    """List what was done to a record in all runs, as a source or as a target, latest first.

    A table begins with what it comes to: since when it fails, when it was last good, what goes to and fro. The type -
    stands for any.

    \b
    Example:
      synclog record leanix.Application 5d3c0f2e-7b1a-4f6e-9a55-0a4f8f0c7e11
    """
    kind = None if record_type == ANY_TYPE else record_type
    chosen = chosen_format(output_format)
    with invocation.open_to_look() as workspace:
        history = read_record_history(workspace.view, kind, record_id, limit=min(limit, PAGE))
        if chosen is OutputFormat.TABLE:
            _show(history.head)
        elif summary:
            write_rows([head_as_json(history.head)], chosen, columns=FACTS)
        if not summary:
            found = _actions(workspace.view, kind, record_id, history.page, limit)
            write_rows((action_as_json(action) for action in found), chosen, columns=COLUMNS)


def _show(head: RecordHead) -> None:
    row = head_as_json(head)
    write_facts({name: row[name] for name in FACTS if row[name] not in (None, [])})
    for flip in head.flip_flops:
        click.echo(f"\nFlip-flop: {flip.sentence}")
    if len(head.standings) > 1:
        click.echo()
        write_table(row["integrations"], STANDING_COLUMNS)
    click.echo()


def _actions(
    view: LakeView, record_type: str | None, record_id: str, page: Page[Action], limit: int
) -> Iterator[Action]:
    """So many, beginning with the page that was read already."""
    left = limit
    while True:
        yield from page.items[:left]
        left -= len(page.items)
        if left <= 0 or page.next_cursor is None:
            return
        page = record_history(view, record_type, record_id, limit=min(left, PAGE), cursor=page.next_cursor)
