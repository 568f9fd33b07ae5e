"""The overview as a page shows it: a sentence on top, tiles, and a row for each integration and configuration."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from markupsafe import Markup

from ingest.action import Status
from query.flags import QUIET_FOR, Finding, Flag
from query.watch import Group, Watched, WatchFilter, find_watched
from reports.attention import FLAG_LABELS, finding_label, finding_words, history_words, problems_words, verdict
from reports.charts import HISTORY_SLOTS, history_bars
from web.api.overview import read_watch_filter
from web.api.query_parameters import limit_of
from web.pages.addresses import Arguments, address, path_of_run, said

FILTERS = ("flag", "q")
GROUP_LABELS = {
    Group.ATTENTION: "Needs attention",
    Group.HEALTHY: "Healthy",
    Group.UNUSUAL: "Unusual",
    **{Group(flag.value): label[0].upper() + label[1:] for flag, label in FLAG_LABELS.items()},
}
TILES = (
    (Group.FAILED, Status.ERROR),
    (Group.STUCK, Status.ERROR),
    (Group.OVERDUE, Status.WARNING),
    (Group.UNUSUAL, Status.WARNING),
    (Group.HEALTHY, Status.OK),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """How many belong to a group, and the address that shows just those."""

    label: str
    count: int
    status: Status
    address: str
    is_chosen: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """A flag in words."""

    label: str
    words: str
    status: Status


@dataclass(frozen=True, slots=True, kw_only=True)
class OverviewRow:
    """One integration and configuration."""

    watched: Watched

    @property
    def runs_address(self) -> str:
        """The list of its runs. One without a configuration shares it with its siblings."""
        names = {"integration": self.watched.integration, "configuration": self.watched.configuration}
        return address("/runs", Arguments(), names)

    @property
    def run_path(self) -> str:
        return path_of_run(self.watched.last.run_id)

    @property
    def reasons(self) -> list[Reason]:
        return [_reason_of(finding) for finding in self.watched.findings]

    @property
    def problems_address(self) -> str:
        names = {"integration": self.watched.integration, "configuration": self.watched.configuration}
        return address("/problems", Arguments(), names)

    @property
    def problems(self) -> str:
        return problems_words(self.watched.open_problems)

    @property
    def chart(self) -> Markup:
        runs = self.watched.runs[:HISTORY_SLOTS][::-1]
        return history_bars([(run.processed, run.status) for run in runs], words=history_words(runs))


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """One page of the overview, and what is said of all of it."""

    everything: Sequence[Watched]
    rows: Sequence[OverviewRow]
    tiles: Sequence[Tile]
    watch_filter: WatchFilter
    arguments: Arguments
    next_address: str | None
    now: datetime

    @property
    def verdict(self) -> str:
        return verdict(self.everything)

    @property
    def status(self) -> Status:
        """Of everything: the worst of the tiles that count any."""
        return max((tile.status for tile in self.tiles if tile.count), key=lambda status: status.rank)

    @property
    def groups(self) -> dict[str, str]:
        return {group.value: label for group, label in GROUP_LABELS.items()}

    @property
    def is_filtered(self) -> bool:
        return any(name in self.arguments for name in FILTERS)

    @property
    def is_first_log_missing(self) -> bool:
        return not self.everything

    @property
    def live_address(self) -> str:
        return address("/", self.arguments)

    @property
    def seconds_between_looks(self) -> int:
        """Often while something shown is running; else as often as something may become overdue."""
        is_moving = any(
            not row.watched.last.progress.is_over and self.now - row.watched.last.last_sign_at <= QUIET_FOR
            for row in self.rows
        )
        return 5 if is_moving else 60

    @property
    def first_address(self) -> str | None:
        return address("/", said(self.arguments, without=["cursor"])) if "cursor" in self.arguments else None

    @property
    def cleared_address(self) -> str:
        return address("/", said(self.arguments, without=[*FILTERS, "cursor"]))

    def data_address(self, kind: str) -> str:
        """The same rows as data, all of them."""
        return address(f"/overview.{kind}", said(self.arguments, without=["cursor", "limit"]))


def build_overview(everything: Sequence[Watched], arguments: Arguments, *, now: datetime) -> Overview:
    """The page these arguments ask for."""
    watch_filter = read_watch_filter()
    found = find_watched(everything, watch_filter, limit=limit_of(), cursor=arguments.get("cursor"))
    return Overview(
        everything=everything,
        rows=[OverviewRow(watched=each) for each in found.items],
        tiles=list(_tiles(everything, watch_filter, arguments)),
        watch_filter=watch_filter,
        arguments=arguments,
        next_address=address("/", arguments, {"cursor": found.next_cursor}) if found.next_cursor else None,
        now=now,
    )


def _tiles(everything: Sequence[Watched], watch_filter: WatchFilter, arguments: Arguments) -> Iterator[Tile]:
    counts = Counter(group for each in everything for group in each.groups)
    for group, status in TILES:
        is_chosen = watch_filter.group is group
        changes = {"flag": None if is_chosen else group.value, "cursor": None}
        yield Tile(
            label=GROUP_LABELS[group],
            count=counts[group],
            status=status,
            address=address("/", arguments, changes),
            is_chosen=is_chosen,
        )


def _reason_of(finding: Finding) -> Reason:
    is_bad = finding.flag in (Flag.STUCK, Flag.FAILED)
    return Reason(
        label=finding_label(finding),
        words=finding_words(finding),
        status=Status.ERROR if is_bad else Status.WARNING,
    )
