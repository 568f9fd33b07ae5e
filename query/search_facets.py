"""What was found, and what it has in common: how many hits have which status, integration, problem.

Counted is what was come across for the page anyway: all hits where they are few, else the newest. So a page with counts
reads no more blocks than one without, only more columns of some.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from ingest.problem import template_of
from query.actions import Action
from query.lake_view import LakeView
from query.paging import Page
from query.search import Search, find_newest, page_of_found
from query.search_hits import Hit

COUNTED_HITS = 1000
COUNTED_BLOCKS = 6
SHOWN_VALUES = 8
_COLUMNS = {
    "status": ("status",),
    "operation": ("operation",),
    "integration": ("integration",),
    "configuration": ("configuration",),
    "type": ("source_type", "target_type"),
    "problem": ("problem_id",),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FacetValue:
    """A value of a field and how many hits have it; ``label`` says what it means, where the value does not."""

    value: str
    count: int
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Facet:
    """A field of the search with the values most hits have; ``others`` is how many more values there are."""

    name: str
    values: tuple[FacetValue, ...]
    others: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A page of hits, and the facets of the newest ``counted`` of them; ``is_all`` when there are no others."""

    page: Page[Action]
    facets: tuple[Facet, ...]
    counted: int
    is_all: bool


def search_with_facets(
    view: LakeView, search: Search, *, limit: int = 50, cursor: str | None = None, seconds: float | None = None
) -> Found:
    """A page of what was found, in so many seconds, with facets. Raises InvalidInput for a bad expression or cursor."""
    most = max(COUNTED_HITS, limit) + 1
    found = find_newest(view, search, limit + 1, most=most, cursor=cursor, seconds=seconds)
    counted = _of_few_blocks(found.complete[:COUNTED_HITS])
    facets = _facets_of(counted)
    page = page_of_found(view, found, limit)
    for hit in counted:
        hit.block.forget()
    is_all = found.is_all and len(counted) == len(found.hits)
    return Found(page=page, facets=facets, counted=len(counted), is_all=is_all)


def _of_few_blocks(hits: Sequence[Hit]) -> Sequence[Hit]:
    """The newest of these, as many as lie in a few blocks."""
    blocks: set[int] = set()
    for place, hit in enumerate(hits):
        blocks.add(id(hit.block))
        if len(blocks) > COUNTED_BLOCKS:
            return hits[:place]
    return hits


def _facets_of(hits: Sequence[Hit]) -> tuple[Facet, ...]:
    counts: dict[str, Counter[str]] = {name: Counter() for name in _COLUMNS}
    labels: dict[str, str] = {}
    for _, some in groupby(sorted(hits, key=lambda hit: id(hit.block)), key=lambda hit: id(hit.block)):
        _count(list(some), counts, labels)
    facets = (_facet(name, counted, labels) for name, counted in counts.items())
    return tuple(facet for facet in facets if facet.values)


def _count(hits: Sequence[Hit], counts: dict[str, Counter[str]], labels: dict[str, str]) -> None:
    """Add what hits in one block say."""
    block, rows = hits[0].block, [hit.number for hit in hits]
    block.load([*(column for columns in _COLUMNS.values() for column in columns), "message"])

    def values(name: str) -> list[Any]:  # a column's own type
        column = block.column(name)
        return [None] * len(rows) if column is None else column.take(rows)

    for name, columns in _COLUMNS.items():
        for each, number in Counter(zip(*map(values, columns), strict=True)).items():
            for value in set(each) - {None}:
                counts[name][value] += number
    for problem_id, message in zip(values("problem_id"), values("message"), strict=True):
        if problem_id is not None and message and problem_id not in labels:
            labels[problem_id] = template_of(message)


def _facet(name: str, counts: Counter[str], labels: dict[str, str]) -> Facet:
    ordered = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    values = (
        FacetValue(value=value, count=count, label=labels.get(value, value) if name == "problem" else value)
        for value, count in ordered[:SHOWN_VALUES]
    )
    return Facet(name=name, values=tuple(values), others=max(0, len(ordered) - SHOWN_VALUES))


def runs_of(actions: Iterable[Action]) -> list[list[Action]]:
    """Actions by their runs, those of the first action's run first."""
    by_run: dict[str, list[Action]] = {}
    for action in actions:
        by_run.setdefault(action.run_id, []).append(action)
    return list(by_run.values())
