"""The turn of a command that merges or removes, beside a server that does so by itself, and what it leaves behind."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import click

from ingest.compaction import GRACE_SECONDS, Compactor
from ingest.errors import LakeUnavailable
from ingest.timestamps import from_microseconds
from reports.wording import format_bytes, format_datetime
from web.workspace import Workspace

WAIT_SECONDS = 600.0
POLL_SECONDS = 0.5

wait_option = click.option(
    "--wait",
    "wait_seconds",
    type=click.FloatRange(min=0),
    default=WAIT_SECONDS,
    help="Seconds to wait for another process that compacts or retains; a server makes way.",
)

grace_option = click.option(
    "--grace",
    "grace_seconds",
    type=click.FloatRange(min=0),
    default=GRACE_SECONDS,
    help="Delete the files of batches replaced longer ago than so many seconds.",
)


@contextmanager
def leading(workspace: Workspace, wait_seconds: float) -> Iterator[Compactor]:
    """A compactor that leads, once whoever does has made way. Raises LakeUnavailable when that takes too long."""
    compactor = workspace.recorder.compactor()
    try:
        _wait_for_turn(compactor, wait_seconds)
        with compactor.holding():
            yield compactor
    finally:
        compactor.resign()


def _wait_for_turn(compactor: Compactor, wait_seconds: float) -> None:
    deadline = time.monotonic() + wait_seconds
    is_said = False
    while not compactor.lead():
        left = deadline - time.monotonic()
        if left <= 0:
            raise LakeUnavailable(
                "another process compacts or retains this lake",
                hint="wait for it for longer with --wait, or try again when it is done",
            )
        compactor.wish()
        if not is_said:
            click.echo("another process looks after this lake: waiting for it to make way", err=True)
            is_said = True
        time.sleep(min(POLL_SECONDS, left))


def leftover_sentence(compactor: Compactor) -> str | None:
    """How much is still to be deleted, when, and by whom."""
    leftover = compactor.find_leftover()
    if leftover is None:
        return None
    moment = from_microseconds(leftover.replaced_us) + timedelta(seconds=GRACE_SECONDS)
    return (
        f"{format_bytes(leftover.bytes)} of replaced batches stay for those who still read them, until "
        f"{format_datetime(moment)}: after that a server or synclog maintain deletes them, "
        "or else the next synclog compact or retain"
    )
