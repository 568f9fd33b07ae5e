"""``synclog reindex``: the index anew from the lake."""

import click

from ingest.index_file import WHAT_IS_LOST, with_index_anew
from web.commands.invocation import Invocation


@click.command()
@click.pass_obj
def reindex(invocation: Invocation) -> None:
    """Throw the index away and rebuild it from the footers of all batches.

    A damaged one is moved aside. Servers may go on meanwhile.

    \b
    Example:
      synclog reindex
    """

    def rebuild() -> int:
        with invocation.open_existing() as workspace:
            return workspace.recorder.reindex()

    batches, moved = with_index_anew(rebuild)
    if moved:
        names = ", ".join(str(path) for path in moved)
        click.echo(f"the index was damaged and is now {names}, of no use any more; {WHAT_IS_LOST}", err=True)
    click.echo(f"indexed {batches} batches", err=True)
