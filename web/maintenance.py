"""Maintenance of a lake: retention, merging batches, deleting replaced ones, beside those that write and read.

A server does this in a process of its own: sorting a million actions would otherwise hold up whoever sends one.
"""

import logging
import subprocess
import sys
import threading
import time
from contextlib import suppress
from datetime import UTC, datetime

from ingest.compaction import Compactor
from ingest.errors import LakeUnavailable, SynclogError
from ingest.recorder import Recorder
from ingest.retention import carry_out, plan
from ingest.upkeep import Duty, note_done, note_failed, read_upkeep
from web.settings import Settings, environment_of

logger = logging.getLogger(__name__)

_PROGRAM = "from web.cli import main; main()"

REST_SECONDS = 10
"""Between two rounds of ``synclog maintain`` where servers are told to leave them to others."""
END_SECONDS = 10.0
"""How long a maintenance process may take to end. It can be killed at any moment; this only spares it repeated work."""


def maintain(recorder: Recorder, settings: Settings, stopping: threading.Event) -> None:
    """Do what there is to do, then wait, until told to stop. A failure is logged, noted and tried again.

    Retention comes first: what it removes need not be merged. Whoever comes to lead does it at once. A command that
    wants to lead does instead, as long as it likes.
    """
    compactor = recorder.compactor(gives_way=True)
    retain_next = time.monotonic()
    while not stopping.wait(settings.maintain_seconds or REST_SECONDS):
        try:
            if not compactor.lead():
                continue
            if settings.retain_hours and time.monotonic() >= retain_next:
                _retain(recorder, compactor, settings, stopping)
                if compactor.leads:
                    retain_next = time.monotonic() + settings.retain_hours * 3600
            for merge in compactor.compact(stopping=stopping):
                logger.info("batches merged", extra={"batches": merge.batches, "rows": merge.rows})
            compactor.sweep()
            if compactor.leads and not stopping.is_set():
                note_done(recorder.index, Duty.MAINTENANCE, now_us=recorder.now_us())
        except SynclogError as error:
            logger.error("maintenance failed", extra={"reason": error.message})
            _note_failed(recorder, error.message)
        except Exception as error:
            _note_failed(recorder, f"{type(error).__name__}: {error}")
            raise
    compactor.resign()


def _note_failed(recorder: Recorder, reason: str) -> None:
    """As far as the index can be written: it may be the very thing that failed, and then is late by itself."""
    with suppress(LakeUnavailable):
        note_failed(recorder.index, Duty.MAINTENANCE, now_us=recorder.now_us(), reason=reason)


def _retain(recorder: Recorder, compactor: Compactor, settings: Settings, stopping: threading.Event) -> None:
    with compactor.holding():
        planned = plan(recorder.lake, recorder.index, settings.retention, now=datetime.now(UTC), everything=False)
    for removal in carry_out(planned, compactor, stopping=stopping):
        rows = sum(due.rows for due in removal.dues)
        logger.info("rows removed by retention", extra={"batches": removal.batches, "rows": rows})


class MaintenanceProcess:
    """``synclog maintain`` as a child of a server, started after a while, and again should it die."""

    def __init__(self, recorder: Recorder, settings: Settings) -> None:
        self._recorder = recorder
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
            begun_us = self._recorder.now_us()
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
                self._note_death(begun_us, child.returncode)

    def _note_death(self, begun_us: int, exit_code: int) -> None:
        """Unless the child could do so itself."""
        with suppress(LakeUnavailable):
            failed_us = read_upkeep(self._recorder.index, Duty.MAINTENANCE).failed_us
            if failed_us is None or failed_us < begun_us:
                how = f"was killed by signal {-exit_code}" if exit_code < 0 else f"ended with exit code {exit_code}"
                _note_failed(self._recorder, f"the maintenance process {how}")

    def _command(self) -> list[str]:
        return [sys.executable, "-c", _PROGRAM, "maintain", "--with-parent"]
