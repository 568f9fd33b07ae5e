"""The order of the rows in a merged batch: what is asked for together lies together.

In front are the *openings*: the oldest actions of each large run, as many as a page shows. Runs of one kind
(integration, configuration, trigger) visit the same records, night after night. Their other rows are cut into
stretches: first those that went wrong, by run, the worst first; then the rest by *record*, each stretch some of the
records, by run and time. So a run's failures are one stretch, a record's history is one block of many, and an id that
every run says again is written once a block.
"""

import itertools
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ingest.action import STATUSES, Status

STRETCH_ROWS = 12_288
"""Rows a stretch of OK actions is meant to have."""
OPENING_ROWS = 51
"""The first page of a run's actions has fifty; one more tells that there is a next page."""

_WORST_FIRST = [status.value for status in reversed(STATUSES)]
_RECORD_COLUMNS = ("source_id", "target_id", "source_name", "target_name")


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrangement:
    """The places of the rows in their order.

    ``openings`` has where in that order the opening of each run ends that has one, by run; ``ends`` where stretches
    end, ascending: the openings together are the first of them, the last ends with the last row.
    """

    order: np.ndarray
    openings: dict[int, int]
    ends: np.ndarray


def arrange(actions: pa.Table, run: np.ndarray, kinds: np.ndarray, opens: np.ndarray) -> Arrangement:
    """Put rows in order.

    ``run`` has the place of each row's run, ``kinds`` the number of each run's kind, both ascend as runs shall lie;
    ``opens`` says of each run whether it has an opening.
    """
    status = pc.index_in(actions["status"], pa.array(_WORST_FIRST)).to_numpy()
    by_time = _in_order_of_time(actions, run)
    run, status = run[by_time], status[by_time]
    is_opening = opens[run] & (_places_in_run(run) < OPENING_ROWS)
    kind = kinds[run]
    is_ok = (status == _WORST_FIRST.index(Status.OK.value)) & ~is_opening
    stretch = _stretches(kind, _records(actions, by_time), is_ok)
    kind[is_opening] = -1
    order = np.lexsort((np.where(is_opening | (stretch > 0), 0, status), run, stretch, kind))
    here = kind[order] * (int(stretch.max(initial=0)) + 1) + stretch[order]
    opened, rows = np.unique(run[is_opening], return_counts=True)
    return Arrangement(
        order=by_time[order],
        openings=dict(zip(opened.tolist(), np.cumsum(rows).tolist(), strict=True)),
        ends=np.append(np.flatnonzero(here[1:] != here[:-1]) + 1, len(order)),
    )


def _places_in_run(run: np.ndarray) -> np.ndarray:
    """The place of each row among those of its run, which lie together."""
    places: np.ndarray = np.arange(len(run)) - np.searchsorted(run, run, "left")
    return places


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
