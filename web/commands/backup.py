"""``synclog backup``: a copy of everything recorded, taken while others record."""

import sys
from datetime import UTC, datetime
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from ingest.backup import Backup, back_up, check_backup
from reports.wording import format_bytes, plural
from web.commands.invocation import Invocation


@click.command()
@click.argument("to", type=click.Path(file_okay=False, path_type=Path))
@click.option("--verify", "checks", is_flag=True, help="Read all of the copy afterwards and compare it.")
@click.pass_context
def backup(ctx: click.Context, to: Path, checks: bool) -> None:
    """Bring a copy of everything recorded up to date in a folder, on another disk perhaps.

    Everything acknowledged before it begins is in it. Only what is new is copied. To restore, copy the folder to where
    the data folder is to be and start synclog on it. Exit 1 when something could not be copied or is not as it was.

    \b
    Example:
      synclog backup /mnt/backup/synclog --verify
    """
    invocation: Invocation = ctx.obj
    with invocation.open_existing() as workspace, _bar() as bar:
        recorder = workspace.recorder
        task = bar.add_task("copying", total=None)
        done = back_up(
            recorder.lake,
            recorder.index,
            workspace.control,
            to,
            now=lambda: datetime.now(UTC),
            progress=lambda read, of: bar.update(task, completed=read, total=of),
        )
    click.echo(_summary(done), err=True)
    for batch_id, reason in sorted(done.missing.items()):
        click.echo(f"not copied: batch {batch_id}: {reason}", err=True)
    if not done.has_control:
        click.echo("not copied: the control database, which is not SQLite; back it up with its own tools", err=True)
    wrong = _check(to) if checks else []
    if done.missing or wrong:
        ctx.exit(1)


def _check(to: Path) -> list[str]:
    with _bar() as bar:
        task = bar.add_task("reading", total=None)
        wrong = check_backup(to, lambda read, of: bar.update(task, completed=read, total=of))
    for words in wrong:
        click.echo(words, err=True)
    click.echo(f"not well: {plural(len(wrong), 'file')}" if wrong else "every file of the copy is as written", err=True)
    return wrong


def _bar() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    return Progress(*columns, console=Console(file=sys.stderr), transient=True, disable=not sys.stderr.isatty())


def _summary(done: Backup) -> str:
    copied = format_bytes(sum(file.bytes for file in done.copied))
    return (
        f"{plural(len(done.copied), 'file')} copied, {copied}; {plural(len(done.kept), 'file')} there already; "
        f"{plural(done.removed, 'file')} removed"
    )
