"""What ten and a hundred million actions cost: pages, searches, disk, start, reindex, memory."""

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.asking import ask_synclog, page_milliseconds, questions
from bench.generate import RECORDS_A_WRITE, Workload
from bench.memory import watching
from bench.questions import Kind
from bench.result import Measurement, Section
from bench.rivals import ACTIONS_A_RUN, DUCKDB, Result, measure_rival
from bench.server import start, wait_until_idle
from bench.world import Stored, compact, count_live, run_command, stored, write_lake

ACTIONS = 100_000_000
TIMES = 20
TIMES_OF_DUCKDB = 3
"""Looking for a text in a hundred million actions takes it long."""
TARGETS: Mapping[str, str] = {  # of a hundred million actions
    "run list, page": "< 25 ms",
    "one run, page": "< 25 ms",
    Kind.RECORD: "< 40 ms",
    Kind.NAME: "< 40 ms",
    "bytes an action, in all": "≤ 24",
    "reindex": "< 60 s",
    "start of the server to its first page": "< 2 s",
}


SMALL_TARGETS: Mapping[str, str] = {  # of ten million actions
    "run list, page": "< 25 ms",
    "one run, page": "< 25 ms",
    Kind.RECORD: "< 15 ms",
    Kind.NAME: "< 15 ms",
    Kind.PHRASE: "< 250 ms",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What one size cost. Milliseconds are medians; ``duckdb`` was asked the same over the same files."""

    actions: int
    runs: int
    milliseconds: Mapping[str, float]
    duckdb: Result
    stored: Stored
    batches: int
    seconds: Mapping[str, float]
    peak: int


def measure(scratch: Path, actions: int = ACTIONS) -> Section:
    small = _measure_size(scratch / "small", actions // 10)
    large = _measure_size(scratch / "large", actions)
    return Section(
        subject="scale",
        title="Ten times as much",
        setting=(
            f"{large.actions:,} actions of {large.runs:,} runs, compared with {small.actions:,} of "
            f"{small.runs:,}; written by one process in batches of {RECORDS_A_WRITE:,}, then "
            f"compacted into {large.batches:,} and {small.batches:,} batches. Time in the server as its Server-Timing "
            f"header says, median of {TIMES}, each for something else; a page has 50 rows, newest first. The "
            "server had come to rest before: it reads the newest blocks when it has started. "
            f"DuckDB, in a process of its own, was asked the same over the same files, median of {TIMES_OF_DUCKDB}; a "
            "ratio is synclog's figure by its."
        ),
        measurements=(*_compare_times(large, small), *_compare_sizes(large, small)),
    )


def _measure_size(data: Path, actions: int) -> Figures:
    workload = Workload(actions=actions, runs=max(actions // ACTIONS_A_RUN, 2))
    batches = -(-actions // RECORDS_A_WRITE)
    seconds = {
        "written by one process": _seconds(lambda: write_lake(data, workload, batches=batches)),
        "compaction": _seconds(lambda: compact(data)),
        "reindex": _seconds(lambda: run_command(data, "reindex")),
    }
    begun = time.perf_counter()
    server = start(data)
    try:
        page_milliseconds(server, "/runs")
        seconds["start of the server to its first page"] = time.perf_counter() - begun
        wait_until_idle(server.process.pid)
        with watching(server.process.pid) as watch:
            asked = questions(workload, times=TIMES)
            times = {
                "run list, page": [page_milliseconds(server, "/runs") for _ in range(TIMES)],
                "one run, page": [page_milliseconds(server, f"/runs/{run.text}") for run in asked[Kind.ERRORS]],
            }
            for kind, each in asked.items():
                times[str(kind)] = [ask_synclog(server, question).milliseconds for question in each]
    finally:
        server.stop()
    fewer = {kind: each[:TIMES_OF_DUCKDB] for kind, each in asked.items()}
    return Figures(
        actions=actions,
        runs=workload.runs,
        milliseconds={name: statistics.median(each) for name, each in times.items()},
        duckdb=measure_rival(DUCKDB, data.parent, data, workload, fewer),
        stored=stored(data),
        batches=count_live(data),
        seconds=seconds,
        peak=watch.peak,
    )


def _seconds(run: Callable[[], None]) -> float:
    begun = time.perf_counter()
    run()
    return time.perf_counter() - begun


def _compare_times(large: Figures, small: Figures) -> list[Measurement]:
    return [
        Measurement(
            name=name,
            value=f"{taken:,.1f} ms",
            target=TARGETS.get(name, ""),
            note="; ".join(
                [
                    _ratio(
                        f"{small.milliseconds[name]:,.1f} ms",
                        taken,
                        small.milliseconds[name],
                        small,
                        SMALL_TARGETS.get(name),
                    ),
                    *([_beside_duckdb(name, large, small)] if name in list(Kind) else []),
                ]
            ),
        )
        for name, taken in large.milliseconds.items()
    ]


def _beside_duckdb(name: str, large: Figures, small: Figures) -> str:
    told = ((each.duckdb.median(Kind(name)), each.milliseconds[name]) for each in (large, small))
    return f"DuckDB {' and '.join(f'{theirs:,.1f} ms: ratio {ours / theirs:.3g}' for theirs, ours in told)}"


def _compare_sizes(large: Figures, small: Figures) -> list[Measurement]:
    bytes_an_action = [
        _bytes("bytes an action, in all", lambda figures: figures.stored.all, large, small),
        _bytes("bytes an action, batches", lambda figures: figures.stored.batches, large, small),
        _bytes("bytes an action, beside them to find words", lambda figures: figures.stored.beside, large, small),
        _bytes("bytes an action, index database", lambda figures: figures.stored.database, large, small),
    ]
    seconds = [
        Measurement(
            name=name,
            value=f"{taken:,.1f} s",
            target=TARGETS.get(name, ""),
            note=_ratio(f"{small.seconds[name]:,.1f} s", taken, small.seconds[name], small),
        )
        for name, taken in large.seconds.items()
    ]
    memory = Measurement(
        name="peak memory, server and its children",
        value=f"{large.peak / 2**20:,.0f} MiB",
        note=_ratio(f"{small.peak / 2**20:,.0f} MiB", large.peak, small.peak, small),
    )
    return [*bytes_an_action, *seconds, memory]


def _bytes(name: str, of: Callable[[Figures], int], large: Figures, small: Figures) -> Measurement:
    return Measurement(
        name=name,
        value=f"{of(large) / large.actions:.2f}",
        target=TARGETS.get(name, ""),
        note=f"{of(small) / small.actions:.2f} with {small.actions:,} actions",
    )


def _ratio(
    shown: str, large_figure: float, small_figure: float, small: Figures, small_target: str | None = None
) -> str:
    target = f" (target {small_target})" if small_target else ""
    return f"{shown} with {small.actions:,} actions{target}: ratio {large_figure / small_figure:.2f}"
