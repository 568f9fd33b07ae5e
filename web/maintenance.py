"""Maintenance of a lake: retention, merging batches, deleting replaced ones, beside those that write and read.

A server does this in a process of its own: sorting a million actions would otherwise hold up whoever sends one.
"""

import logging
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime

from ingest.compaction import Compactor
from ingest.errors import SynclogError
from ingest.recorder import Recorder
from ingest.retention import carry_out, plan
from web.settings import Settings, environment_of

logger = logging.getLogger(__name__)

_PROGRAM = "from web.cli import main; main()"

END_SECONDS = 10.0
"""How long a maintenance process may take to end. It can be killed at any moment; this only spares it repeated work."""


def maintain(recorder: Recorder, settings: Settings, stopping: threading.Event) -> None:
    """Do what there is to do, then wait, until told to stop. A failure is logged and tried again.

    Retention comes first: what it removes need not be merged. Whoever comes to lead does it at once.
    """
    compactor = recorder.compactor()
    retain_next = time.monotonic()
    while not stopping.wait(settings.maintain_seconds):
        try:
            if compactor.lead():
                if settings.retain_hours and time.monotonic() >= retain_next:
                    _retain(recorder, compactor, settings, stopping)
                    retain_next = time.monotonic() + settings.retain_hours * 3600
                for merge in compactor.compact(stopping=stopping):
                    logger.info("batches merged", extra={"batches": merge.batches, "rows": merge.rows})
                compactor.sweep()
        except SynclogError as error:
            logger.error("maintenance failed", extra={"reason": error.message})
    compactor.resign()


def _retain(recorder: Recorder, compactor: Compactor, settings: Settings, stopping: threading.Event) -> None:
    planned = plan(recorder.lake, recorder.index, settings.retention, now=datetime.now(UTC), everything=False)
    for removal in carry_out(planned, compactor, stopping=stopping):
        rows = sum(due.rows for due in removal.dues)
        logger.info("rows removed by retention", extra={"batches": removal.batches, "rows": rows})


class MaintenanceProcess:
    """``synclog maintain`` as a child of a server, started after a while, and again should it die."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._keep_alive, name="maintenance", daemon=True)

    def __enter__(self) -> "MaintenanceProcess":
        if self._settings.maintain_seconds:
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def _keep_alive(self) -> None:
        while not self._stopping.wait(self._settings.maintain_seconds):
            with subprocess.Popen(self._command(), stdin=subprocess.PIPE, env=environment_of(self._settings)) as child:
                assert child.stdin is not None
                while child.poll() is None and not self._stopping.wait(1):
                    pass
                child.stdin.close()
                try:
                    child.wait(END_SECONDS)
                except subprocess.TimeoutExpired:
                    child.kill()
            if not self._stopping.is_set():
                logger.error("maintenance ended, it is started again", extra={"exit_code": child.returncode})

    def _command(self) -> list[str]:
        return [sys.executable, "-c", _PROGRAM, "maintain", "--with-parent"]
