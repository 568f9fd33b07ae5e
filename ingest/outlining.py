"""The outlines of the runs in a batch, made while its rows pass by."""

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ingest.action import STATUSES
from ingest.footer import RunSummary
from ingest.run_outline import RunOutline
from ingest.spans import common_length, round_length

LEAST_ROWS = 1000
"""Actions from which on a run in a batch has an outline: of fewer it would take more room than is right."""
SPANS = 60
"""Spans over a run that are told apart: that many, or up to twice as many."""

_STATUSES = pa.array([status.value for status in STATUSES])


def large_among(runs: Sequence[RunSummary]) -> np.ndarray:
    """Which of the runs of a batch are worth an outline."""
    return np.array([run.counts.processed - run.gone >= LEAST_ROWS for run in runs], bool)


def span_of(run: RunSummary) -> int:
    """How long the spans of a run's outline are."""
    return common_length(round_length(run.first_us, run.last_us, SPANS))


class RunOutlines:
    """The outlines of some of the runs of a batch, while its rows pass by."""

    def __init__(self, runs: Sequence[RunSummary], spans_us: Mapping[int, int]) -> None:
        """``runs`` as they are numbered in ``add``; ``spans_us`` has the span length of each that gets an outline."""
        self._runs = runs
        self._numbers = sorted(spans_us)
        self._is_outlined = np.zeros(len(runs), bool)
        self._is_outlined[self._numbers] = True
        self._lengths = np.array([spans_us.get(number, 1) for number in range(len(runs))], np.int64)
        self._firsts = np.array([run.first_us for run in runs], np.int64) // self._lengths
        lasts = np.array([run.last_us for run in runs], np.int64) // self._lengths
        self._place = np.cumsum(self._is_outlined) - 1  # among the outlined
        most = int((lasts - self._firsts)[self._numbers].max(initial=-1)) + 1
        self._counts = np.zeros((len(self._numbers), most, len(STATUSES)), np.int64)
        self._openings: dict[int, int] = {}
        self._failures: dict[int, list[int]] = {}

    def add(self, actions: pa.Table, run: np.ndarray) -> None:
        """Rows of the batch; ``run`` has the number of each row's run."""
        rows = np.flatnonzero(self._is_outlined[run])
        if not len(rows):
            return
        run = run[rows]
        moments = actions["happened_at"].cast(pa.int64()).to_numpy()[rows]
        status = pc.index_in(actions["status"], _STATUSES).to_numpy()[rows]
        span = moments // self._lengths[run] - self._firsts[run]
        _, spans, statuses = self._counts.shape
        place = (self._place[run] * spans + span) * statuses + status
        self._counts += np.bincount(place, minlength=self._counts.size).reshape(self._counts.shape)

    def open_with(self, runs: Sequence[int], block: int) -> None:
        """The oldest actions of these runs are in this row group."""
        self._openings.update(dict.fromkeys(runs, block))

    def fail_in(self, runs: np.ndarray, block: int) -> None:
        """These runs have actions that are not OK in this row group; to be said of one after the other."""
        for run in np.unique(runs[self._is_outlined[runs]]).tolist():
            self._failures.setdefault(run, []).append(block)

    def of_runs(self) -> dict[str, RunOutline]:
        """By run id."""
        return {self._runs[number].run_id: self._outline(number) for number in self._numbers}

    def _outline(self, number: int) -> RunOutline:
        counts = self._counts[self._place[number]]
        spans = np.flatnonzero(counts.any(axis=1))
        numbered = np.column_stack((spans + self._firsts[number], counts[spans])).tolist()
        return RunOutline(
            span_us=int(self._lengths[number]),
            counts=tuple(map(tuple, numbered)),
            failures=tuple(self._failures.get(number, ())),
            opening=self._openings.get(number),
        )
