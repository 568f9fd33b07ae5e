"""What a page costs the server with 10 million actions behind it, and with a hundredth of that.

Every request for a run is for another one, so nothing was read or remembered of it before, except where it says again.
"""

import re
import statistics
import time
from pathlib import Path

from bench.generate import Workload
from bench.result import Measurement, Section
from bench.server import Server, serving
from bench.world import write_lake

RUNS = 500
BATCHES = 200
TIMES = 50
LARGE = Workload(actions=10_000_000, runs=RUNS)
SMALL = Workload(actions=100_000, runs=RUNS, records=40_000)

# Name: path, target. {run} is another run each time, {same} always the same.
PAGES = {
    "run list": ("/runs", "< 15 ms"),
    "run list, only runs with errors, by errors": ("/runs?status=ERROR&sort=-errors", ""),
    "run list as JSON": ("/api/v1/runs?limit=50", ""),
    "one run's first errors as JSON": ("/api/v1/runs/{run}/actions?status=ERROR&limit=50", "< 25 ms"),
    "one run's problems as JSON": ("/api/v1/runs/{run}/problems", ""),
    "one run": ("/runs/{run}", "< 50 ms"),
    "problems": ("/problems", "< 50 ms"),
    "one run again": ("/runs/{same}", ""),
    "one run again, only its errors": ("/runs/{same}?status=ERROR", ""),
    "further rows of one run": ("/runs/{same}/actions?status=ERROR", ""),
}


def measure(scratch: Path) -> Section:
    small, large = scratch / "small", scratch / "large"
    write_lake(small, SMALL, batches=BATCHES)
    begun = time.perf_counter()
    write_lake(large, LARGE, batches=BATCHES)
    written = time.perf_counter() - begun
    few, many = _times(small, SMALL), _times(large, LARGE)
    return Section(
        subject="pages",
        title="Pages",
        setting=(
            f"{RUNS} runs with {LARGE.actions:,} actions in {BATCHES} batches, compared with {RUNS} runs with "
            f"{SMALL.actions:,} actions in {BATCHES} batches. Time in the server as its Server-Timing header says, "
            f"median of {TIMES}; each time another run, except where it says again."
        ),
        measurements=(
            Measurement(
                name=f"{LARGE.actions:,} actions written by one process",
                value=f"{LARGE.actions / written:,.0f}/s",
                note=f"{written:.0f} s, Arrow tables made on the way included",
            ),
            *(
                Measurement(
                    name=name,
                    value=f"{many[name]:.1f} ms",
                    target=target,
                    note=f"{few[name]:.1f} ms with {SMALL.actions:,} actions: ratio {many[name] / few[name]:.2f}",
                )
                for name, (_, target) in PAGES.items()
            ),
        ),
    )


def _times(data: Path, workload: Workload) -> dict[str, float]:
    """Milliseconds in the server for each page."""
    same = workload.run_id(RUNS // 2)
    times: dict[str, float] = {}
    with serving(data) as server:
        _ask(server, f"/runs/{workload.run_id(0)}")  # what a process does once is not what a page costs
        for place, (name, (path, _)) in enumerate(PAGES.items()):
            runs = [workload.run_id(1 + place + number * (RUNS // TIMES)) for number in range(TIMES)]
            times[name] = statistics.median(_ask(server, path.format(run=run, same=same)) for run in runs)
    return times


def _ask(server: Server, path: str) -> float:
    answer = server.ask("GET", path, headers={"HX-Request": "true"} if "/actions?" in path else {})
    if answer.status != 200:
        raise RuntimeError(f"{path}: {answer.status} {answer.body[:500].decode(errors='replace')}")
    found = re.search(r"dur=([\d.]+)", answer.headers["server-timing"])
    if found is None:
        raise RuntimeError(f"{path}: no time in {answer.headers['server-timing']!r}")
    return float(found[1])
