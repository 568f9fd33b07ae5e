"""The problems in a batch, run by run, grouped by Arrow and numpy; of a batch without failures nothing is looked at.

A log may have a message of its own for every action, and footers are read whole. So a batch keeps the worst and most
frequent problems only: how many failures are in none of them is what the counts of the run say beyond these.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ingest.action import STATUSES, Status
from ingest.problem import TEMPLATE_LIMIT
from ingest.problem_summary import ProblemExample, ProblemSummary, merged_problems
from ingest.record_count import SKETCH_SIZE, RecordCount, hashes_of, sketch_of

PROBLEMS_OF_A_RUN = 1_000
PROBLEMS_OF_A_BATCH = 20_000
"""Most that a batch keeps."""
COLUMNS = (
    "batch_id", "row", "run_id", "happened_at", "operation", "status", "source_type", "source_id", "source_name",
    "target_type", "target_id", "target_name", "code", "message", "problem_id",
)  # fmt: skip
"""What problems are made from."""
FEW_ROWS = SKETCH_SIZE - 1
"""So few are grouped by Python in a tenth of the time that Arrow and numpy take to begin; their sketches tell all."""

_WORDS = pa.array([status.value for status in STATUSES], pa.string())
_CODE_LIMIT = 100


class BatchProblems:
    """Takes the tables of a batch, with all columns, and gives the problems to keep."""

    def __init__(self) -> None:
        self._found: list[ProblemSummary] = []

    def add(self, actions: pa.Table) -> None:
        found = summarise_problems(actions)
        if self._found and found:
            found = merged_problems([*self._found, *found])
        self._found = _worth_keeping(found) if found else self._found

    def kept(self) -> tuple[ProblemSummary, ...]:
        """In the order of runs and problems."""
        return tuple(sorted(self._found, key=lambda each: (each.run_id, each.problem_id)))


def summarise_problems(actions: pa.Table) -> list[ProblemSummary]:
    """The problems of each run in a table, or of those with very many the worst."""
    if actions["problem_id"].null_count == actions.num_rows:
        return []
    rows = actions.select(COLUMNS).filter(pc.is_valid(actions["problem_id"])).combine_chunks()
    if rows.num_rows <= FEW_ROWS:
        return _summarise_few(rows)
    runs = _encoded(rows["run_id"])
    problems = _encoded(rows["problem_id"])
    pairs = runs.indices.to_numpy().astype(np.int64) * len(problems.dictionary) + problems.indices.to_numpy()
    groups, group_of = np.unique(pairs, return_inverse=True)
    counts = np.bincount(group_of)
    moments = rows["happened_at"].cast(pa.int64()).to_numpy()
    ranks = pc.index_in(rows["status"], _WORDS).to_numpy()
    worst = _extreme(np.maximum, group_of, ranks, len(groups))
    firsts = _first_of_the_worst(group_of, ranks == worst[group_of], moments, len(groups))
    figures = zip(
        _extreme(np.minimum, group_of, moments, len(groups)).tolist(),
        _extreme(np.maximum, group_of, moments, len(groups)).tolist(),
        strict=True,
    )
    times = list(figures)
    kept = _most_telling(groups // len(problems.dictionary), worst, counts)
    examples = _examples_of(rows.take(pa.array(firsts[kept])))
    records = _records_of(rows, group_of, len(groups), kept)
    run_ids, problem_ids = runs.dictionary.to_pylist(), problems.dictionary.to_pylist()
    return [
        ProblemSummary(
            run_id=run_ids[pair // len(problem_ids)],
            problem_id=problem_ids[pair % len(problem_ids)],
            count=count,
            status=STATUSES[rank],
            first_us=times[group][0],
            last_us=times[group][1],
            records=records[group],
            example=example,
        )
        for group, pair, count, rank, example in zip(
            kept.tolist(), groups[kept].tolist(), counts[kept].tolist(), worst[kept].tolist(), examples, strict=True
        )
    ]


def _summarise_few(rows: pa.Table) -> list[ProblemSummary]:
    moments = rows["happened_at"].cast(pa.int64()).to_pylist()
    touched: dict[tuple[str, str], set[str]] = {}
    single = []
    for row, happened_us in zip(rows.drop_columns("happened_at").to_pylist(), moments, strict=True):
        touched.setdefault((row["run_id"], row["problem_id"]), set()).update(_record_of(row))
        single.append(_summary_of(row, happened_us))
    return [replace(each, records=_count_of(touched[each.run_id, each.problem_id])) for each in merged_problems(single)]


def _record_of(row: dict[str, Any]) -> list[str]:
    """The same as :func:`_records_of` tells records apart by; none where the action names none."""
    for end in ("source", "target"):
        for name in ("id", "name"):
            if row[f"{end}_{name}"] is not None:
                return [f"{row[f'{end}_type'] or ''}\n{row[f'{end}_{name}']}"]
    return []


def _summary_of(row: dict[str, Any], happened_us: int) -> ProblemSummary:
    return ProblemSummary(
        run_id=row["run_id"],
        problem_id=row["problem_id"],
        count=1,
        status=Status(row["status"]),
        first_us=happened_us,
        last_us=happened_us,
        records=RecordCount(),
        example=ProblemExample(
            happened_us=happened_us,
            batch_id=row["batch_id"],
            row=row["row"],
            operation=row["operation"],
            code=None if row["code"] is None else row["code"][:_CODE_LIMIT],
            message=None if row["message"] is None else row["message"][:TEMPLATE_LIMIT],
        ),
    )


def _count_of(records: set[str]) -> RecordCount:
    sketch = sketch_of(np.unique(hashes_of(sorted(records))))
    return RecordCount(least=len(records), most=len(records), sketch=sketch)


def _encoded(column: pa.ChunkedArray) -> pa.DictionaryArray:
    return column.combine_chunks().dictionary_encode()


def _extreme(choose: np.ufunc, group_of: np.ndarray, values: np.ndarray, groups: int) -> np.ndarray:
    """The least or greatest value of each group."""
    found = np.empty(groups, values.dtype)
    found[group_of] = values  # any of them to begin with
    choose.at(found, group_of, values)
    return found


def _first_of_the_worst(group_of: np.ndarray, is_worst: np.ndarray, moments: np.ndarray, groups: int) -> np.ndarray:
    """Where in each group the earliest of its worst actions is; among equals the one that came first."""
    places = np.flatnonzero(is_worst)
    earliest = _extreme(np.minimum, group_of[places], moments[places], groups)
    places = places[moments[places] == earliest[group_of[places]]]
    first = np.empty(groups, np.int64)
    first[group_of[places][::-1]] = places[::-1]  # the last one written stays
    return first


def _examples_of(rows: pa.Table) -> list[ProblemExample]:
    short = pc.utf8_slice_codeunits(rows["message"], 0, TEMPLATE_LIMIT)
    columns = (
        rows["happened_at"].cast(pa.int64()),
        rows["batch_id"],
        rows["row"],
        rows["operation"],
        pc.utf8_slice_codeunits(rows["code"], 0, _CODE_LIMIT),
        short,
    )
    return [
        ProblemExample(happened_us=us, batch_id=batch_id, row=row, operation=operation, code=code, message=message)
        for us, batch_id, row, operation, code, message in zip(*(each.to_pylist() for each in columns), strict=True)
    ]


def _records_of(rows: pa.Table, group_of: np.ndarray, groups: int, kept: np.ndarray) -> Mapping[int, RecordCount]:
    """How many different records each of the kept groups happened to: told by type, and by id or else by name."""
    source = pc.coalesce(rows["source_id"], rows["source_name"])
    record = pc.coalesce(source, rows["target_id"], rows["target_name"])
    kind = pc.if_else(pc.is_valid(source), rows["source_type"], rows["target_type"])
    encoded = _encoded(pc.binary_join_element_wise(pc.fill_null(kind, ""), record, "\n"))
    hashes = hashes_of(encoded.dictionary.to_pylist()).astype(np.int64)
    if encoded.null_count:
        group_of = group_of[pc.is_valid(encoded).to_numpy(zero_copy_only=False)]
    places = encoded.indices.drop_null().to_numpy().astype(np.int64)
    distinct = np.unique(group_of.astype(np.int64) * max(len(hashes), 1) + places)
    owner = distinct // max(len(hashes), 1)
    exact = np.bincount(owner, minlength=groups)
    hashed = np.unique(owner << 32 | hashes[distinct % max(len(hashes), 1)])
    begins = np.searchsorted(hashed >> 32, np.arange(groups + 1)).tolist()
    hashed &= 0xFFFFFFFF
    return {
        group: RecordCount(
            least=int(exact[group]),
            most=int(exact[group]),
            sketch=sketch_of(hashed[begins[group] : begins[group + 1]]),
        )
        for group in kept.tolist()
    }


def _worth_keeping(summaries: list[ProblemSummary]) -> list[ProblemSummary]:
    if len(summaries) <= PROBLEMS_OF_A_RUN:
        return summaries
    run_ids: dict[str, int] = {}
    runs = np.array([run_ids.setdefault(each.run_id, len(run_ids)) for each in summaries])
    ranks = np.array([each.status.rank for each in summaries])
    kept = _most_telling(runs, ranks, np.array([each.count for each in summaries]))
    return [summaries[place] for place in kept.tolist()]


def _most_telling(runs: np.ndarray, ranks: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """The places of the problems to keep: of each run the worst and most frequent, and of all runs together."""
    if len(runs) <= PROBLEMS_OF_A_RUN:
        return np.arange(len(runs))
    order = np.lexsort((-counts, -ranks, runs))
    ordered = runs[order]
    place_in_run = np.arange(len(order)) - np.searchsorted(ordered, ordered)
    kept = order[place_in_run < PROBLEMS_OF_A_RUN]
    if len(kept) > PROBLEMS_OF_A_BATCH:
        kept = kept[np.lexsort((-counts[kept], -ranks[kept]))][:PROBLEMS_OF_A_BATCH]
    return np.sort(kept)
