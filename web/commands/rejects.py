"""``synclog rejects``: the lines that could not be accepted, and why."""

from collections.abc import Iterator
from itertools import islice

import click

from ingest.errors import BatchDamaged
from ingest.recorder import Recorder
from ingest.suspects import mark_if_damaged
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
        kept = _all_rejects(workspace.recorder)
        found = (row for row in kept if run_id is None or row["run_id"] == run_id)
        write_rows(islice(found, limit), chosen_format(output_format), columns=COLUMNS)


def _all_rejects(recorder: Recorder) -> Iterator[JsonObject]:
    for batch in reversed(recorder.index.list_live("rejects")):
        for row in _read(recorder, batch.batch_id):
            yield {**row, "received_at": instant(row["received_at"])}


def _read(recorder: Recorder, batch_id: str) -> list[JsonObject]:
    try:
        return recorder.lake.read("rejects", batch_id).to_pylist()  # type: ignore[no-any-return]  # pyarrow has no types
    except BatchDamaged:
        mark_if_damaged(recorder.lake, recorder.index, "rejects", [batch_id], now_us=recorder.now_us())
        raise
