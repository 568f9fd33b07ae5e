"""``synclog maintain``: the work on a lake that never ends, in a process of its own beside those that serve."""

import os
import sys
import threading

import click

from web.commands.invocation import Invocation
from web.commands.serve import log_to_stderr
from web.maintenance import maintain as maintain_until
from web.signals import stop_on_signals

NICENESS = 10


@click.command()
@click.option("--with-parent", is_flag=True, help="Stop when standard input ends, as it does when the parent dies.")
@click.pass_obj
def maintain(invocation: Invocation, with_parent: bool) -> None:
    """Merge batches and delete replaced ones, again and again, until stopped.

    A running server has such a process already. One is enough for a data folder; further ones wait.

    \b
    Example:
      synclog maintain
    """
    stopping = threading.Event()
    log_to_stderr()
    stop_on_signals(stopping.set)
    if with_parent:
        threading.Thread(target=_stop_with_parent, args=(stopping,), daemon=True).start()
    os.nice(NICENESS)  # whoever writes or reads comes first
    with invocation.open_existing() as workspace:
        maintain_until(workspace.recorder, workspace.settings, stopping)


def _stop_with_parent(stopping: threading.Event) -> None:
    while sys.stdin.buffer.read(1):
        pass
    stopping.set()
