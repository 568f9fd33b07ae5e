"""``synclog serve``: pages and API on this machine."""

import logging

import click

from web.app import create_app
from web.commands.invocation import Invocation
from web.maintenance import MaintenanceProcess
from web.serve import bind, leave
from web.serve import serve as serve_app
from web.warming import Warming
from web.workspace import open_workspace


@click.command()
@click.option("--host", help="The loopback address to listen on.  [default: 127.0.0.1]", show_envvar=True)
@click.option("--port", type=int, help="The port; 0 takes a free one.  [default: 8080]", show_envvar=True)
@click.pass_obj
def serve(invocation: Invocation, host: str | None, port: int | None) -> None:
    """Serve pages and API; prints the URL once it answers.

    \b
    Example:
      synclog serve --port 8080
    """
    settings = invocation.settings(host=host, port=port)
    log_to_stderr()
    with (
        bind(settings) as listener,
        open_workspace(settings, renew_index=True) as workspace,
        Warming(workspace.view),
        MaintenanceProcess(workspace.recorder, settings),
    ):
        serve_app(create_app(workspace), listener, threads=settings.threads, announce=click.echo)
    leave()


class FieldsFormatter(logging.Formatter):
    """A line of a log with its named fields behind the message."""

    own = frozenset((*vars(logging.makeLogRecord({})), "message", "asctime"))

    def formatMessage(self, record: logging.LogRecord) -> str:
        fields = (f" {name}={value!r}" for name, value in vars(record).items() if name not in self.own)
        return super().formatMessage(record) + "".join(fields)


def log_to_stderr() -> None:
    to_stderr = logging.StreamHandler()
    to_stderr.setFormatter(FieldsFormatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[to_stderr])
    for name in ("weasyprint", "fontTools"):
        logging.getLogger(name).setLevel(logging.ERROR)  # their warnings quote what senders wrote
