"""What of a statement's result is drawn: which column over which, and the amount for each place and series.

Columns nobody chose are guessed from their types. Rows of one place and one series are added up; what does not fit is
said: places beyond the last, and the smaller series, which together are "others".
"""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

import pyarrow as pa

from ingest.action import Status
from query.ready_questions import ChartChoice

MOST_PLACES = 400
MOST_SERIES = 8
OTHERS = "others"
NOBODY = "—"


class ChartKind(StrEnum):
    """The words of the page, of saved queries and of ready questions."""

    BARS = "bars"
    STACKED = "stacked bars"
    LINE = "line"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartColumns:
    """Which columns of a result can be what."""

    amounts: Sequence[str]
    places: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """What is drawn: an amount for each place and series; ``left_out`` places did not fit."""

    kind: ChartKind
    choice: ChartChoice
    places: Sequence[object]
    series: Mapping[str, Sequence[float]]
    left_out: int

    @property
    def is_stacked(self) -> bool:
        return self.kind is ChartKind.STACKED

    @property
    def highest(self) -> float:
        amounts = zip(*self.series.values(), strict=True)
        tops: list[float] = [
            sum(max(0, each) for each in stack) if self.is_stacked else max(stack) for stack in amounts
        ]
        return max(0.0, *tops)

    @property
    def lowest(self) -> float:
        return min(0.0, *(min(values) for values in self.series.values()))


def columns_to_draw(table: pa.Table) -> ChartColumns:
    """Numbers can be drawn; everything that has one value a row can be what they are drawn over."""
    amounts = [field.name for field in table.schema if _is_number(field.type)]
    places = [field.name for field in table.schema if not pa.types.is_nested(field.type)]
    return ChartColumns(amounts=tuple(dict.fromkeys(amounts)), places=tuple(dict.fromkeys(places)))


def complete_choice(choice: ChartChoice, table: pa.Table) -> ChartChoice | None:
    """The choice with columns the result has; None when there is nothing in it to draw."""
    columns = columns_to_draw(table)
    times = [field.name for field in table.schema if pa.types.is_temporal(field.type)]
    words = [name for name in columns.places if name not in columns.amounts]
    over = _first([choice.over], columns.places) or _first([*times, *words], columns.places)
    amount = _first([choice.amount], columns.amounts) or _first(
        [a for a in columns.amounts if a != over], columns.amounts
    )
    if amount is None:
        return None
    over = over or amount
    wanted = [choice.by]
    if choice.kind == ChartKind.STACKED and choice.by is None:
        wanted += [name for name in words if name not in times]
    return ChartChoice(kind=choice.kind, amount=amount, over=over, by=_first([w for w in wanted if w != over], words))


def plot_of(table: pa.Table, choice: ChartChoice) -> Plot | None:
    """What a complete choice draws of the result; rows of one place and series are added up."""
    assert choice.amount is not None
    assert choice.over is not None
    amounts = [_number_of(value) for value in _values(table, choice.amount)]
    places = _values(table, choice.over)
    words = [word_of(value) for value in _values(table, choice.by)] if choice.by else [choice.amount] * len(places)
    shown = _places_shown(places)
    if not shown:
        return None
    known = _series_shown(words, amounts)
    number = {place: at for at, place in enumerate(shown)}
    series = {word: [0.0] * len(shown) for word in known}
    for place, word, amount in zip(places, words, amounts, strict=True):
        if place in number:
            series[word if word in series else OTHERS][number[place]] += amount
    left_out = len(set(places)) - len(shown)
    return Plot(kind=ChartKind(choice.kind), choice=choice, places=shown, series=series, left_out=left_out)


def _places_shown(places: Sequence[object]) -> list[object]:
    """In order where they have one, else as they come; the last ones in time, the first ones otherwise."""
    known = [place for place in dict.fromkeys(places) if place is not None]
    if known and isinstance(known[0], date | int | float):
        return sorted(known, key=lambda place: place)[-MOST_PLACES:]  # type: ignore[arg-type, return-value]
    return known[:MOST_PLACES]


def _series_shown(words: Sequence[str], amounts: Sequence[float]) -> list[str]:
    """The largest, each once, those that are statuses from the worst to OK."""
    sums: dict[str, float] = defaultdict(float)
    for word, amount in zip(words, amounts, strict=True):
        sums[word] += abs(amount)
    shown = sorted(sums, key=lambda word: -sums[word])[:MOST_SERIES]
    if len(sums) > MOST_SERIES:
        shown[-1:] = [OTHERS]
    ranks = {status.value: -status.rank for status in Status}
    return sorted(shown, key=lambda word: ranks.get(word, 1))


def word_of(value: object) -> str:
    return NOBODY if value is None else str(value)


def _values(table: pa.Table, name: str) -> list[object]:
    """By place, because two columns may have one name."""
    values: list[object] = table.column(table.column_names.index(name)).to_pylist()
    return values


def _number_of(value: object) -> float:
    """Nothing, and what is no number, is as high as 0."""
    number = float(str(value)) if value is not None else 0.0
    return number if math.isfinite(number) else 0.0


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))


def _first(names: Sequence[str | None], known: Sequence[str]) -> str | None:
    return next((name for name in names if name in known), None)
