"""The ``synclog`` command: its options, its subcommands, and what an error becomes.

Exit codes: 0 fine, 1 failed or something refused, 2 usage or settings, 130 interrupted.
"""

from pathlib import Path
from typing import Any

import click

from ingest.errors import SettingsError, SynclogError
from web.commands.actions import actions
from web.commands.backup import backup
from web.commands.compact import compact
from web.commands.compare import compare
from web.commands.demo import demo
from web.commands.doctor import doctor
from web.commands.invocation import Invocation
from web.commands.maintain import maintain
from web.commands.problems import problems
from web.commands.record import record
from web.commands.reindex import reindex
from web.commands.rejects import rejects
from web.commands.report import report
from web.commands.retain import retain
from web.commands.run import run
from web.commands.runs import runs
from web.commands.search import search
from web.commands.serve import serve
from web.commands.sql import sql
from web.commands.upload import upload
from web.commands.verify import verify

INTERRUPTED = 130


class Failed(click.ClickException):
    """An error of ours, in words on stderr."""

    def __init__(self, error: SynclogError) -> None:
        super().__init__(error.message + (f"\n{error.hint}" if error.hint else ""))


class WronglySet(Failed):
    """An error of a setting: the same as one of usage."""

    exit_code = 2


class Commands(click.Group):
    """A group that turns our errors into exit codes."""

    def invoke(self, ctx: click.Context) -> Any:  # as click declares it
        try:
            return super().invoke(ctx)
        except SynclogError as error:
            raise (WronglySet if isinstance(error, SettingsError) else Failed)(error) from error
        except KeyboardInterrupt:
            ctx.exit(INTERRUPTED)


@click.group(
    cls=Commands,
    context_settings={"auto_envvar_prefix": "SYNCLOG", "help_option_names": ["-h", "--help"], "show_default": True},
)
@click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    show_envvar=True,
    help="The data folder.  [default: ./synclog-data]",
)
@click.option(
    "--settings",
    "settings_file",
    type=click.Path(dir_okay=False, path_type=Path),
    show_envvar=True,
    help="A file of settings.  [default: ./synclog.toml, if there is one]",
)
@click.version_option(package_name="synclog", message="%(prog)s %(version)s")
@click.pass_context
def main(ctx: click.Context, data: Path | None, settings_file: Path | None) -> None:
    """The flight recorder for data synchronizations.

    \b
    Example: record a log, then look at it
      synclog upload nightly.ndjson
      synclog runs
      synclog serve
    """
    ctx.obj = Invocation(data=data, settings_file=settings_file)


for command in (
    serve,
    demo,
    upload,
    runs,
    run,
    actions,
    search,
    record,
    problems,
    compare,
    report,
    sql,
    verify,
    backup,
    doctor,
    reindex,
    compact,
    retain,
    maintain,
    rejects,
):
    main.add_command(command)
