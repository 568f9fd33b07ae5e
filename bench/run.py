"""Runs the subjects named on the command line, all without names, and writes docs/benchmarks.md.

``NAME:SIZE`` measures a subject that has a size at another than its own; the section says at which.
"""

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from bench import ingest, machine, pages, parts, report, result, rivals, scale, servers, trickle

SUBJECTS: dict[str, Callable[[Path], result.Section]] = {
    "ingest": ingest.measure,
    "pages": pages.measure,
    "report": report.measure,
    "servers": servers.measure,
    "parts": parts.measure,
    "rivals": rivals.measure,
    "scale": scale.measure,
    "trickle": trickle.measure,
}
SIZED: dict[str, Callable[[Path, int], result.Section]] = {
    "rivals": rivals.measure,  # actions
    "scale": scale.measure,  # actions of the larger lake
    "trickle": trickle.measure,  # requests
}
QUIET_BELOW = 0.1
SMALLEST = 1_000
PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"


def main() -> None:
    chosen = [read_subject(word) for word in sys.argv[1:] or SUBJECTS]
    for name, size in chosen:
        busy_before = machine.busy_share()
        if busy_before > QUIET_BELOW:
            print(f"other programs keep the cores {busy_before:.0%} busy: figures will be worse", file=sys.stderr)
        with tempfile.TemporaryDirectory(prefix=f"synclog-bench-{name}-") as folder:
            scratch = Path(folder)
            scratch.chmod(0o711)  # PostgreSQL runs as another user and must come to its own folder
            section = SUBJECTS[name](scratch) if size is None else SIZED[name](scratch, size)
        result.show(section)
        result.keep(section, PAGE, machine=machine.describe(busy_before=busy_before), order=tuple(SUBJECTS))


def read_subject(word: str) -> tuple[str, int | None]:
    """A subject and its size, None for the one it has by itself."""
    name, colon, size = word.partition(":")
    if name not in SUBJECTS:
        sys.exit(f"no such subject: {name}; there are {', '.join(SUBJECTS)}")
    if not colon:
        return name, None
    if name not in SIZED or not size.isdecimal() or int(size) < SMALLEST:
        sys.exit(f"{word}: a size is a number from {SMALLEST:,}, of one of {', '.join(SIZED)}")
    return name, int(size)


if __name__ == "__main__":
    main()
