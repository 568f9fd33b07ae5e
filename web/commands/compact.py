"""``synclog compact``: many small batches become few large ones, now."""

import sys
from collections import Counter
from dataclasses import asdict

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from ingest.compaction import GRACE_SECONDS, Merge
from ingest.errors import LakeUnavailable
from reports.wording import format_bytes, format_count
from web.commands.invocation import Invocation
from web.commands.output import chosen_format, format_option, write_rows

COLUMNS = ("kind", "batches", "rows", "bytes_before", "bytes_after")


@click.command()
@click.option(
    "--grace",
    "grace_seconds",
    type=click.FloatRange(min=0),
    default=GRACE_SECONDS,
    help="Delete the files of batches replaced longer ago than so many seconds.",
)
@format_option
@click.pass_obj
def compact(invocation: Invocation, grace_seconds: float, output_format: str | None) -> None:
    """Merge small batches into large ones, sorted by run, while others write and read.

    A running server does the same by itself, little by little. Prints a row for each merge.

    \b
    Example:
      synclog compact
    """
    with invocation.open_existing() as workspace:
        compactor = workspace.recorder.compactor()
        if not compactor.lead():
            raise LakeUnavailable(
                "another process compacts this lake", hint="a running server does so by itself; try again in a minute"
            )
        try:
            with _bar() as bar:
                task = bar.add_task("merging", total=None)
                merges = list(
                    compactor.compact(
                        everything=True, progress=lambda done, of: bar.update(task, completed=done, total=of)
                    )
                )
            freed = compactor.sweep(grace_seconds)
        finally:
            compactor.resign()
    write_rows([asdict(merge) for merge in merges], chosen_format(output_format), columns=COLUMNS)
    click.echo(_summary(merges, freed), err=True)


def _bar() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=Console(file=sys.stderr), transient=True, disable=not sys.stderr.isatty())


def _summary(merges: list[Merge], freed: int) -> str:
    sums: Counter[str] = Counter()
    for merge in merges:
        sums.update({"batches": merge.batches, "before": merge.bytes_before, "after": merge.bytes_after})
    if not merges:
        return f"nothing to merge; {format_bytes(freed)} of replaced batches deleted"
    return (
        f"{format_count(sums['batches'])} batches became {format_count(len(merges))}, "
        f"{format_bytes(sums['before'])} became {format_bytes(sums['after'])}; "
        f"{format_bytes(freed)} of replaced batches deleted"
    )
