"""One page of the list of problems."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from markupsafe import Markup

from ingest.action import Status
from ingest.problem_rows import Key
from query.causes import Cause
from query.problem_list import ListedProblem, ProblemFilter, list_problems, list_trends, look_for, page_of_problems
from query.problem_states import ProblemState
from query.runs import RunFacets, list_facets
from reports.charts import history_bars
from reports.problem_wording import state_label, trend_words
from web.api.problems import EVERYTHING, OPEN, problem_sort, read_problem_filter
from web.api.query_parameters import limit_of
from web.pages.addresses import Arguments, address, path_of_problem, said
from web.pages.arguments import TIME_RANGES, moment_of
from web.pages.headings import Heading, headings_of
from web.workspace import Workspace

PATH = "/problems"
# Label, what it sorts by, and whether the first click gives the largest first.
COLUMNS = (
    ("Problem", "template", False),
    ("Integration", "integration", False),
    ("State", "state", True),
    ("Class", "cause", False),
    ("Actions", "count", True),
    ("Records", "records", True),
    ("Runs", "runs", True),
    ("First seen", "first_at", True),
    ("Last seen", "last_at", True),
)
FILTERS = ("q", "integration", "configuration", "state", "cause", "status", "range", "since", "until")
LESS_USED_FILTERS = ("configuration", "status", "since", "until")


@dataclass(frozen=True, slots=True, kw_only=True)
class StateTile:
    """How many problems are in a state, and the address of just those."""

    label: str
    count: int
    address: str
    is_chosen: bool
    state: ProblemState | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProblemList:
    """Everything the page shows."""

    problems: Sequence[ListedProblem]
    counts: Mapping[ProblemState, int]
    set_aside: int
    trends: Mapping[Key, list[tuple[int, Status | None]]]
    problem_filter: ProblemFilter
    arguments: Arguments
    facets: RunFacets
    causes: Mapping[str, Cause]
    headings: tuple[Heading, ...]
    next_cursor: str | None
    now: datetime

    @property
    def tiles(self) -> list[StateTile]:
        chosen = self.arguments.get("state", OPEN)
        open_count = sum(count for state, count in self.counts.items() if state.is_open)
        first = StateTile(label="Open", count=open_count, address=self._state_address(None), is_chosen=chosen == OPEN)
        return [
            first,
            *(
                StateTile(
                    label=state_label(state),
                    count=self.counts.get(state, 0),
                    address=self._state_address(state.value),
                    is_chosen=chosen == state,
                    state=state,
                )
                for state in ProblemState
            ),
        ]

    @property
    def time_ranges(self) -> Mapping[str, str]:
        return TIME_RANGES

    @property
    def shows_everything(self) -> bool:
        return self.arguments.get("state") == EVERYTHING

    @property
    def everything_address(self) -> str:
        return self._state_address(EVERYTHING)

    @property
    def is_filtered(self) -> bool:
        return any(name in self.arguments for name in FILTERS)

    @property
    def shows_less_used_filters(self) -> bool:
        return any(name in self.arguments for name in LESS_USED_FILTERS)

    @property
    def is_first_log_missing(self) -> bool:
        """Whether nothing was ever recorded."""
        return not self.facets.integrations

    @property
    def next_address(self) -> str | None:
        return address(PATH, self.arguments, {"cursor": self.next_cursor}) if self.next_cursor else None

    @property
    def first_address(self) -> str | None:
        return address(PATH, said(self.arguments, without=["cursor"])) if "cursor" in self.arguments else None

    @property
    def cleared_address(self) -> str:
        return address(PATH, said(self.arguments, without=[*FILTERS, "cursor"]))

    def data_address(self, kind: str) -> str:
        """The same problems as data, all of them."""
        return address(f"{PATH}.{kind}", said(self.arguments, without=["cursor"]))

    def path_of(self, problem: ListedProblem) -> str:
        return path_of_problem(problem.problem_id, problem.integration, problem.configuration)

    def trend_of(self, problem: ListedProblem) -> Markup:
        trend = self.trends[problem.key]
        return history_bars([each if each[0] else (0, None) for each in trend], words=trend_words(trend))

    def _state_address(self, state: str | None) -> str:
        return address(PATH, self.arguments, {"state": state, "cursor": None})


def list_wanted_problems(workspace: Workspace, *, now: datetime) -> list[ListedProblem]:
    """All that the address asks for, in its order."""
    return list_problems(workspace.view, _filter(workspace, now), workspace.known(now), sort=problem_sort())


def build_problem_list(workspace: Workspace, arguments: Arguments, *, now: datetime) -> ProblemList:
    """The page of problems these arguments ask for."""
    view, wanted, sort = workspace.view, _filter(workspace, now), problem_sort()
    known = workspace.known(now)
    found = look_for(view, replace(wanted, states=()), known, sort=sort)
    in_state = [each for each in found if not wanted.states or each.state in wanted.states]
    page = page_of_problems(in_state, known, limit=limit_of(), cursor=arguments.get("cursor"))
    return ProblemList(
        problems=page.items,
        counts=Counter(each.state for each in found if not each.is_set_aside),
        set_aside=sum(each.is_set_aside for each in in_state),
        trends=list_trends(view, page.items),
        problem_filter=wanted,
        arguments=arguments,
        facets=list_facets(view),
        causes=workspace.causes.classes,
        headings=headings_of(COLUMNS, sort=sort, path=PATH, arguments=arguments),
        next_cursor=page.next_cursor,
        now=now,
    )


def _filter(workspace: Workspace, now: datetime) -> ProblemFilter:
    return read_problem_filter(
        tuple(workspace.causes.classes),
        since=moment_of("since", now=now) or moment_of("range", now=now),
        until=moment_of("until", now=now),
    )
