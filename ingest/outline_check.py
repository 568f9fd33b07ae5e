"""Does a batch say of its large runs what its rows say?"""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ingest.action import Status
from ingest.footer import BatchFooter, RunSummary
from ingest.outlining import RunOutlines

_NEVER = np.iinfo(np.int64)


MOST_SPANS = 1_000
"""Of one run: more are not an outline. A writer makes some sixty, and is free to choose."""


def _spans_of(run: RunSummary) -> int:
    length = run.last_us - run.first_us + 1 if run.outline is None else run.outline.span_us
    return run.last_us // length - run.first_us // length + 1


class OutlineCheck:
    """The outlines of a batch, made anew while its row groups pass by."""

    def __init__(self, footer: BatchFooter) -> None:
        self._said = [run.outline for run in footer.runs]
        self._ids = [run.run_id for run in footer.runs]
        self._is_readable = all(_spans_of(run) <= MOST_SPANS for run in footer.runs)
        spans_us = {n: said.span_us for n, said in enumerate(self._said) if said is not None and self._is_readable}
        self._made = RunOutlines(footer.runs, spans_us)
        openings = [-1 if outline is None or outline.opening is None else outline.opening for outline in self._said]
        self._openings = np.array(openings, np.int64)
        self._last_in_opening = np.full(len(openings), _NEVER.min)
        self._first_elsewhere = np.full(len(openings), _NEVER.max)

    def add(self, group: int, actions: pa.Table) -> None:
        """The rows of a row group; all run ids are known."""
        run = pc.index_in(actions["run_id"], pa.array(self._ids, pa.string())).to_numpy()
        self._made.add(actions, run)
        self._made.fail_in(run[pc.not_equal(actions["status"], Status.OK.value).to_numpy()], group)
        moments = actions["happened_at"].cast(pa.int64()).to_numpy()
        is_opening = self._openings[run] == group
        np.maximum.at(self._last_in_opening, run[is_opening], moments[is_opening])
        np.minimum.at(self._first_elsewhere, run[~is_opening], moments[~is_opening])

    @property
    def is_right(self) -> bool:
        """Whether what is said is what was found."""
        if not self._is_readable:
            return False
        is_opening = (_NEVER.min < self._last_in_opening) & (self._last_in_opening <= self._first_elsewhere)
        has_opening = [said is not None and said.opening is not None for said in self._said]
        if not is_opening[has_opening].all():
            return False
        made = self._made.of_runs()
        return all(
            replace(made[run_id], opening=said.opening) == said
            for run_id, said in zip(self._ids, self._said, strict=True)
            if said is not None
        )
