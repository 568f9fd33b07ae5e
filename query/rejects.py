"""Refused lines: a page of them, which of them are alike, and those to be mended.

Looked at are the newest batches of rejects, up to LOOKED_AT rows: the whole history, unless something is very wrong. A
page looks at fewer, as long as nothing newer can be in the others. Whether a line was replayed is said by a later row
of the same kind, so in a newer batch, and for a day by the key its replay took.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from ingest.index_tables import idempotency
from ingest.mending import KeptReject
from ingest.timestamps import from_microseconds, to_microseconds
from query.actions import read_place
from query.lake_view import LakeView
from query.paging import Page, page_of

LOOKED_AT = 300_000
SHOWN_CHARACTERS = 4000
"""Of a line in a list; mending needs the whole."""
_WHOLE = 1 << 30
_PAGE = 5000
_FIRST_LOOK = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectFilter:
    """Which refused lines; what is None or empty does not matter. ``field`` may be "" for those that name none.

    ``is_replayed``: those that were replayed, or those that were not. ``ids`` are ``batch_id.row``.
    """

    source: str | None = None
    run_id: str | None = None
    code: str | None = None
    field: str | None = None
    q: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    is_replayed: bool | None = False
    ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedReject:
    """A refused line in a list, its text perhaps cut; ``replayed`` says whether it was recorded after all."""

    reject: KeptReject
    raw_length: int | None
    replayed: bool
    replayed_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectGroup:
    """Refused lines of one source with the same fault in the same field; ``message`` is that of the last."""

    source: str | None
    code: str
    field: str | None
    count: int
    runs: int
    first_at: datetime
    last_at: datetime
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectGroups:
    """What was refused, by what it has in common; ``is_all`` when every reject there is was looked at."""

    groups: tuple[RejectGroup, ...]
    is_all: bool

    @property
    def count(self) -> int:
        return sum(group.count for group in self.groups)


def find_rejects(
    view: LakeView, reject_filter: RejectFilter, *, limit: int = 50, cursor: str | None = None, whole: bool = False
) -> Page[ListedReject]:
    """A page of refused lines, newest first; with all of their texts where they are to be read."""
    parameters = {
        **_wanted(view, reject_filter),
        **read_place(cursor),
        "ids": list(reject_filter.ids) or None,
        "shown": _WHOLE if whole else SHOWN_CHARACTERS,
        "limit": limit + 1,
    }
    looked_at = max(_FIRST_LOOK, 4 * limit)
    while True:
        files, left_us = view.newest_reject_files(min(looked_at, LOOKED_AT))
        rows = view.fetch("rejects.find_rejects", files, parameters)
        is_certain = len(rows) > limit and left_us is not None and rows[-1]["received_us"] > left_us
        if is_certain or left_us is None or looked_at >= LOOKED_AT:
            return page_of([_listed(row) for row in rows], limit, _place_of)
        looked_at *= 16


def list_rejects(view: LakeView, reject_filter: RejectFilter, *, limit: int) -> Iterator[ListedReject]:
    """The newest refused lines with all of their texts, page by page."""
    cursor, left = None, limit
    while left > 0:
        page = find_rejects(view, reject_filter, limit=min(left, _PAGE), cursor=cursor, whole=True)
        yield from page.items
        cursor, left = page.next_cursor, left - len(page.items)
        if cursor is None:
            return


def list_reject_groups(view: LakeView, reject_filter: RejectFilter, *, limit: int = 200) -> RejectGroups:
    """Which refused lines are alike, those refused last first."""
    files, left_us = view.newest_reject_files(LOOKED_AT)
    rows = view.fetch("rejects.list_reject_groups", files, {**_wanted(view, reject_filter), "limit": limit})
    groups = tuple(
        RejectGroup(
            **{name: row[name] for name in ("source", "code", "field", "count", "runs", "message")},
            first_at=from_microseconds(row["first_us"]),
            last_at=from_microseconds(row["last_us"]),
        )
        for row in rows
    )
    return RejectGroups(groups=groups, is_all=left_us is None)


def to_be_mended(view: LakeView, reject_filter: RejectFilter, *, limit: int) -> Sequence[KeptReject]:
    """The newest refused lines that were not replayed yet, whole."""
    waiting = replace(reject_filter, is_replayed=False)
    return [listed.reject for listed in list_rejects(view, waiting, limit=limit)]


def _wanted(view: LakeView, reject_filter: RejectFilter) -> dict[str, object]:
    names = ("source", "run_id", "code", "field", "q", "since", "until", "is_replayed")
    taken = sa.select(idempotency.c.key).where(idempotency.c.key >= "reject ", idempotency.c.key < "reject!")
    return {
        **{name: getattr(reject_filter, name) for name in names},
        "q": reject_filter.q or None,
        "claims": [row.key for row in view.select(taken)] or None,
    }


def _listed(row: Mapping[str, Any]) -> ListedReject:
    names = ("batch_id", "row", "source", "run_id", "line", "field", "code", "message", "raw")
    return ListedReject(
        reject=KeptReject(
            **{name: row[name] for name in names},
            received_at=from_microseconds(row["received_us"]),
            given=json.loads(row["given"] or "{}"),
        ),
        raw_length=row["raw_length"],
        replayed=row["replayed_us"] is not None,
        replayed_at=from_microseconds(row["replayed_us"]) if row["replayed_us"] else None,
    )


def _place_of(listed: ListedReject) -> tuple[int, str, int]:
    return to_microseconds(listed.reject.received_at), listed.reject.batch_id, listed.reject.row
