"""``synclog verify``: is everything on disk that should be?"""

from collections.abc import Sequence

import click

from ingest.care import Finding
from ingest.care import set_aside as take_aside
from ingest.care import verify as find_damage
from ingest.recorder import Recorder
from ingest.upkeep import Duty, note_done, note_failed
from reports.wording import plural
from web.commands.invocation import Invocation
from web.commands.output import chosen_format, format_option, write_rows
from web.commands.progress import bar_of_bytes

COLUMNS = ("path", "problem", "advice")


@click.command()
@click.option("--set-aside", is_flag=True, help="Take damaged files out of the lake, with a note of what was in them.")
@format_option
@click.pass_context
def verify(ctx: click.Context, set_aside: bool, output_format: str | None) -> None:
    """Read every file and compare it with what was written; exit 1 when something is wrong.

    A damaged file is left out of pages, search and SQL from then on, while counters still count what was in it. Once
    the whole file is back, from a backup perhaps, the next verify lets it be read again. A damaged token index, by
    which searches find their way, is made anew.

    \b
    Example:
      synclog verify
      synclog verify --set-aside
    """
    invocation: Invocation = ctx.obj
    with invocation.open_existing() if set_aside else invocation.open_to_look() as workspace:
        with bar_of_bytes() as bar:
            task = bar.add_task("reading", total=None)
            findings = find_damage(workspace.recorder, lambda done, of: bar.update(task, completed=done, total=of))
        _note(workspace.recorder, findings)
        if set_aside:
            findings = take_aside(workspace.recorder, findings)
    if not findings:
        click.echo("every batch is whole, and the index agrees with all of them", err=True)
        return
    rows = [
        {
            "kind": finding.kind,
            "batch_id": finding.batch_id,
            "path": str(finding.path),
            "problem": finding.problem,
            "advice": finding.advice,
            "aside": None if finding.aside is None else str(finding.aside),
        }
        for finding in findings
    ]
    write_rows(rows, chosen_format(output_format), columns=COLUMNS)
    click.echo(_summary(findings), err=True)
    ctx.exit(1)


def _note(recorder: Recorder, findings: Sequence[Finding]) -> None:
    """For the doctor."""
    if findings:
        reason = f"{plural(len(findings), 'file')} not well"
        note_failed(recorder.index, Duty.VERIFY, now_us=recorder.now_us(), reason=reason)
    else:
        note_done(recorder.index, Duty.VERIFY, now_us=recorder.now_us())


def _summary(findings: Sequence[Finding]) -> str:
    aside = [finding.aside for finding in findings if finding.aside is not None]
    said = f"not well: {plural(len(findings), 'file')}"
    if aside:
        said += f"; {plural(len(aside), 'file')} set aside in {aside[0].parent}"
    return said
