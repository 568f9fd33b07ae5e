"""Runs the subjects named on the command line, all without names, and writes docs/benchmarks.md."""

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from bench import ingest, kills, machine, pages, parts, report, result, servers

SUBJECTS: dict[str, Callable[[Path], result.Section]] = {
    "ingest": ingest.measure,
    "pages": pages.measure,
    "report": report.measure,
    "kills": kills.measure,
    "servers": servers.measure,
    "parts": parts.measure,
}
QUIET_BELOW = 0.1
PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"


def main() -> None:
    chosen = sys.argv[1:] or list(SUBJECTS)
    unknown = [name for name in chosen if name not in SUBJECTS]
    if unknown:
        sys.exit(f"no such subject: {', '.join(unknown)}; there are {', '.join(SUBJECTS)}")
    for name in chosen:
        busy_before = machine.busy_share()
        if busy_before > QUIET_BELOW:
            print(f"other programs keep the cores {busy_before:.0%} busy: figures will be worse", file=sys.stderr)
        with tempfile.TemporaryDirectory(prefix=f"synclog-bench-{name}-") as scratch:
            section = SUBJECTS[name](Path(scratch))
        result.show(section)
        result.keep(section, PAGE, machine=machine.describe(busy_before=busy_before), order=tuple(SUBJECTS))


if __name__ == "__main__":
    main()
