"""The history of a record as it is read: its figures, and the first page of its actions."""

from dataclasses import dataclass

from query.actions import Action, place_of
from query.lake_view import LakeView
from query.paging import Page, page_of
from query.search import record_history
from reports.record_head import RecordHead, build_record_head

LOOKED_AT = 1000
"""The figures of a record are told from so many of its actions, the latest; nearly every record has fewer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordHistory:
    """Read once for both."""

    head: RecordHead
    page: Page[Action]


def read_record_history(
    view: LakeView, record_type: str | None, record_id: str, *, limit: int = 50, looked_at: int = LOOKED_AT
) -> RecordHistory:
    """What was done to a record, and with it as a source, in any run, the latest first."""
    found = record_history(view, record_type, record_id, limit=max(limit, looked_at))
    page = page_of(found.items[: limit + 1], limit, place_of) if len(found.items) > limit else found
    is_whole = found.next_cursor is None
    return RecordHistory(head=build_record_head(record_type, record_id, found.items, is_whole=is_whole), page=page)
