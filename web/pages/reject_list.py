"""The page of refused lines: which are alike, and the lines themselves, with the filters in force."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from query.lake_view import LakeView
from query.rejects import ListedReject, RejectFilter, RejectGroup, RejectGroups, find_rejects, list_reject_groups
from web.api.query_parameters import limit_of
from web.api.rejects import NO_FIELD, read_reject_filter
from web.pages.addresses import Arguments, address, said
from web.pages.arguments import TIME_RANGES, moment_of

PATH = "/rejects"
MEND_PATH = "/rejects/mend"
FILTERS = ("source", "run_id", "code", "field", "q", "since", "until", "range", "replayed", "id")
RAW_SHOWN = 300
"""Characters of a line in the table."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectList:
    """Groups of refused lines, and a page of the lines."""

    groups: RejectGroups
    rejects: Sequence[ListedReject]
    chosen: RejectFilter
    arguments: Arguments
    next_cursor: str | None

    raw_shown = RAW_SHOWN
    time_ranges = TIME_RANGES
    replayed_words = (("", "Not replayed"), ("true", "Replayed"), ("all", "All"))

    @property
    def is_filtered(self) -> bool:
        return any(name in self.arguments for name in FILTERS)

    @property
    def can_be_mended(self) -> bool:
        return self.chosen.is_replayed is False and bool(self.rejects)

    @property
    def next_address(self) -> str | None:
        return address(PATH, self.arguments, {"cursor": self.next_cursor}) if self.next_cursor else None

    @property
    def first_address(self) -> str | None:
        return address(PATH, said(self.arguments, without=["cursor"])) if "cursor" in self.arguments else None

    @property
    def mend_address(self) -> str:
        """To mend all that is chosen."""
        return address(MEND_PATH, said(self.arguments, without=["cursor", "replayed", "limit"]))

    @property
    def hidden_filters(self) -> list[tuple[str, str]]:
        """Filters the form has no field for."""
        return [pair for pair in self.arguments.items(multi=True) if pair[0] in ("since", "until", "id")]

    @property
    def done(self) -> int | None:
        """How many lines were just replayed."""
        return _number(self.arguments.get("done"))

    @property
    def still_refused(self) -> int | None:
        return _number(self.arguments.get("refused"))

    def data_address(self, kind: str) -> str:
        return address(f"{PATH}.{kind}", said(self.arguments, without=["cursor", "limit", "done", "refused"]))

    def group_address(self, group: RejectGroup) -> str:
        """The lines of a group alone."""
        return address(PATH, said(self.arguments, without=["cursor", "done", "refused"]), _group(group))

    def group_mend_address(self, group: RejectGroup) -> str:
        rest = said(self.arguments, without=["cursor", "replayed", "limit", "done", "refused"])
        return address(MEND_PATH, rest, _group(group))


def build_reject_list(view: LakeView, arguments: Arguments, *, now: datetime) -> RejectList:
    """The refused lines these arguments ask for. Raises InvalidInput."""
    chosen = read_chosen_rejects(now=now)
    groups = view.begin(lambda: list_reject_groups(view, chosen))
    found = find_rejects(view, chosen, limit=limit_of(), cursor=arguments.get("cursor"))
    return RejectList(
        groups=groups.result(),
        rejects=found.items,
        chosen=chosen,
        arguments=arguments,
        next_cursor=found.next_cursor,
    )


def read_chosen_rejects(*, now: datetime) -> RejectFilter:
    """Which refused lines the address chooses; ``range=24h`` is a ``since`` that moves with the clock."""
    chosen = read_reject_filter()
    return chosen if chosen.since is not None else replace(chosen, since=moment_of("range", now=now))


def _group(group: RejectGroup) -> dict[str, str | None]:
    return {"source": group.source or None, "code": group.code, "field": group.field or NO_FIELD}


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isascii() and text.isdigit() and len(text) < 10 else None
