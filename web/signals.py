"""Being told to stop: by SIGTERM, by an interrupt at the terminal, or because the terminal is gone."""

import os
import signal
import threading
from collections.abc import Callable

_STOPPING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def stop_on_signals(stop: Callable[[], None]) -> None:
    """Call ``stop`` from a thread of its own once one of these signals comes.

    The kernel may hand a signal to any thread. Python then leaves it to the main thread, which may be waiting for an
    event and would not wake up: only what it says to a file is heard at once.
    """
    heard, said = os.pipe()
    os.set_blocking(said, False)
    signal.set_wakeup_fd(said)
    for number in _STOPPING:
        signal.signal(number, lambda *_: None)
    threading.Thread(target=_wait, args=(heard, stop), name="signals", daemon=True).start()


def _wait(heard: int, stop: Callable[[], None]) -> None:
    while os.read(heard, 1)[0] not in _STOPPING:
        pass
    stop()
