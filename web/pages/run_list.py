"""The list of runs as a page shows it: one page of runs, the filters in force and where every link leads."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from ingest.action import Progress
from ingest.errors import InvalidInput
from query.lake_view import LakeView
from query.run_history import RunHistory, get_run_history
from query.runs import Run, RunFacets, RunFilter, find_runs, list_facets
from reports.wording import end_is_unseen, progress_word
from web.api.query_parameters import RANGES as RANGE_PARAMETERS
from web.api.query_parameters import limit_of
from web.pages.addresses import Arguments, address, said
from web.pages.arguments import TIME_RANGES, read_run_filter, read_run_sort
from web.pages.headings import Heading, headings_of
from web.pages.run_timeline import RunTimeline

# Label, what it sorts by, and whether the first click gives the largest first.
COLUMNS = (
    ("Date", "begun_at", True),
    ("Type", "integration", False),
    ("Name", "configuration", False),
    ("Trigger", "trigger", False),
    ("Progress", "progress", False),
    ("Duration", "duration", True),
    ("Status", "status", True),
    ("Processed", "processed", True),
    ("Updates", "updates", True),
    ("Warnings", "warnings", True),
    ("Errors", "errors", True),
)
RANGES = tuple(parameter.name for parameter in RANGE_PARAMETERS)
FILTERS = ("q", "integration", "configuration", "trigger", "progress", "status", "range", "since", "until", *RANGES)
LESS_USED_FILTERS = ("configuration", "trigger", "progress", "since", "until", *RANGES)
OFFERED_RANGES = {
    "errors_min": "Errors at least",
    "warnings_min": "Warnings at least",
    "processed_min": "Processed at least",
    "processed_max": "Processed at most",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One that is shown by choice; ``name`` is what it sorts by, and how it is chosen in an address."""

    name: str
    label: str
    is_count: bool = True


CHOICE = (
    Column(name="scope", label="Scope", is_count=False),
    Column(name="ended_at", label="Finished", is_count=False),
    Column(name="creates", label="Creates"),
    Column(name="deletes", label="Deletes"),
    Column(name="unchanged", label="Unchanged"),
    Column(name="oks", label="OK"),
    Column(name="infos", label="Infos"),
    Column(name="expected", label="Expected"),
    Column(name="gone", label="Gone"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChosenColumn:
    """A chosen column with its heading."""

    column: Column
    heading: Heading

    def count_of(self, run: Run) -> int | None:
        counted: int | None = getattr(run if self.column.name in ("expected", "gone") else run.counts, self.column.name)
        return counted


@dataclass(frozen=True, slots=True, kw_only=True)
class RunList:
    """One page of the list of runs."""

    runs: Sequence[Run]
    run_filter: RunFilter
    arguments: Arguments
    facets: RunFacets
    headings: tuple[Heading, ...]
    chosen: tuple[ChosenColumn, ...]
    history: RunHistory
    next_address: str | None
    now: datetime

    @property
    def time_ranges(self) -> dict[str, str]:
        return TIME_RANGES

    @property
    def progress_words(self) -> dict[str, str]:
        return {progress.value: progress_word(progress) for progress in Progress}

    @property
    def choice(self) -> dict[Column, bool]:
        """Columns to choose from, and whether they are chosen."""
        chosen = {each.column for each in self.chosen}
        return {column: column in chosen for column in CHOICE}

    @property
    def offered_ranges(self) -> dict[str, str]:
        return OFFERED_RANGES

    @property
    def other_ranges(self) -> dict[str, str]:
        """Ranges in the address that the form has no field for."""
        kept = [name for name in RANGES if name not in (*OFFERED_RANGES, "longer_than", "shorter_than")]
        return {name: self.arguments[name] for name in kept if name in self.arguments}

    @property
    def timeline(self) -> RunTimeline | None:
        return RunTimeline(history=self.history, arguments=self.arguments) if self.history.buckets else None

    @property
    def is_filtered(self) -> bool:
        return any(name in self.arguments for name in FILTERS)

    @property
    def is_first_log_missing(self) -> bool:
        """Whether nothing was ever recorded, so there is nothing to filter either."""
        return not self.runs and not self.is_filtered and "cursor" not in self.arguments

    @property
    def shows_less_used_filters(self) -> bool:
        return any(name in self.arguments for name in LESS_USED_FILTERS)

    @property
    def live_address(self) -> str | None:
        """Where to ask again, while a shown run may still change; one that fell silent hardly will."""
        moving = any(not run.end_seen and not end_is_unseen(run, self.now) for run in self.runs)
        return address("/runs", self.arguments) if moving else None

    @property
    def first_address(self) -> str | None:
        """The first page, when this is a later one."""
        return address("/runs", said(self.arguments, without=["cursor"])) if "cursor" in self.arguments else None

    @property
    def cleared_address(self) -> str:
        return address("/runs", said(self.arguments, without=[*FILTERS, "cursor"]))

    def data_address(self, kind: str) -> str:
        """The same runs as data, all of them."""
        return address(f"/runs.{kind}", said(self.arguments, without=["cursor"]))


def build_run_list(view: LakeView, arguments: Arguments, *, now: datetime) -> RunList:
    """The page of runs these arguments ask for."""
    run_filter, sort = read_run_filter(now=now), read_run_sort()
    found = find_runs(view, run_filter, sort=sort, limit=limit_of(), cursor=arguments.get("cursor"))
    return RunList(
        runs=found.items,
        run_filter=run_filter,
        arguments=arguments,
        facets=list_facets(view),
        headings=headings_of(COLUMNS, sort=sort, path="/runs", arguments=arguments),
        chosen=_chosen_columns(arguments, sort),
        history=get_run_history(view, run_filter),
        next_address=address("/runs", arguments, {"cursor": found.next_cursor}) if found.next_cursor else None,
        now=now,
    )


def _chosen_columns(arguments: Arguments, sort: str) -> tuple[ChosenColumn, ...]:
    """In the order they are offered in, however they were asked for."""
    wanted = set(arguments.getlist("column"))
    if unknown := wanted - {column.name for column in CHOICE}:
        names = ", ".join(column.name for column in CHOICE)
        raise InvalidInput(f"column: {min(unknown)!r} cannot be chosen", field="column", hint=f"one of {names}")
    columns = [column for column in CHOICE if column.name in wanted]
    headings = headings_of(
        [(column.label, column.name, column.is_count) for column in columns],
        sort=sort,
        path="/runs",
        arguments=arguments,
    )
    return tuple(
        ChosenColumn(column=column, heading=heading) for column, heading in zip(columns, headings, strict=True)
    )
