"""What people are likely to look for, the newest blocks of merged batches, is read before they do.

So the first search after a start, or after a compaction, is as quick as the next.
"""

import logging
import threading
from types import TracebackType

from ingest.errors import LakeError
from query.lake_view import LakeView

logger = logging.getLogger(__name__)

FIRST_PAUSE_SECONDS = 2.0
"""After a start, when there is more urgent to do."""
PAUSE_SECONDS = 30.0
MOST_BATCHES = 100


class Warming:
    """A thread that does so until the block ends."""

    def __init__(self, view: LakeView) -> None:
        self._view = view
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="warming", daemon=True)

    def __enter__(self) -> "Warming":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        known: list[str] = []
        pause = FIRST_PAUSE_SECONDS
        while not self._stopping.wait(pause):
            pause = PAUSE_SECONDS
            try:
                newest = self._view.newest_merged(MOST_BATCHES)
                if newest != known:
                    self._view.batches.warm_up(newest, self._stopping)
                    known = newest
            except LakeError as error:  # whoever asks for it will be told; others are warmed next time
                logger.info("not read beforehand", extra={"reason": error.message})
