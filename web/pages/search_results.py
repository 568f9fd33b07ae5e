"""What the page of a search shows: the search in parts that can be taken away, hits by run, facets that narrow it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from ingest.errors import InvalidInput
from query.actions import Action
from query.lake_view import LakeView
from query.runs import Run, RunFacets, list_runs
from query.search import Search, looked_back_to, oldest_moment, search_actions
from query.search_facets import Facet, FacetValue, Found, runs_of, search_with_facets
from query.search_fields import FIELDS, TIMES, Match, looking_for, name_of
from query.search_grammar import narrowed, read_clauses, spell_clauses
from reports.highlight import Highlight
from reports.wording import iso_datetime, plural
from web.api.query_parameters import limit_of, operations_of, statuses_of, text_of
from web.pages.action_table import MESSAGE_SHOWN
from web.pages.addresses import Arguments, address, said
from web.pages.arguments import TIME_RANGES, moment_of

PATH = "/search"
SECONDS = 1.0
"""How long a page looks for its hits before it shows those it has; then it asks by itself for what is further back."""
MATCH_LABELS: Mapping[Match, str] = {
    Match.WORDS: "Words and fields",
    Match.SUBSTRING: "Text anywhere",
    Match.REGEX: "Regular expression",
}
PARAMETERS = ("status", "operation", "integration", "problem_id", "record", "run_id", "since", "until")
"""What an address may say beside the text."""
_PARAMETER_OF = {"status": "status", "operation": "operation", "integration": "integration", "problem": "problem_id"}
FACET_LABELS = {"type": "Type of record"}
_MARKED_FIELDS = ("message", "name", "code", "record")


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """Where a click leads, and what it says."""

    label: str
    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunHits:
    """Hits of one run; ``run`` is None for one the index does not know."""

    run_id: str
    run: Run | None
    actions: Sequence[Action]


@dataclass(frozen=True, slots=True, kw_only=True)
class Looking:
    """A search that is not over: until when it has looked back, in percent of the time asked for too."""

    back_to: datetime
    percent: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What was asked: a text, how it is meant, and what else the address says."""

    text: str
    match: Match
    arguments: Arguments
    known: RunFacets
    error: InvalidInput | None = None
    found: "Results | None" = None

    match_labels = MATCH_LABELS
    time_ranges = TIME_RANGES
    fields = FIELDS
    times = TIMES

    @property
    def is_searched(self) -> bool:
        return bool(self.text) or any(name in self.arguments for name in (*PARAMETERS, "range"))

    @property
    def time_range(self) -> str | None:
        return self.arguments.get("range")

    @property
    def kept_parameters(self) -> list[tuple[str, str]]:
        """What the form says again, though it has no field for it."""
        return [pair for pair in self.arguments.items(multi=True) if pair[0] in PARAMETERS]

    @property
    def removals(self) -> list[Link]:
        """Each field clause and each parameter, with the address of the same search without it."""
        rest = said(self.arguments, without=["cursor"])
        links = []
        clauses = read_clauses(self.text) if self.match is Match.WORDS else ()
        for clause in clauses:
            if clause.name is not None:
                text = spell_clauses(other for other in clauses if other is not clause)
                links.append(Link(label=str(clause), address=address(PATH, rest, {"q": text or None})))
        for name in PARAMETERS:
            if name in rest:
                label = f"{name}: {', '.join(rest.getlist(name))}"
                links.append(Link(label=label, address=address(PATH, rest, {name: None})))
        return links

    @property
    def suggestions(self) -> list[str]:
        """Fields and the values of them that are known, to complete what is being typed."""
        known = {
            "status": ("error", "warning", "info", "ok"),
            "operation": ("create", "update", "delete", "none"),
            "integration": self.known.integrations,
            "configuration": self.known.configurations,
            "trigger": self.known.triggers,
        }
        names = [f"{name}:" for name in (*(field.name for field in FIELDS), *(name for name, _, _ in TIMES))]
        return names + [
            narrowed((), name, value) for name, values in known.items() for value in values[:100] if len(value) <= 60
        ]

    def address_for(self, match: str) -> str:
        return address(PATH, said(self.arguments, without=["cursor"]), {"match": match})


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """A page of hits, newest first, by run."""

    runs: Sequence[RunHits]
    asked: Asked
    next_cursor: str | None
    marks: Highlight
    counts: Found | None = None
    looking: Looking | None = None
    since: datetime | None = None
    message_shown: int = MESSAGE_SHOWN

    @property
    def next_address(self) -> str | None:
        return address(PATH, self.asked.arguments, {"cursor": self.next_cursor}) if self.next_cursor else None

    @property
    def first_address(self) -> str | None:
        arguments = self.asked.arguments
        return address(PATH, said(arguments, without=["cursor"])) if "cursor" in arguments else None

    @property
    def heading(self) -> str:
        """How many there are, as far as that is known."""
        shown = sum(len(run.actions) for run in self.runs)
        if self.looking is not None:
            return "Hits, latest first"
        if self.counts is not None and self.counts.is_all and "cursor" not in self.asked.arguments:
            return plural(self.counts.counted, "hit")
        if self.next_cursor is None and "cursor" not in self.asked.arguments:
            return plural(shown, "hit")
        return f"{plural(shown, 'hit')}, latest first" if self.next_cursor is None else f"The latest {shown:,} hits"

    @property
    def counted(self) -> str:
        """What the facets count."""
        if self.counts is None:
            return ""
        if not self.counts.counted:
            return (
                "Nothing was found on this page." if "cursor" in self.asked.arguments else "Nothing was found so far."
            )
        if self.counts.is_all and "cursor" not in self.asked.arguments:
            return "Counted in all of them."
        which = "of this page on" if "cursor" in self.asked.arguments else "latest"
        return f"Counted in the {which} {plural(self.counts.counted, 'hit')}; there may be more."

    def data_address(self, kind: str) -> str:
        return address(f"{PATH}.{kind}", said(self.asked.arguments, without=["cursor"]))

    @property
    def ndjson_address(self) -> str:
        """The API's stream of everything found; the API has times, not spans that move with the clock."""
        since = None if self.since is None else iso_datetime(self.since)
        kept = said(self.asked.arguments, without=["cursor", "range"])
        return address("/api/v1/actions.ndjson", kept, {"since": since})

    def narrowing_address(self, facet: Facet, value: FacetValue) -> str | None:
        """The same search with this value alone; None where the text cannot say it."""
        rest = said(self.asked.arguments, without=["cursor"])
        if self.asked.match is Match.WORDS:
            return address(PATH, rest, {"q": narrowed(read_clauses(self.asked.text), facet.name, value.value)})
        parameter = _PARAMETER_OF.get(facet.name)
        return None if parameter is None else address(PATH, rest, {parameter: value.value})

    def facet_label(self, facet: Facet) -> str:
        return FACET_LABELS.get(facet.name, facet.name.capitalize())


