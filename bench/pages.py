"""What a page costs the server with 10 million actions behind it, and with a hundredth of that."""

import re
import statistics
import time
from pathlib import Path

from bench.generate import Workload
from bench.result import Measurement, Section
from bench.server import Server, serving
from bench.world import write_lake
from web.app import create_app
from web.settings import Settings
from web.workspace import open_workspace

RUNS = 500
BATCHES = 200
TIMES = 50
LARGE = Workload(actions=10_000_000, runs=RUNS)
SMALL = Workload(actions=100_000, runs=RUNS, records=40_000)


def measure(scratch: Path) -> Section:
    small, large = scratch / "small", scratch / "large"
    write_lake(small, SMALL, batches=BATCHES)
    begun = time.perf_counter()
    write_lake(large, LARGE, batches=BATCHES)
    written = time.perf_counter() - begun
    middle = LARGE.run_id(RUNS // 2)
    paths = {
        "run list": ("/runs", "< 20 ms"),
        "run list, only runs with errors, by errors": ("/runs?status=ERROR&sort=-errors", ""),
        "run list as JSON": ("/api/v1/runs?limit=50", ""),
        "one run": (f"/runs/{middle}", "< 20 ms"),
        "one run's first page of errors": (f"/runs/{middle}?status=ERROR", "< 20 ms"),
        "one run's first errors as JSON": (f"/api/v1/runs/{middle}/actions?status=ERROR&limit=50", ""),
    }
    measurements = [
        Measurement(
            name=f"{LARGE.actions:,} actions written by one process",
            value=f"{LARGE.actions / written:,.0f}/s",
            note=f"{written:.0f} s, Arrow tables made on the way included",
        )
    ]
    few, many = _times(small, [path for path, _ in paths.values()]), _times(large, [p for p, _ in paths.values()])
    for name, (path, target) in paths.items():
        measurements.append(
            Measurement(
                name=name,
                value=f"{many[path]:.1f} ms",
                target=target,
                note=f"{few[path]:.1f} ms with {SMALL.actions:,} actions: ratio {many[path] / few[path]:.2f}",
            )
        )
    return Section(
        subject="pages",
        title="Pages",
        setting=(
            f"{RUNS} runs with {LARGE.actions:,} actions in {BATCHES} batches, compared with {RUNS} runs with "
            f"{SMALL.actions:,} actions in {BATCHES} batches. Time in the server, median of {TIMES}."
        ),
        measurements=tuple(measurements),
    )


def _times(data: Path, paths: list[str]) -> dict[str, float]:
    """Milliseconds in the server for each path: as it says itself, else as timed inside one process."""
    with serving(data) as server:
        said = {path: _said_by_server(server, path) for path in paths}
    found = {path: median for path, median in said.items() if median is not None}
    return found | _timed_inside(data, [path for path in paths if path not in found])


def _said_by_server(server: Server, path: str) -> float | None:
    durations: list[float] = []
    for _ in range(TIMES):
        answer = server.ask("GET", path)
        if answer.status != 200:
            raise RuntimeError(f"{path}: {answer.status} {answer.body[:500].decode(errors='replace')}")
        found = re.search(r"dur=([\d.]+)", answer.headers.get("server-timing", ""))
        if not found:
            return None
        durations.append(float(found[1]))
    return statistics.median(durations)


def _timed_inside(data: Path, paths: list[str]) -> dict[str, float]:
    if not paths:
        return {}
    workspace = open_workspace(Settings(data=data))
    try:
        client = create_app(workspace).test_client()
        return {path: statistics.median(_milliseconds(client, path) for _ in range(TIMES)) for path in paths}
    finally:
        workspace.close()


def _milliseconds(client, path: str) -> float:
    begun = time.perf_counter()
    answer = client.get(path)
    answer.get_data()
    taken = (time.perf_counter() - begun) * 1000
    if answer.status_code != 200:
        raise RuntimeError(f"{path}: {answer.status}")
    return taken
