"""``synclog compact``: many small batches become few large ones, now."""

from collections import Counter
from dataclasses import asdict

import click

from ingest.compaction import Merge
from reports.wording import format_bytes, format_count
from web.commands.invocation import Invocation
from web.commands.output import chosen_format, format_option, write_rows
from web.commands.progress import bar_of_steps
from web.commands.turn import grace_option, leading, leftover_sentence, wait_option

COLUMNS = ("kind", "batches", "rows", "bytes_before", "bytes_after")


@click.command()
@grace_option
@wait_option
@format_option
@click.pass_obj
def compact(invocation: Invocation, grace_seconds: float, wait_seconds: float, output_format: str | None) -> None:
    """Merge small batches into large ones, while others write and read.

    In a large one lies together what is read together: first the oldest actions of each large run, then failures by
    run, then the rest by record. A running server does the same by itself, little by little; it makes way for this.
    Prints a row for each merge.

    \b
    Example:
      synclog compact
    """
    with invocation.open_existing() as workspace, leading(workspace, wait_seconds) as compactor:
        with bar_of_steps() as bar:
            task = bar.add_task("merging", total=None)
            merges = list(
                compactor.compact(everything=True, progress=lambda done, of: bar.update(task, completed=done, total=of))
            )
        freed = compactor.sweep(grace_seconds)
        left = leftover_sentence(compactor)
    write_rows([asdict(merge) for merge in merges], chosen_format(output_format), columns=COLUMNS)
    click.echo(_summary(merges, freed), err=True)
    if left:
        click.echo(left, err=True)


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
