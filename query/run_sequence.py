"""Runs of one integration and configuration in the order they began, and which of them were thorough."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from ingest.database import some_at_a_time
from ingest.index_tables import batch_problems, runs
from ingest.timestamps import from_microseconds
from query.lake_view import LakeView
from query.problem_states import Sighting, is_thorough

MOST_RUNS = 50
"""Runs of a configuration that are looked at, where thorough ones are rare."""

RunRow = sa.Row[Any]  # the columns of latest_runs


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenRun:
    """A run in its place, and the problems it had."""

    run_id: str
    begun_at: datetime
    is_thorough: bool
    problem_ids: frozenset[str]


def latest_runs(conditions: Iterable[sa.ColumnElement[bool]], most: int = MOST_RUNS) -> sa.Select[Any]:
    """Some runs, newest first; whether each is thorough, should it be the last one, and should another follow."""
    columns = (
        *(runs.c.run_id, runs.c.integration, runs.c.configuration, runs.c.sort_us),
        is_thorough(sa.false()).label("alone"),
        is_thorough(sa.true()).label("followed"),
    )
    return sa.select(*columns).where(*conditions).order_by(runs.c.sort_us.desc(), runs.c.run_id.desc()).limit(most)


def of_configuration(integration: str, configuration: str | None) -> tuple[sa.ColumnElement[bool], ...]:
    return runs.c.integration == integration, runs.c.configuration.is_not_distinct_from(configuration)


def seen_runs(newest_first: Sequence[RunRow], problems: Mapping[str, frozenset[str]]) -> list[SeenRun]:
    """The same, oldest first; the first row is the last run there is."""
    in_place = [
        SeenRun(
            run_id=row.run_id,
            begun_at=from_microseconds(row.sort_us),
            is_thorough=bool(row.followed if place else row.alone),
            problem_ids=problems.get(row.run_id, frozenset()),
        )
        for place, row in enumerate(newest_first)
    ]
    return in_place[::-1]


def back_to_thorough(newest_first: Sequence[RunRow]) -> Sequence[RunRow]:
    """The first of these rows, up to the second thorough run."""
    thorough = 0
    for place, row in enumerate(newest_first):
        thorough += bool(row.followed if place else row.alone)
        if thorough == 2:
            return newest_first[: place + 1]
    return newest_first


def sightings_of(some: Iterable[SeenRun], problem_id: str) -> list[Sighting]:
    return [Sighting(is_thorough=run.is_thorough, has_it=problem_id in run.problem_ids) for run in some]


def problems_of_runs(view: LakeView, run_ids: Sequence[str]) -> Mapping[str, frozenset[str]]:
    """The ids of the problems of each of these runs that has any."""
    found: dict[str, set[str]] = {}
    columns = sa.select(batch_problems.c.run_id, batch_problems.c.problem_id)
    for some in some_at_a_time(run_ids):
        for row in view.select(columns.where(batch_problems.c.run_id.in_(some))):
            found.setdefault(row.run_id, set()).add(row.problem_id)
    return {run_id: frozenset(ids) for run_id, ids in found.items()}
