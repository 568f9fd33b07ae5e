"""The page of a record: its figures, and its actions run by run."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from query.actions import Action
from query.paging import Page
from reports.changes import Change, changes_of
from reports.record_head import Partner, RecordHead, Standing, Visit, group_by_run
from reports.status_lanes import MOST_MARKS, status_lanes
from web.api.search import ANY_TYPE
from web.pages.addresses import Arguments, address, path_of_problem, path_of_record, path_of_run, said

MESSAGE_SHOWN = 300
CHANGES_SHOWN = 8
VALUE_SHOWN = 120
PARTNERS_SHOWN = 8
RUNS_SHOWN = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitTable:
    """One page of a record's actions, those of one run together."""

    record_type: str | None
    record_id: str
    page: Page[Action]
    arguments: Arguments

    @property
    def visits(self) -> tuple[Visit, ...]:
        return group_by_run(self.page.items)

    @property
    def message_shown(self) -> int:
        return MESSAGE_SHOWN

    @property
    def value_shown(self) -> int:
        return VALUE_SHOWN

    @property
    def next_address(self) -> str | None:
        if self.page.next_cursor is None:
            return None
        return address(self.path, self.arguments, {"cursor": self.page.next_cursor})

    @property
    def first_address(self) -> str | None:
        if "cursor" not in self.arguments:
            return None
        return address(self.path, said(self.arguments, without=["cursor"]))

    @property
    def path(self) -> str:
        return path_of_record(self.record_type, self.record_id)

    def changes_of(self, action: Action) -> Sequence[Change]:
        return changes_of(action.details)[:CHANGES_SHOWN]

    def changes_left(self, action: Action) -> int:
        return max(0, len(changes_of(action.details)) - CHANGES_SHOWN)

    def is_source(self, action: Action) -> bool:
        """Whether the record is what was read, and another was written."""
        return action.source_id == self.record_id and self.record_type in (None, action.source_type)

    def partner_path(self, action: Action) -> str | None:
        """The history of the record on the other side."""
        is_source = self.is_source(action)
        other_type, other_id = (
            (action.target_type, action.target_id) if is_source else (action.source_type, action.source_id)
        )
        return path_of_record(other_type, other_id) if other_id else None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordPage:
    """The whole page; only the first has the figures."""

    head: RecordHead | None
    table: VisitTable

    @property
    def name(self) -> str:
        return (self.head.name if self.head else None) or self.table.record_id

    @property
    def wide_chart(self) -> Markup:
        assert self.head is not None
        return status_lanes(self.head.visits, width=1120)

    @property
    def narrow_chart(self) -> Markup:
        assert self.head is not None
        return status_lanes(self.head.visits, width=340, name="statuses-over-time-narrow")

    @property
    def most_marks(self) -> int:
        return MOST_MARKS

    @property
    def partners(self) -> Sequence[Partner]:
        assert self.head is not None
        return self.head.partners[:PARTNERS_SHOWN]

    @property
    def standings(self) -> Sequence[Standing]:
        """Worth a table where there are several."""
        assert self.head is not None
        return self.head.standings if len(self.head.standings) > 1 else ()

    @property
    def runs_shown(self) -> int:
        return RUNS_SHOWN

    def run_path(self, run_id: str) -> str:
        return path_of_run(run_id)

    def action_path(self, action: Action) -> str:
        return f"{path_of_run(action.run_id)}/actions/{action.action_id}"

    def problem_path(self, action: Action) -> str | None:
        """The failure an action is one of, in all runs."""
        if action.problem_id is None or action.integration is None:
            return None
        return path_of_problem(action.problem_id, action.integration, action.configuration)

    def partner_path(self, partner: Partner) -> str:
        return path_of_record(partner.record_type, partner.record_id)

    def data_address(self, kind: str) -> str:
        """The same actions as data, all of them."""
        names = {"type": self.table.record_type or ANY_TYPE, "id": self.table.record_id}
        return address(f"/records.{kind}", Arguments(), names)
