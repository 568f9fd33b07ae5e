"""``synclog retain``: remove what the rules of retention say is too old, or only list it."""

from collections import Counter
from datetime import UTC, datetime

import click

from ingest.compaction import Compactor
from ingest.retention import Due, Plan, Removal, carry_out, plan, total
from ingest.timestamps import from_microseconds
from reports.wording import format_bytes, format_count, plural
from web.api.schemas import JsonObject, instant
from web.commands.invocation import Invocation
from web.commands.output import chosen_format, format_option, write_rows
from web.commands.progress import bar_of_steps
from web.commands.turn import grace_option, leading, leftover_sentence, wait_option
from web.workspace import Workspace

COLUMNS = ("integration", "outcome", "rows", "bytes", "oldest_at")
NO_RULES = "there are no rules of retention, so nothing is ever removed; [retention] tables in synclog.toml make some"


@click.command()
@click.option("--dry-run", is_flag=True, help="Only list what would be removed.")
@grace_option
@wait_option
@format_option
@click.pass_context
def retain(
    ctx: click.Context, dry_run: bool, grace_seconds: float, wait_seconds: float, output_format: str | None
) -> None:
    """Remove actions and rejects that are older than the rules of retention allow.

    A running server does the same by itself, once a day, and makes way for this. What was counted of them stays, and
    so do the first and the last example of each problem. Prints a row for each integration and outcome.

    \b
    Example: what would be removed?
      synclog retain --dry-run
    """
    invocation: Invocation = ctx.obj
    dues: list[Due] = []
    left = 0
    with invocation.open_existing() as workspace:
        if not workspace.settings.retention.remove_something:
            click.echo(NO_RULES, err=True)
        elif dry_run:
            dues = _plan(workspace).dues
            click.echo(f"{_amount(dues)} would be removed; nothing was", err=True)
        else:
            with leading(workspace, wait_seconds) as compactor:
                planned, removals = _remove(workspace, compactor)
                freed = compactor.sweep(grace_seconds)
                leftover = leftover_sentence(compactor)
            dues = total(due for removal in removals for due in removal.dues)
            click.echo(_summary(dues, removals, freed), err=True)
            if leftover:
                click.echo(leftover, err=True)
            left = len(planned.batches) - sum(removal.batches for removal in removals)
    write_rows([_as_json(due) for due in dues], chosen_format(output_format), columns=COLUMNS)
    if left:
        click.echo(f"{plural(left, 'batch', 'batches')} could not be changed: see synclog verify", err=True)
        ctx.exit(1)


def _plan(workspace: Workspace) -> Plan:
    recorder = workspace.recorder
    with bar_of_steps() as bar:
        task = bar.add_task("looking", total=None)
        return plan(
            recorder.lake,
            recorder.index,
            workspace.settings.retention,
            now=datetime.now(UTC),
            progress=lambda done, of: bar.update(task, completed=done, total=of),
        )


def _remove(workspace: Workspace, compactor: Compactor) -> tuple[Plan, list[Removal]]:
    planned = _plan(workspace)
    with bar_of_steps() as bar:
        task = bar.add_task("removing", total=None)
        removals = carry_out(planned, compactor, progress=lambda done, of: bar.update(task, completed=done, total=of))
        return planned, list(removals)


def _as_json(due: Due) -> JsonObject:
    return {
        "integration": due.integration,
        "outcome": due.outcome,
        "rows": due.rows,
        "bytes": due.bytes,
        "oldest_at": instant(from_microseconds(due.oldest_us)),
    }


def _amount(dues: list[Due]) -> str:
    rows, size = sum(due.rows for due in dues), sum(due.bytes for due in dues)
    return f"{plural(rows, 'row')}, about {format_bytes(size)}," if rows else "no row"


def _summary(dues: list[Due], removals: list[Removal], freed: int) -> str:
    sums: Counter[str] = Counter()
    for removal in removals:
        sums.update({"batches": removal.batches, "before": removal.bytes_before, "after": removal.bytes_after})
    if not removals:
        return f"nothing is due; {format_bytes(freed)} of replaced batches deleted"
    return (
        f"{plural(sum(due.rows for due in dues), 'row')} removed: {format_count(sums['batches'])} batches became "
        f"{format_count(len(removals))}, {format_bytes(sums['before'])} became {format_bytes(sums['after'])}; "
        f"{format_bytes(freed)} of replaced batches deleted"
    )
