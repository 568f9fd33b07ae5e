"""``synclog reindex``: the index anew from the lake."""

import click

from web.commands.invocation import Invocation


@click.command()
@click.pass_obj
def reindex(invocation: Invocation) -> None:
    """Throw the index away and rebuild it from the footers of all batches.

    \b
    Example:
      synclog reindex
    """
    with invocation.open_existing() as workspace:
        batches = workspace.recorder.reindex()
    click.echo(f"indexed {batches} batches", err=True)
