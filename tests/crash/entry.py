"""The real ``synclog`` command in a process that kills itself: ``entry.py POINT NTH SECONDS ARGUMENT…``.

It dies by SIGKILL, as a machine out of memory would have it, so many seconds after a point of the write path was
reached for the NTH time. Nothing else about it differs from the command.
"""

import itertools
import os
import signal
import sys
import threading

from ingest.fault_points import FaultPoint, install
from web.cli import main


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def kill_at(point: FaultPoint, nth: int, seconds: float) -> None:
    """Arm this process."""
    times = itertools.count(1)  # its next is one step of the interpreter: threads cannot share a number

    def hook(name: str) -> None:
        if name != point or next(times) != nth:
            return
        if seconds:
            timer = threading.Timer(seconds, die)
            timer.daemon = True  # who is done before is done
            timer.start()
        else:
            die()

    install(hook)


if __name__ == "__main__":
    kill_at(FaultPoint(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]))
    main(sys.argv[4:], prog_name="synclog")
