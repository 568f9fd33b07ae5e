"""``synclog search``: actions across runs, latest first."""

import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import chain, islice

import click
from rich.console import Console

from ingest.action import Operation, Status, parse_operation, parse_status
from query.actions import Action
from query.lake_view import LakeView
from query.search import Search, looked_back_to, search_actions, stream_search
from query.search_fields import Match, looking_for
from reports.wording import iso_datetime
from web.api.schemas import action_as_json
from web.commands.filters import INSTANT, WordType
from web.commands.invocation import Invocation
from web.commands.output import chosen_format, format_option, write_rows

COLUMNS = (
    "happened_at", "run_id", "operation", "status", "target_type", "target_name", "target_id", "code", "message",
)  # fmt: skip
PAGE = 1000
SECONDS = 1.0
"""After which what was found until then is written, and how far back that was."""


@click.command()
@click.argument("text")
@click.option(
    "--match",
    type=click.Choice([member.value for member in Match]),
    default=Match.WORDS.value,
    help='Words, "phrases" and field:value; a substring; or a regular expression.',
)
@click.option(
    "--status", type=WordType("status", parse_status), multiple=True, help="With this status; may be repeated."
)
@click.option(
    "--operation",
    type=WordType("operation", parse_operation),
    multiple=True,
    help="With this operation; may be repeated.",
)
@click.option("--integration", help="Of runs of this integration.")
@click.option("--run", "run_id", help="Of this run.")
@click.option("--since", type=INSTANT, help="That happened at or after this time.")
@click.option("--until", type=INSTANT, help="That happened before this time.")
@click.option("--limit", type=click.IntRange(min=1), default=50, help="How many at most.")
@click.option("--all", "everything", is_flag=True, help="Everything there is, written as it is found.")
@format_option
@click.pass_obj
def search(
    invocation: Invocation,
    text: str,
    match: str,
    status: tuple[Status, ...],
    operation: tuple[Operation, ...],
    integration: str | None,
    run_id: str | None,
    since: datetime | None,
    until: datetime | None,
    limit: int,
    everything: bool,
    output_format: str | None,
) -> None:
    """Find actions of any run by what they say, latest first.

    Words, "phrases in double quotes", field:value and field:one,other; each with - in front where it is not wanted, and
    with * behind for how it begins. After -- a text may begin with a minus. Fields are status, operation, message,
    code, name, record, type, integration, configuration, trigger, run, problem, since and until.

    \b
    Example: what happened to a record, and who else failed like that
      synclog search 1a2f30c1dbd21300
      synclog search 'status:error "no permission" -retry since:7d'
    """
    wanted = looking_for(
        Search(statuses=status, operations=operation, integration=integration, run_id=run_id, since=since, until=until),
        text,
        Match(match),
        now=datetime.now(UTC),
    )
    with invocation.open_to_look() as workspace:
        view = workspace.view
        found = chain.from_iterable(stream_search(view, wanted)) if everything else _newest(view, wanted, limit)
        write_rows((action_as_json(action) for action in found), chosen_format(output_format), columns=COLUMNS)


def _newest(view: LakeView, wanted: Search, limit: int) -> Iterator[Action]:
    """So many actions, page after page; at a terminal it says how far back it has looked."""

    def pages() -> Iterator[list[Action]]:
        cursor: str | None = None
        asked = min(limit, PAGE)
        with Console(stderr=True, quiet=not sys.stderr.isatty()).status("looking") as shown:
            while True:
                page = search_actions(view, wanted, limit=asked, cursor=cursor, seconds=SECONDS)
                yield page.items
                if (back_to := looked_back_to(page, asked)) is not None:
                    shown.update(f"looked back to {iso_datetime(back_to)}")
                cursor = page.next_cursor
                if cursor is None:
                    return

    return islice(chain.from_iterable(pages()), limit)
