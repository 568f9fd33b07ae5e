"""``synclog verify``: is everything on disk that should be?"""

import click

from ingest.care import verify as find_damage
from web.commands.invocation import Invocation
from web.commands.output import chosen_format, format_option, write_rows

COLUMNS = ("path", "problem")


@click.command()
@format_option
@click.pass_context
def verify(ctx: click.Context, output_format: str | None) -> None:
    """Check every batch against its footer and the index; exit 1 when something is wrong.

    \b
    Example:
      synclog verify
    """
    invocation: Invocation = ctx.obj
    with invocation.open_existing() as workspace:
        findings = find_damage(workspace.recorder)
    if not findings:
        click.echo("every batch is whole, and the index agrees with all of them", err=True)
        return
    rows = [{"path": str(finding.path), "problem": finding.problem} for finding in findings]
    write_rows(rows, chosen_format(output_format), columns=COLUMNS)
    ctx.exit(1)
