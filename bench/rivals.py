"""synclog beside what a user would otherwise pick: the same actions, the same questions, the same machine.

Ten million actions: for a hundred million those that keep a text index would take from half an hour (chDB) to hours,
and 30 to 100 GB. DuckDB, which needs nothing filled, is compared with as many in ``bench/scale.py``.
"""

import importlib.util
import shutil
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from bench.asking import ask_synclog, page_milliseconds, questions
from bench.generate import RECORDS_A_WRITE, Generator, Workload, arrow_stream
from bench.memory import watching
from bench.programs import find_postgresql
from bench.questions import Kind, Question, Told
from bench.result import Measurement, Section
from bench.rival import Asked, Filled, ask, fill
from bench.server import Server, serving, start
from bench.world import compact, stored

ACTIONS = 10_000_000
ACTIONS_A_RUN = 20_000
TIMES = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Rival:
    """``module`` is run in a process of its own; one that reads the lake's batches is not filled."""

    name: str
    module: str
    reads_batches: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What one system needed; ``filled`` is None for one that was not filled."""

    name: str
    filled: Filled | None
    asked: Asked

    def median(self, kind: Kind) -> float:
        return statistics.median(told.milliseconds for told in self.asked.told[kind])


DUCKDB = Rival(name="DuckDB", module="bench.rival_duckdb", reads_batches=True)
CHDB = Rival(name="chDB", module="bench.rival_chdb")
SQLITE = Rival(name="SQLite", module="bench.rival_sqlite")
POSTGRESQL = Rival(name="PostgreSQL", module="bench.rival_postgresql")
RIVALS = (DUCKDB, CHDB, SQLITE, POSTGRESQL)
_FILLED: Mapping[str, tuple[Callable[[Filled, int], float], Callable[[float], str]]] = {
    "durable actions taken in": (lambda filled, actions: actions / filled.seconds, lambda rate: f"{rate:,.0f}/s"),
    "compaction, or what the manual says instead": (
        lambda filled, _: filled.tidy_seconds,
        lambda seconds: f"{seconds:.1f} s",
    ),
    "peak memory, taking in": (lambda filled, _: filled.peak / 2**20, lambda mebibytes: f"{mebibytes:,.0f} MiB"),
    "bytes on disk an action": (lambda filled, actions: filled.size / actions, lambda size: f"{size:.1f}"),
}
_ASKED: Mapping[str, tuple[Callable[[Asked], float], Callable[[float], str]]] = {
    "start of the process to the first run list": (
        lambda asked: asked.first_answer * 1000,
        lambda milliseconds: f"{milliseconds:,.0f} ms",
    ),
    "peak memory, answering": (lambda asked: asked.peak / 2**20, lambda mebibytes: f"{mebibytes:,.0f} MiB"),
}


def measure(scratch: Path, actions: int = ACTIONS) -> Section:
    rivals = those_here(RIVALS)
    left_out = [rival.name for rival in RIVALS if rival not in rivals]
    workload = Workload(actions=actions, runs=max(actions // ACTIONS_A_RUN, 2))
    asked = questions(workload, times=TIMES)
    data = scratch / "synclog"
    ours = _measure_synclog(data, workload, asked)
    others = [measure_rival(rival, scratch, data, workload, asked) for rival in rivals]
    return Section(
        subject="rivals",
        title="What else could be picked",
        setting=(
            f"The same {actions:,} actions in synclog and in "
            f"{', '.join(f'{each.name} ({_what(each)})' for each in rivals)}. Taken in from one sender, "
            f"{RECORDS_A_WRITE:,} actions at a time, each time durable and able to be found. "
            "synclog is asked over HTTP right after its start and timed by its Server-Timing header, which includes "
            "making JSON; the others are timed in the process that asks, until it has the rows. A page has 50 rows, "
            "newest first; a search "
            f"looks into six columns. Median of {TIMES}, each for something else. A ratio is synclog's figure by the "
            f"other's.{' Not installed here and left out: ' + ', '.join(left_out) + '.' if left_out else ''}"
        ),
        measurements=(*_compare_filled(ours, others, actions), *_compare_asked(ours, others)),
    )


def those_here(rivals: Sequence[Rival]) -> list[Rival]:
    """Those that are installed."""
    is_here = {
        CHDB.name: importlib.util.find_spec("chdb") is not None,
        POSTGRESQL.name: importlib.util.find_spec("psycopg") is not None and find_postgresql() is not None,
    }
    return [rival for rival in rivals if is_here.get(rival.name, True)]


def _what(rival: Rival) -> str:
    return {
        "DuckDB": "plain, over the same Parquet files",
        "chDB": "ClickHouse in the process, MergeTree with text indexes of words and trigrams",
        "SQLite": "FTS5 of words and trigrams",
        "PostgreSQL": "b-trees and pg_trgm",
    }[rival.name]


def _measure_synclog(data: Path, workload: Workload, asked: Mapping[Kind, Sequence[Question]]) -> Result:
    with serving(data) as server, watching(server.process.pid) as watch:
        seconds = sum(_send(server, arrow_stream(table)) for table in Generator(workload).tables())
    begun = time.perf_counter()
    compact(data)
    tidy_seconds = time.perf_counter() - begun
    filled = Filled(seconds=seconds, tidy_seconds=tidy_seconds, peak=watch.peak, size=stored(data).all)
    begun = time.perf_counter()
    server = start(data)
    try:
        page_milliseconds(server, "/runs")
        first_answer = time.perf_counter() - begun
        with watching(server.process.pid) as watch:
            told = {kind: [ask_synclog(server, question) for question in each] for kind, each in asked.items()}
    finally:
        server.stop()
    return Result(name="synclog", filled=filled, asked=Asked(first_answer=first_answer, peak=watch.peak, told=told))


def measure_rival(
    rival: Rival, scratch: Path, data: Path, workload: Workload, asked: Mapping[Kind, Sequence[Question]]
) -> Result:
    """One that is filled gets a folder in ``scratch``; ``data`` is the data folder with the same actions."""
    if rival.reads_batches:
        return Result(name=rival.name, filled=None, asked=ask(rival.module, data, asked))
    folder = scratch / rival.module
    filled = fill(rival.module, folder, asdict(workload), rows=RECORDS_A_WRITE)
    result = Result(name=rival.name, filled=filled, asked=ask(rival.module, folder, asked))
    shutil.rmtree(folder)  # room for the next
    print(f"{rival.name}: {workload.actions:,} actions in {filled.seconds:,.0f} s", file=sys.stderr)  # it takes long
    return result


def _send(server: Server, body: bytes) -> float:
    headers = {"Content-Type": "application/vnd.apache.arrow.stream"}
    answer = server.ask("POST", "/api/v1/actions", body=body, headers=headers)
    if answer.status != 200:
        raise RuntimeError(answer.body[:2000].decode(errors="replace"))
    return answer.seconds


def _compare_filled(ours: Result, others: Sequence[Result], actions: int) -> list[Measurement]:
    assert ours.filled is not None, "synclog was filled"
    lines = []
    for name, (figure_of, shown) in _FILLED.items():
        figures = {other.name: figure_of(other.filled, actions) for other in others if other.filled}
        lines.append(_line(name, figure_of(ours.filled, actions), figures, shown))
    return lines


def _compare_asked(ours: Result, others: Sequence[Result]) -> list[Measurement]:
    lines = [
        _line(
            str(kind),
            ours.median(kind),
            {other.name + _difference(ours, other, kind): other.median(kind) for other in others},
            lambda milliseconds: f"{milliseconds:,.{1 if milliseconds >= 1 else 2}f} ms",
        )
        for kind in Kind
    ]
    for name, (figure_of, shown) in _ASKED.items():
        figures = {other.name: figure_of(other.asked) for other in others}
        lines.append(_line(name, figure_of(ours.asked), figures, shown))
    return lines


def _line(name: str, ours: float, others: Mapping[str, float], shown: Callable[[float], str]) -> Measurement:
    notes = [f"{other} {shown(figure)}: ratio {ours / figure:.3g}" for other, figure in others.items() if figure]
    return Measurement(name=name, value=shown(ours), note="; ".join(notes))


def _difference(ours: Result, other: Result, kind: Kind) -> str:
    """Says so where the same question was answered otherwise: then a ratio compares nothing."""
    pairs = zip(_numbers(ours.asked.told[kind]), _numbers(other.asked.told[kind]), strict=True)
    different = [f"{theirs} instead of {number}" for number, theirs in pairs if number != theirs]
    return f" (answers otherwise, {different[0]})" if different else ""


def _numbers(told: Sequence[Told]) -> list[int]:
    return [each.number for each in told]
