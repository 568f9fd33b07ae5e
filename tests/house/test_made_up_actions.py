"""Benchmarks are comparable only if what they send is the same every time and is what it claims to be."""

import json
from collections import Counter

import pytest

from bench.generate import OPERATION_SHARES, STATUS_SHARES, Generator, Workload, ndjson


def test_same_seed_makes_the_same_actions() -> None:
    first = Generator(Workload(actions=1000, runs=4, records=50)).table(0, 1000)
    second = Generator(Workload(actions=1000, runs=4, records=50)).table(0, 1000)

    assert first.equals(second)


def test_lines_say_what_the_table_says() -> None:
    table = Generator(Workload(actions=300, runs=3, records=50)).table(0, 300)

    lines = [json.loads(line) for line in ndjson(table).splitlines()]

    expected = []
    for row in table.to_pylist():
        row["happened_at"] = row["happened_at"].strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        row["details"] = None if row["details"] is None else json.loads(row["details"])
        expected.append({name: value for name, value in row.items() if value is not None})
    assert lines == expected


def test_runs_share_the_actions_evenly() -> None:
    tables = Generator(Workload(actions=1000, runs=4, records=50)).tables(300)

    counts = Counter(run_id for table in tables for run_id in table["run_id"].to_pylist())

    assert list(counts.values()) == [250, 250, 250, 250]


@pytest.mark.parametrize(("column", "shares"), [("operation", OPERATION_SHARES), ("status", STATUS_SHARES)])
def test_mix_is_the_one_promised(column: str, shares: dict[str, float]) -> None:
    table = Generator(Workload(actions=100_000, runs=1, records=50)).table(0, 100_000)

    counts = Counter(table[column].to_pylist())

    assert {word: round(counts[word] / 100_000, 2) for word in shares} == {w: round(s, 2) for w, s in shares.items()}
