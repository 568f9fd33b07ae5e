"""Where DuckDB spills: a folder of this process that goes with it, at the latest when the next one comes.

Who is killed cannot clean up, and what was spilled may be gigabytes. So a folder in use is locked, and whoever opens
one removes those that nobody locks. It is locked before it has its name: there is no moment to mistake it for one left.
"""

import fcntl
import os
import shutil
import tempfile
from pathlib import Path

PREFIX = "synclog-scratch-"
_UNNAMED = "synclog-unnamed-"


def open_scratch() -> tuple[Path, int]:
    """A new folder, and the descriptor that holds its lock."""
    _remove_abandoned(Path(tempfile.gettempdir()))
    unnamed = Path(tempfile.mkdtemp(prefix=_UNNAMED))
    descriptor = os.open(unnamed, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    return unnamed.rename(unnamed.with_name(unnamed.name.replace(_UNNAMED, PREFIX))), descriptor


def close_scratch(folder: Path, descriptor: int) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    os.close(descriptor)


def _remove_abandoned(parent: Path) -> None:
    for folder in parent.glob(f"{PREFIX}*"):
        try:
            descriptor = os.open(folder, os.O_RDONLY)
        except OSError:
            continue  # gone, or another user's
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
        except BlockingIOError:
            pass  # in use
        finally:
            os.close(descriptor)
