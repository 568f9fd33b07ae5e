"""Actions: a page of them, one of them, or a stream of all.

A page is one statement over only those batches that, by their summaries, hold an action of the wanted statuses and
operations; it goes on after the last action's ``(happened_at, batch_id, row)``. Two statements, one a direction:
an order by an expression would keep DuckDB from skipping row groups.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from ingest.action import Operation, Status
from ingest.errors import ActionNotFound, InvalidInput
from ingest.timestamps import EARLIEST_US, LATEST_US, MICROSECOND, from_microseconds, to_microseconds
from query.lake_view import LakeView, Rows
from query.paging import Page, page_of, read_cursor, write_cursor
from query.run_batches import RunBatch, files_of_run, list_run_batches
from query.run_pages import RunPage, read_run_page, within_reach
from query.runs import get_run
from query.search_hits import Place
from query.statements import load

ACTION_SORTS = ("happened_at", "-happened_at")

STREAMED_ROWS = 20_000

_LAST_MOMENT = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One thing done, or found already right, for one record: a row of the lake."""

    batch_id: str
    row: int
    run_id: str
    integration: str | None
    configuration: str | None
    trigger: str | None
    happened_at: datetime
    operation: Operation
    status: Status
    source_type: str | None
    source_id: str | None
    source_name: str | None
    target_type: str | None
    target_id: str | None
    target_name: str | None
    code: str | None
    message: str | None
    details: str | None  # JSON text
    duration_ms: int | None
    problem_id: str | None

    @property
    def action_id(self) -> str:
        """Given at the first commit and never changed, wherever the row is moved."""
        return f"{self.batch_id}.{self.row}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionFilter:
    """Which actions; what is None or empty does not matter.

    ``q`` is looked for, whatever its case, in message, code, names and ids; ``record`` is the id of a source or target,
    ``record_type`` the type of one; ``texts``, ``likes`` and ``unlikes`` are for :mod:`query.action_matches`;
    ``since`` is the first moment that counts, ``until`` the first that no longer does.
    """

    statuses: tuple[Status, ...] = ()
    operations: tuple[Operation, ...] = ()
    q: str | None = None
    problem_id: str | None = None
    record: str | None = None
    record_type: str | None = None
    texts: tuple[str, ...] = ()
    likes: tuple[str | None, ...] | None = None
    unlikes: tuple[str | None, ...] | None = None
    since: datetime | None = None
    until: datetime | None = None


def find_actions(
    view: LakeView,
    action_filter: ActionFilter,
    *,
    run_id: str | None,
    sort: str = "happened_at",
    limit: int = 50,
    cursor: str | None = None,
) -> Page[Action]:
    """A page of the actions of a run or, without ``run_id``, of all runs."""
    if sort not in ACTION_SORTS:
        raise InvalidInput(
            f"actions cannot be sorted by {sort!r}", field="sort", hint=f"one of {', '.join(ACTION_SORTS)}"
        )
    newest_first = sort.startswith("-")
    place = read_place(cursor)
    if run_id is None:
        limits = _from_place(action_filter, place, newest_first)
        files = view.files_between(limits.since, limits.until)
    else:
        batches = _run_batches(view, run_id, _from_place(action_filter, place, newest_first))
        page = _run_page(run_id, action_filter, place, newest_first, limit + 1) if _is_simple(action_filter) else None
        batches = batches if page is None else within_reach(batches, page)
        files = view.paths_of(batch.batch_id for batch in batches)
        if page is not None and (rows := read_run_page(view, batches, page)) is not None:
            return page_of(_actions_from(view, files, rows), limit, place_of)
    if not files:
        return Page(items=[], next_cursor=None)
    name = "actions.find_actions_newest_first" if newest_first else "actions.find_actions_oldest_first"
    asked = {**_wanted(run_id, action_filter), **place, "limit": limit + 1}
    return page_of(_actions_from(view, files, view.fetch(name, files, asked)), limit, place_of)


def get_action(view: LakeView, run_id: str, action_id: str) -> Action:
    """Raises ActionNotFound."""
    batch_id, _, row = action_id.rpartition(".")
    if row.isdecimal() and row.isascii() and len(row) < 19:
        files = files_of_run(view, run_id)
        wanted = {"run_id": run_id, "batch_id": batch_id, "row": int(row)}
        found = _actions_from(view, files, view.fetch("actions.get_action", files, wanted))
        if found:
            return found[0]
    raise ActionNotFound(f"run {run_id} has no action {action_id}")


def list_actions(
    view: LakeView, run_id: str, files: list[str], ids: Iterable[tuple[str, int]]
) -> dict[tuple[str, int], Action]:
    """The actions of a run with these ``(batch_id, row)``."""
    wanted = sorted(set(ids))
    if not wanted:
        return {}
    parameters = {
        "run_id": run_id,
        "batch_ids": [batch_id for batch_id, _ in wanted],
        "rows": [row for _, row in wanted],
    }
    found = _actions_from(view, files, view.fetch("actions.list_actions", files, parameters))
    return {(action.batch_id, action.row): action for action in found}


