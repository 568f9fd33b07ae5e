"""Parts that were chosen by measuring, each beside what it was chosen over, in one process on the same input."""

import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.json

from bench.generate import Generator, Workload, ndjson
from bench.result import Measurement, Section
from ingest.batch import summarise
from ingest.formats.json_columns import JsonColumns

LINES = 50_000
ROUNDS = 9
SUMMARY = """
select run_id, operation, status, count(*), min(integration), min(configuration), min(trigger),
       epoch_us(min(happened_at)), epoch_us(max(happened_at))
from actions group by run_id, operation, status
"""


def measure(_: Path) -> Section:
    table = Generator(Workload(actions=LINES, runs=20)).table(0, LINES)
    return Section(
        subject="parts",
        title="Parts chosen by measuring",
        setting=f"Median of {ROUNDS}, taken in turn, one thread; NDJSON of {LINES:,} lines without nested values.",
        measurements=(*_decoders(table), *_summaries(table, LINES), *_summaries(table, 1)),
    )


def _decoders(table: pa.Table) -> tuple[Measurement, ...]:
    lines = [line for line in ndjson(table).splitlines(keepends=True) if b'"details"' not in line]
    body = b"".join(lines)
    columns = JsonColumns()
    for line in lines[:100]:
        columns.learn(json.loads(line))
    kinds = {"VARCHAR": pa.string(), "JSON": pa.int64()}
    schema = pa.schema([(name, kinds[kind]) for name, kind in columns.types().items() if name != "details"])
    parsing = pyarrow.json.ParseOptions(explicit_schema=schema, unexpected_field_behavior="error")
    reading = pyarrow.json.ReadOptions(use_threads=False, block_size=len(body) + 1)
    ours, other = _in_turn(
        lambda: columns.decode(body),
        lambda: pyarrow.json.read_json(pa.BufferReader(body), reading, parsing),
    )
    return (
        Measurement(name="NDJSON by DuckDB's reader", value=f"{ours:.0f} ms", note=f"ratio {ours / other:.2f}"),
        Measurement(name="NDJSON by pyarrow.json", value=f"{other:.0f} ms"),
    )


def _summaries(table: pa.Table, rows: int) -> tuple[Measurement, ...]:
    actions = table.slice(0, rows)
    with duckdb.connect(config={"threads": 1}) as connection:

        def by_duckdb() -> object:
            cursor = connection.cursor()
            cursor.register("actions", actions)
            return cursor.execute(SUMMARY).fetchall()

        ours, other = _in_turn(lambda: summarise(actions), by_duckdb)
    name = f"summary of {rows:,} actions"
    return (
        Measurement(name=f"{name} by Arrow", value=f"{ours:.2f} ms", note=f"ratio {ours / other:.2f}"),
        Measurement(name=f"{name} by DuckDB", value=f"{other:.2f} ms"),
    )


def _in_turn(one: Callable[[], object], other: Callable[[], object]) -> tuple[float, float]:
    """Median milliseconds of each, after a first round that is not counted."""
    taken: tuple[list[float], list[float]] = ([], [])
    for _ in range(ROUNDS + 1):
        for times, run in zip(taken, (one, other), strict=True):
            begun = time.perf_counter()
            run()
            times.append((time.perf_counter() - begun) * 1000)
    return statistics.median(taken[0][1:]), statistics.median(taken[1][1:])
