"""Rows of runs in the index: read, folded with what was said of a run, written back."""

from collections.abc import Iterable, Sequence

import sqlalchemy as sa

from ingest.database import some_at_a_time
from ingest.index_tables import run_events, runs
from ingest.run_state import RunEvent
from ingest.run_totals import RunRow, event_from_row, with_events

# Built once: that takes as long as running them does.
_CHOSEN_RUNS = sa.select(runs).where(runs.c.run_id.in_(sa.bindparam("run_ids", expanding=True)))
_UPDATE_RUN = (
    sa.update(runs)
    .where(runs.c.run_id == sa.bindparam("new_run_id"))
    .values({column: sa.bindparam(f"new_{column.name}") for column in runs.c if column.name != "run_id"})
)


def rows_of(connection: sa.Connection, run_ids: Iterable[str]) -> dict[str, RunRow]:
    found: dict[str, RunRow] = {}
    for some in some_at_a_time(list(run_ids)):
        chosen = connection.execute(_CHOSEN_RUNS, {"run_ids": some})
        found.update({row["run_id"]: dict(row) for row in chosen.mappings()})
    return found


def write_totals(connection: sa.Connection, known: dict[str, RunRow], totals: dict[str, RunRow]) -> None:
    new = [row for run_id, row in totals.items() if run_id not in known]
    changed = [row for run_id, row in totals.items() if run_id in known]
    if new:
        connection.execute(sa.insert(runs), new)
    if changed:
        connection.execute(_UPDATE_RUN, [{f"new_{name}": value for name, value in row.items()} for row in changed])


def fold_events(
    connection: sa.Connection, numbered_events: Sequence[tuple[tuple[str, int], RunEvent]], totals: dict[str, RunRow]
) -> None:
    """Only the new events, unless as late or later ones were folded before them."""
    new: dict[str, list[tuple[tuple[str, int], RunEvent]]] = {}
    for event_id, event in numbered_events:
        new.setdefault(event.run_id, []).append((event_id, event))
    for run_id, numbered in new.items():
        row = totals.get(run_id)
        numbered.sort(key=lambda pair: pair[0])
        oldest, newest = numbered[0][0][0], numbered[-1][0][0]
        late = row is not None and row["last_event"] is not None and row["last_event"] >= oldest
        events = _events_of(connection, run_id) if late else [event for _, event in numbered]
        totals[run_id] = with_events(row, events, newest, afresh=late)


def _events_of(connection: sa.Connection, run_id: str) -> list[RunEvent]:
    chosen = sa.select(run_events).where(run_events.c.run_id == run_id)
    ordered = chosen.order_by(run_events.c.batch_id, run_events.c.row)
    return [event_from_row(dict(row)) for row in connection.execute(ordered).mappings()]