def find_first_error(view: LakeView, run_id: str) -> str | None:
    """The cursor of the page that begins with the first action that failed; None where none did."""
    failed = find_actions(view, ActionFilter(statuses=(Status.ERROR,)), run_id=run_id, limit=1).items
    return write_cursor(_just_before(failed[0])) if failed else None


def stream_actions(view: LakeView, run_id: str, action_filter: ActionFilter) -> pa.RecordBatchReader:
    """All actions of a run as they came, batch by batch, however many. Raises RunNotFound before the first."""
    files = view.paths_of(batch.batch_id for batch in _run_batches(view, run_id, action_filter))
    if not files:
        get_run(view, run_id)  # an unknown run is not the same as a run without such actions
    cursor = view.cursor()
    parameters = view.bind(files, _wanted(run_id, action_filter))
    with view.trouble.reading(files):
        reader = cursor.sql(load("actions.stream_actions"), params=parameters).to_arrow_reader(STREAMED_ROWS)

    def batches() -> Iterator[pa.RecordBatch]:
        with closing(cursor), view.trouble.reading(files):
            yield from reader

    return pa.RecordBatchReader.from_batches(reader.schema, batches())


def _actions_from(view: LakeView, files: list[str], rows: Rows) -> list[Action]:
    with view.trouble.reading(files):
        return [action_from(**row) for row in rows]


def action_from(*, happened_us: int, operation: str, status: str, **others: Any) -> Action:  # columns of several types
    """The action in a row, its time in microseconds."""
    return Action(
        happened_at=from_microseconds(happened_us), operation=Operation(operation), status=Status(status), **others
    )


def _is_simple(action_filter: ActionFilter) -> bool:
    """Whether nothing but time and exact values are asked for."""
    rest = replace(action_filter, statuses=(), operations=(), problem_id=None, since=None, until=None)
    return rest == ActionFilter()


def _run_page(
    run_id: str, action_filter: ActionFilter, place: Mapping[str, Any], newest_first: bool, limit: int
) -> RunPage:
    wanted = {
        "status": [status.value for status in action_filter.statuses],
        "operation": [operation.value for operation in action_filter.operations],
        "problem_id": [action_filter.problem_id] if action_filter.problem_id is not None else [],
    }
    return RunPage(
        run_id=run_id,
        wanted={name: values for name, values in wanted.items() if values},
        between_us=(
            EARLIEST_US if action_filter.since is None else to_microseconds(action_filter.since),
            LATEST_US + 1 if action_filter.until is None else to_microseconds(action_filter.until),
        ),
        after=place_from(place),
        newest_first=newest_first,
        limit=limit,
    )


def _run_batches(view: LakeView, run_id: str, action_filter: ActionFilter) -> list[RunBatch]:
    return list_run_batches(
        view,
        run_id,
        statuses=action_filter.statuses,
        operations=action_filter.operations,
        since=action_filter.since,
        until=action_filter.until,
    )


def _wanted(run_id: str | None, action_filter: ActionFilter) -> dict[str, object]:
    return {
        "run_id": run_id,
        "statuses": [status.value for status in action_filter.statuses] or None,
        "operations": [operation.value for operation in action_filter.operations] or None,
        "q": action_filter.q or None,
        "problem_id": action_filter.problem_id,
        "record": action_filter.record,
        "type": action_filter.record_type,
        "texts": list(action_filter.texts) or None,
        "likes": action_filter.likes and list(action_filter.likes),
        "unlikes": action_filter.unlikes and list(action_filter.unlikes),
        "since": action_filter.since,
        "until": action_filter.until,
    }


def place_of(action: Action) -> tuple[int, str, int]:
    """Its place among all actions, by time."""
    return to_microseconds(action.happened_at), action.batch_id, action.row


def _just_before(action: Action) -> tuple[int, str, int]:
    happened_us, batch_id, row = place_of(action)
    return happened_us, batch_id, row - 1


def read_place(cursor: str | None) -> dict[str, Any]:
    """The place a cursor stands for, as parameters of a statement. Raises InvalidInput."""
    if cursor is None:
        return {"after_at": None, "after_batch": None, "after_row": None}
    happened_us, batch_id, row = read_cursor(cursor, int, str, int)
    inside = isinstance(happened_us, int) and EARLIEST_US <= happened_us <= LATEST_US
    if not inside:
        raise InvalidInput("the cursor lies outside the years 1 to 9999", field="cursor")
    return {"after_at": from_microseconds(int(happened_us or 0)), "after_batch": batch_id, "after_row": row}


def place_from(said: Mapping[str, Any]) -> Place | None:
    """The place in such parameters."""
    if said["after_at"] is None:
        return None
    return Place(to_microseconds(said["after_at"]), said["after_batch"], said["after_row"])


def _from_place(action_filter: ActionFilter, place: Mapping[str, Any], newest_first: bool) -> ActionFilter:
    """The filter for choosing batches: what lies before the place was on an earlier page."""
    after_at = place["after_at"]
    if after_at is None:
        return action_filter
    if not newest_first:
        return replace(action_filter, since=max(filter(None, (after_at, action_filter.since))))
    if after_at == _LAST_MOMENT:
        return action_filter
    before = after_at + MICROSECOND  # the same moment may hold more actions
    return replace(action_filter, until=min(filter(None, (before, action_filter.until))))
