"""How far long work has come: a bar on stderr, where that is a terminal."""

import sys

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)


def bar_of_bytes() -> Progress:
    """Of so many bytes to read or write."""
    return _bar(DownloadColumn(), TimeRemainingColumn())


def bar_of_steps() -> Progress:
    """Of so many things to do, of which one may take much longer than another."""
    return _bar(MofNCompleteColumn(), TimeElapsedColumn())


def _bar(*columns: ProgressColumn) -> Progress:
    shown = (TextColumn("{task.description}"), BarColumn(), *columns)
    return Progress(*shown, console=Console(file=sys.stderr), transient=True, disable=not sys.stderr.isatty())