def read_asked_search(text: str, match: Match, *, now: datetime) -> Search:
    """The search an address asks for. Raises InvalidInput."""
    search = Search(
        statuses=statuses_of(),
        operations=operations_of(),
        integration=text_of("integration"),
        problem_id=text_of("problem_id"),
        record_id=text_of("record"),
        run_id=text_of("run_id"),
        since=moment_of("since", now=now) or moment_of("range", now=now),
        until=moment_of("until", now=now),
    )
    return looking_for(search, text, match, now=now) if text else search


def build_results(view: LakeView, asked: Asked, *, now: datetime, with_facets: bool) -> Results:
    """A page of hits. Raises InvalidInput for a text that makes no sense."""
    search, limit, cursor = read_asked_search(asked.text, asked.match, now=now), limit_of(), text_of("cursor")
    asks = partial(search_with_facets if with_facets else search_actions, view, search)
    found = asks(limit=limit, cursor=cursor, seconds=SECONDS)
    counts, page = (found, found.page) if isinstance(found, Found) else (None, found)
    by_run = runs_of(page.items)
    known = list_runs(view, [some[0].run_id for some in by_run])
    return Results(
        runs=[RunHits(run_id=some[0].run_id, run=known.get(some[0].run_id), actions=some) for some in by_run],
        asked=asked,
        next_cursor=page.next_cursor,
        marks=_marks(asked),
        counts=counts,
        looking=_looking(view, search, looked_back_to(page, limit), now=now),
        since=search.since,
    )


def _looking(view: LakeView, search: Search, back_to: datetime | None, *, now: datetime) -> Looking | None:
    if back_to is None:
        return None
    first, last = max(filter(None, (oldest_moment(view), search.since)), default=back_to), min(search.until or now, now)
    percent = 100 * (last - back_to) / (last - first) if first < last else 100.0
    return Looking(back_to=back_to, percent=min(max(percent, 0.0), 100.0))


def _marks(asked: Asked) -> Highlight:
    if asked.match is Match.REGEX:
        return Highlight(())  # only RE2 runs expressions of strangers in bounded time
    if asked.match is Match.SUBSTRING:
        return Highlight((asked.text,), inside_words=True)
    return Highlight(
        value.text + "*" * value.is_begun
        for clause in read_clauses(asked.text)
        if not clause.is_negated and (clause.name is None or name_of(clause) in _MARKED_FIELDS)
        for value in clause.values
    )
