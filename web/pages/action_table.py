"""The table of a run's actions as a page shows it: the filters in force, the rows, and where every link leads."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from ingest.action import OPERATIONS, STATUSES, Operation, Status
from query.actions import Action, ActionFilter, find_actions
from query.lake_view import LakeView
from reports.wording import iso_datetime
from web.api.query_parameters import limit_of
from web.pages.addresses import Arguments, address, path_of_run, said
from web.pages.arguments import read_action_filter, read_action_sort
from web.pages.chips import Chip, chips_of
from web.pages.headings import Heading, headings_of

CHIP_LABELS = {
    "q": "Search",
    "status": "Status",
    "operation": "Action",
    "type": "Type",
    "problem_id": "Problem",
    "record": "Record",
    "since": "From",
    "until": "Until",
}
FILTERS = tuple(CHIP_LABELS)
MESSAGE_SHOWN = 400
"""Characters of a message in the table; the page of the action has the rest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionTable:
    """One page of a run's actions."""

    run_id: str
    actions: Sequence[Action]
    action_filter: ActionFilter
    arguments: Arguments
    date_heading: Heading
    next_cursor: str | None
    shows_runs: bool = False

    @property
    def path(self) -> str:
        return path_of_run(self.run_id)

    @property
    def statuses(self) -> tuple[Status, ...]:
        return STATUSES

    @property
    def operations(self) -> tuple[Operation, ...]:
        return OPERATIONS

    @property
    def message_shown(self) -> int:
        return MESSAGE_SHOWN

    @property
    def is_filtered(self) -> bool:
        return any(name in self.arguments for name in FILTERS)

    @property
    def types(self) -> list[str]:
        """Of the sources and targets shown: a choice that costs no question of its own."""
        found = {each for action in self.actions for each in (action.source_type, action.target_type) if each}
        return sorted(found)

    @property
    def chips(self) -> list[Chip]:
        return chips_of(self.path, self.arguments, CHIP_LABELS, fragment="#actions")

    @property
    def next_address(self) -> str | None:
        """The page that goes on where this one ends."""
        if self.next_cursor is None:
            return None
        return address(self.path, self.arguments, {"cursor": self.next_cursor}) + "#actions"

    @property
    def more_address(self) -> str | None:
        """The rows that go on where these end, for the table that is already there."""
        if self.next_cursor is None:
            return None
        return address(f"{self.path}/actions", self.arguments, {"cursor": self.next_cursor})

    @property
    def first_address(self) -> str | None:
        """The first page, when this is a later one."""
        if "cursor" not in self.arguments:
            return None
        return address(self.path, said(self.arguments, without=["cursor"])) + "#actions"

    @property
    def cleared_address(self) -> str:
        return address(self.path, said(self.arguments, without=[*FILTERS, "cursor"])) + "#actions"

    def data_address(self, kind: str) -> str:
        """The API's file of the same actions, all of them."""
        kept = Arguments([pair for pair in self.arguments.items(multi=True) if pair[0] in FILTERS])
        wanted = self.action_filter
        moments = {"since": wanted.since, "until": wanted.until}  # the API knows no "24h"
        exact = {name: iso_datetime(moment) for name, moment in moments.items() if moment is not None}
        return address(f"/api/v1{self.path}/actions.{kind}", kept, exact)


def build_action_table(view: LakeView, run_id: str, arguments: Arguments, *, now: datetime) -> ActionTable:
    """The page of actions these arguments ask for."""
    action_filter, sort = read_action_filter(now=now), read_action_sort()
    found = find_actions(
        view, action_filter, run_id=run_id, sort=sort, limit=limit_of(), cursor=arguments.get("cursor")
    )
    date = (("Date", "happened_at", False),)
    return ActionTable(
        run_id=run_id,
        actions=found.items,
        action_filter=action_filter,
        arguments=arguments,
        date_heading=headings_of(date, sort=sort, path=path_of_run(run_id), arguments=arguments)[0],
        next_cursor=found.next_cursor,
    )
