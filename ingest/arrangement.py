"""The order of the rows in a merged batch: what is asked for together lies together.

Runs of one kind (integration, configuration, trigger) visit the same records, night after night. Their rows are cut
into stretches: first those that went wrong, by run, the worst first; then the rest by *record*, each stretch some of
the records, by run and time. So a run's failures are one stretch, a record's history is one block of many, and an id
that every run says again is written once a block.
"""

import itertools

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ingest.action import STATUSES, Status

STRETCH_ROWS = 12_288
"""Rows a stretch of OK actions is meant to have."""

_WORST_FIRST = [status.value for status in reversed(STATUSES)]
_RECORD_COLUMNS = ("source_id", "target_id", "source_name", "target_name")


def arrange(actions: pa.Table, run: np.ndarray, kinds: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The places of the rows in their order, and where in that order stretches end (ascending, the last is all).

    ``run`` has the place of each row's run, ``kinds`` the number of each run's kind; both ascend as runs shall lie.
    """
    status = pc.index_in(actions["status"], pa.array(_WORST_FIRST)).to_numpy()
    by_time = _in_order_of_time(actions, run)
    run, status = run[by_time], status[by_time]
    kind = kinds[run]
    stretch = _stretches(kind, _records(actions, by_time), status == _WORST_FIRST.index(Status.OK.value))
    order = np.lexsort((np.where(stretch, 0, status), run, stretch, kind))
    here = kind[order] * (int(stretch.max(initial=0)) + 1) + stretch[order]
    ends = np.append(np.flatnonzero(here[1:] != here[:-1]) + 1, len(order))
    return by_time[order], ends


def _in_order_of_time(actions: pa.Table, run: np.ndarray) -> np.ndarray:
    """The places of the rows by run, in each by time."""
    keys = pa.table({"run": run, **{name: actions[name] for name in ("happened_at", "batch_id", "row")}})
    places: np.ndarray = pc.sort_indices(keys, sort_keys=[(name, "ascending") for name in keys.column_names]).to_numpy()
    return places


def _records(actions: pa.Table, order: np.ndarray) -> np.ndarray:
    """The number of each row's record: those come first that are visited first. Rows that name none share one."""
    known = pc.coalesce(*(actions[name] for name in _RECORD_COLUMNS), "")
    encoded = pc.dictionary_encode(known.combine_chunks().take(pa.array(order)))
    numbers: np.ndarray = encoded.indices.to_numpy()
    return numbers


def _stretches(kind: np.ndarray, record: np.ndarray, is_ok: np.ndarray) -> np.ndarray:
    """The stretch of each row within its kind: 0 for what went wrong, from 1 on by record. Kinds ascend."""
    stretch = np.zeros(len(kind), np.int64)
    edges = np.append(np.searchsorted(kind, np.unique(kind), "left"), len(kind))
    for first, last in itertools.pairwise(edges):
        ok = np.flatnonzero(is_ok[first:last]) + first
        if len(ok):
            _, place = np.unique(record[ok], return_inverse=True)
            count = -(-len(ok) // STRETCH_ROWS)
            stretch[ok] = 1 + place * count // (int(place.max()) + 1)
    return stretch
