"""``synclog backup``: a copy of everything recorded, taken while others record."""

import shlex
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import click

from ingest.backup import Backup, back_up, take_over
from ingest.backup_manifest import CheckedBackup, check_backup, check_control, has_its_bytes, has_its_size
from ingest.errors import LakeUnavailable
from ingest.recorder import Recorder
from ingest.upkeep import Duty, note_done, note_failed
from reports.wording import format_bytes, plural
from web.commands.invocation import Invocation
from web.commands.progress import bar_of_bytes
from web.workspace import Workspace


@click.command()
@click.argument("to", type=click.Path(file_okay=False, path_type=Path))
@click.option("--verify", "reads", is_flag=True, help="Also read all of the copy; copy anew what is not as it was.")
@click.option("--verify-only", is_flag=True, help="Only read the copy and compare it; needs no data folder.")
@click.option(
    "--take-over", "takes_over", is_flag=True, help="Go on with the backup this data folder was restored from."
)
@click.pass_context
def backup(ctx: click.Context, to: Path, reads: bool, verify_only: bool, takes_over: bool) -> None:
    """Bring a copy of everything recorded up to date in a folder, on another disk perhaps.

    Everything acknowledged before it begins is in it. Only what is new is copied. To restore, copy the folder to where
    the data folder is to be and start synclog on it. Exit 1 when something is damaged, here or in the copy.

    \b
    Example:
      synclog backup /mnt/backup/synclog --verify
      synclog backup /mnt/backup/synclog --verify-only
    """
    if verify_only:
        if reads or takes_over:
            raise click.UsageError("--verify-only goes with no other option")
        wrong = _check(to)
    else:
        invocation: Invocation = ctx.obj
        with invocation.open_existing() as workspace:
            done = _back_up(workspace, to, reads=reads, takes_over=takes_over)
            broken = check_control(to) if reads else []
            _note(workspace.recorder, to, damaged=len(done.damaged) + len(broken))
        click.echo(_summary(done), err=True)
        wrong = [*_found(done, to), *broken]
        for words in wrong:
            click.echo(words, err=True)
        if not done.has_control:
            click.echo("not copied: the control database, which is not SQLite; back it up with its own tools", err=True)
        if reads and not wrong:
            click.echo("every file of the copy is as written", err=True)
    if wrong:
        ctx.exit(1)


def _back_up(workspace: Workspace, to: Path, *, reads: bool, takes_over: bool) -> Backup:
    recorder = workspace.recorder
    if takes_over:
        take_over(recorder.lake, to)
    with bar_of_bytes() as bar:
        task = bar.add_task("copying", total=None)
        try:
            return back_up(
                recorder.lake,
                recorder.index,
                workspace.control,
                to,
                now=lambda: datetime.now(UTC),
                fit=has_its_bytes if reads else has_its_size,
                progress=lambda read, of: bar.update(task, completed=read, total=of),
            )
        except LakeUnavailable as error:
            with suppress(LakeUnavailable):
                note_failed(recorder.index, Duty.BACKUP, now_us=recorder.now_us(), reason=error.message)
            raise


def _note(recorder: Recorder, to: Path, *, damaged: int) -> None:
    """For the doctor, who tells when the last whole backup was, and where it is."""
    if damaged:
        reason = f"{plural(damaged, 'file')} not well, for {to.resolve()}"
        note_failed(recorder.index, Duty.BACKUP, now_us=recorder.now_us(), reason=reason)
    else:
        note_done(recorder.index, Duty.BACKUP, now_us=recorder.now_us(), note=str(to.resolve()))


def _found(done: Backup, to: Path) -> Iterator[str]:
    """What is damaged, and what to do about it."""
    for path in done.mended:
        yield f"{path} is not what was copied: copied anew, and whole again"
    for each in done.damaged:
        yield f"damaged: {each.problem if str(each.path) in each.problem else f'{each.path}: {each.problem}'}"
        if each.earlier:
            put_back = shlex.join(["cp", "-f", str(each.earlier), str(each.path)])
            yield f"  an earlier backup has a good copy, which stays: {put_back}, then synclog verify"
        else:
            yield f"  {to} has no good copy of it: look for one in other backups, and see synclog verify"


def _check(to: Path) -> Sequence[str]:
    with bar_of_bytes() as bar:
        task = bar.add_task("reading", total=None)
        found = check_backup(to, lambda read, of: bar.update(task, completed=read, total=of))
    for words in found.wrong:
        click.echo(words, err=True)
    click.echo(_not_well(found, to) if found.wrong else _all_well(found), err=True)
    return found.wrong


def _not_well(found: CheckedBackup, to: Path) -> str:
    return (
        f"not well: {plural(len(found.wrong), 'file')}. Of a backup, synclog backup {to} --verify copies them anew; "
        "to a restored folder, copy them from the backup again"
    )


def _all_well(found: CheckedBackup) -> str:
    held = f"{plural(found.rows.get('actions', 0), 'action')}, {plural(found.rows.get('runs', 0), 'event')} of runs"
    return (
        f"every file of the copy is as written: {plural(found.files, 'file')} with {held}, "
        f"{plural(found.rows.get('rejects', 0), 'reject')}, copied of {found.of} at {found.made_at}"
    )


def _summary(done: Backup) -> str:
    copied = format_bytes(sum(file.bytes for file in done.copied))
    return (
        f"{plural(len(done.copied), 'file')} copied, {copied}; {plural(len(done.kept), 'file')} there already; "
        f"{plural(done.removed, 'file')} removed"
    )
