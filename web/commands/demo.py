"""``synclog demo``: a data folder filled with bundled logs, and a server over it."""

from pathlib import Path

import click

from ingest.errors import SettingsError
from web.app import create_app
from web.commands.invocation import Invocation
from web.commands.serve import log_to_stderr
from web.demo import DEMO_LOGS, fill, pages_to_see
from web.maintenance import MaintenanceProcess
from web.serve import bind, leave
from web.serve import serve as serve_app
from web.warming import Warming
from web.workspace import open_workspace

DEMO_FOLDER = Path("synclog-demo")


@click.command()
@click.option("--host", help="The loopback address to listen on.  [default: 127.0.0.1]", show_envvar=True)
@click.option("--port", type=int, help="The port; 0 takes a free one.  [default: 8080]", show_envvar=True)
@click.pass_obj
def demo(invocation: Invocation, host: str | None, port: int | None) -> None:
    """Fill a fresh data folder with real logs, serve it, and say what to look at.

    The folder is ./synclog-demo unless --data names another; what it holds already is not recorded twice.

    \b
    Example:
      synclog demo --port 8080
    """
    if invocation.data is not None and _holds_something(invocation.data):
        raise SettingsError(
            f"{invocation.data} is not empty, and the demo fills a fresh data folder",
            field="data",
            hint="name a folder that does not exist yet, or leave --data out",
        )
    settings = invocation.settings(data=invocation.data or DEMO_FOLDER, host=host, port=port)
    log_to_stderr()
    with (
        bind(settings) as listener,
        open_workspace(settings, renew_index=True) as workspace,
        Warming(workspace.view),
        MaintenanceProcess(workspace.recorder, settings),
    ):
        click.echo(f"recording {len(DEMO_LOGS)} logs of rclone in {settings.data} …", err=True)
        fill(workspace.recorder)
        serve_app(create_app(workspace), listener, threads=settings.threads, announce=_announce)
    leave()


def _holds_something(folder: Path) -> bool:
    return folder.is_dir() and any(folder.iterdir())


def _announce(url: str) -> None:
    click.echo(url)
    click.echo("\nWhat to look at:", err=True)
    for page in pages_to_see(url):
        click.echo(f"  {page.address}\n      {page.meaning}", err=True)
