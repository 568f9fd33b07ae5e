"""``synclog rejects``: the lines that could not be accepted, and why."""

from collections.abc import Iterator
from itertools import islice

import click

from ingest.lake import Lake
from web.api.schemas import JsonObject, instant
from web.commands.invocation import Invocation
from web.commands.output import chosen_format, format_option, write_rows

COLUMNS = ("received_at", "source", "run_id", "line", "field", "message", "raw")


@click.command()
@click.option("--run-id", help="Of this run.")
@click.option("--limit", type=click.IntRange(min=1), default=50, help="How many at most.")
@format_option
@click.pass_obj
def rejects(invocation: Invocation, run_id: str | None, limit: int, output_format: str | None) -> None:
    """List refused lines, the latest request first.

    \b
    Example:
      synclog rejects --limit 10
    """
    with invocation.open_existing() as workspace:
        kept = _all_rejects(workspace.recorder.lake)
        found = (row for row in kept if run_id is None or row["run_id"] == run_id)
        write_rows(islice(found, limit), chosen_format(output_format), columns=COLUMNS)


def _all_rejects(lake: Lake) -> Iterator[JsonObject]:
    for batch_id in sorted(lake.list_ids("rejects"), reverse=True):
        for row in lake.read("rejects", batch_id).to_pylist():
            yield {**row, "received_at": instant(row["received_at"])}
