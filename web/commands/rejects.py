"""``synclog rejects``: the lines that could not be accepted, and why; mended, they are recorded after all."""

from datetime import datetime
from itertools import islice

import click

from query.rejects import RejectFilter, list_reject_groups, list_rejects
from reports.wording import plural, visible_text
from web.api.reject_shapes import group_as_json, preview_as_json, reject_as_json
from web.commands.filters import INSTANT
from web.commands.invocation import Invocation
from web.commands.output import chosen_format, format_option, write_rows
from web.mends import read_mend
from web.replays import Replay, preview_replay, replay
from web.workspace import Workspace

COLUMNS = ("received_at", "source", "run_id", "line", "field", "message", "raw")
GROUP_COLUMNS = ("source", "code", "field", "count", "runs", "last_at", "message")


@click.command()
@click.option("--source", help="From there: http, or the name of a file.")
@click.option("--run-id", help="Of this run.")
@click.option("--code", help="With this kind of fault, such as unknown-status.")
@click.option("--field", help="With the fault in this field.")
@click.option("--search", "q", help="With this text in the line, the reason or the source.")
@click.option("--since", type=INSTANT, help="Refused at or after this time.")
@click.option("--until", type=INSTANT, help="Refused before this time.")
@click.option("--id", "ids", multiple=True, help="This one, by its reject_id; may be repeated.")
@click.option("--replayed", is_flag=True, help="Those that were replayed, instead of those that were not.")
@click.option("--groups", is_flag=True, help="Count them by source, fault and field.")
@click.option("--replay", "is_replay", is_flag=True, help="Record those that are right, mended as said; each once.")
@click.option("--dry-run", is_flag=True, help="With --replay: show what the lines would become, and record nothing.")
@click.option("--map", "columns", multiple=True, metavar="FIELD=COLUMN", help="Which column of the lines is a field.")
@click.option("--value", "values", multiple=True, metavar="FIELD:SAID=MEANT", help="What a value means.")
@click.option("--default", "missing", multiple=True, metavar="FIELD=VALUE", help="What counts where nothing is said.")
@click.option("--time-format", help="How happened_at is written, as strptime has it: %d/%m/%Y %H:%M.")
@click.option("--limit", type=click.IntRange(min=1), default=50, help="How many are listed at most.")
@format_option
@click.pass_obj
def rejects(
    invocation: Invocation,
    source: str | None,
    run_id: str | None,
    code: str | None,
    field: str | None,
    q: str | None,
    since: datetime | None,
    until: datetime | None,
    ids: tuple[str, ...],
    replayed: bool,
    groups: bool,
    is_replay: bool,
    dry_run: bool,
    columns: tuple[str, ...],
    values: tuple[str, ...],
    missing: tuple[str, ...],
    time_format: str | None,
    limit: int,
    output_format: str | None,
) -> None:
    """List refused lines, the latest first; with --replay, mend them and record them after all.

    A line is replayed once, however often this is asked for. Lines that are still refused stay as they are.

    \b
    Example: what was refused, then a status nobody knew
      synclog rejects --groups
      synclog rejects --code unknown-status --replay --value status:fatal=ERROR --dry-run
    """
    chosen = RejectFilter(
        source=source, run_id=run_id, code=code, field=field, q=q, since=since, until=until, ids=ids,
        is_replayed=replayed,
    )  # fmt: skip
    mend = read_mend(columns=columns, values=values, missing=missing, time_format=time_format)
    form = chosen_format(output_format)
    records = is_replay and not dry_run
    with invocation.open_existing() if records else invocation.open_to_look() as workspace:
        if is_replay and dry_run:
            preview = preview_as_json(preview_replay(workspace, chosen, mend))
            write_rows(preview["lines"], form, columns=("reject_id", "reason", "action"))
            click.echo(f"{preview['right']:,} would be recorded, {preview['refused']:,} are still refused", err=True)
        elif is_replay:
            _tell(replay(workspace, chosen, mend))
        elif groups:
            found = list_reject_groups(workspace.view, chosen)
            write_rows((group_as_json(group) for group in found.groups), form, columns=GROUP_COLUMNS)
        else:
            _list(workspace, chosen, limit, output_format)


def _list(workspace: Workspace, chosen: RejectFilter, limit: int, output_format: str | None) -> None:
    found = (reject_as_json(listed) for listed in list_rejects(workspace.view, chosen, limit=limit))
    write_rows(islice(found, limit), chosen_format(output_format), columns=COLUMNS)


def _tell(done: Replay) -> None:
    """What a replay did, to stderr; exit code 1 when lines are still refused."""
    click.echo(f"{plural(done.replayed, 'line')} recorded, {plural(done.refused, 'line')} still refused", err=True)
    for reason, count in done.reasons:
        click.echo(f"{count:>9,}  {visible_text(reason)}", err=True)
    if done.refused:
        click.get_current_context().exit(1)
