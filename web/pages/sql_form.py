"""What the form of the SQL page, or an address that fills it, says: the statement, its parameters, how to draw it."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode

from werkzeug.datastructures import MultiDict

from ingest.errors import InvalidInput
from query.ready_questions import ChartChoice
from query.sql_parameters import parameters_of
from reports.result_plot import ChartKind

Fields = MultiDict[str, str]

TABLE = "table"
LONGEST_ADDRESS = 6000
"""Longer ones are refused by some on the way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """``parameters`` has every name the statement has; one that was not filled in is null."""

    sql: str
    parameters: Mapping[str, str | None]
    missing: tuple[str, ...]
    chart: ChartChoice | None

    @property
    def arguments(self) -> list[tuple[str, str]]:
        """What an address says beside the statement, so that it fills the form alike."""
        filled = [(f"${name}", value) for name, value in self.parameters.items() if value is not None]
        return filled + chart_arguments(self.chart)

    @property
    def address(self) -> str | None:
        """Of the page with this in its form; None where it would be too long."""
        address = "/sql?" + urlencode([("sql", self.sql), *self.arguments])
        return address if len(address) <= LONGEST_ADDRESS else None


def read_statement(fields: Fields, *, sql: str | None = None, chart: ChartChoice | None = None) -> Statement:
    """The statement of these fields; ``sql`` and ``chart`` stand where they say nothing of it."""
    text = fields.get("sql", sql or "").replace("\r\n", "\n")
    names = parameters_of(text)
    return Statement(
        sql=text,
        parameters={name: fields.get(f"${name}") or None for name in names},
        missing=tuple(name for name in names if f"${name}" not in fields),
        chart=read_chart(fields) if "view" in fields else chart,
    )


def read_chart(fields: Mapping[str, str]) -> ChartChoice | None:
    """None for a table."""
    kind = fields.get("view") or TABLE
    if kind == TABLE:
        return None
    if kind not in list(ChartKind):
        raise InvalidInput(f"view: {kind} is none of {', '.join([TABLE, *ChartKind])}", field="view")
    columns = {name: fields.get(name) or None for name in ("amount", "over", "by")}
    return ChartChoice(kind=kind, amount=columns["amount"], over=columns["over"], by=columns["by"])


def chart_arguments(chart: ChartChoice | None) -> list[tuple[str, str]]:
    if chart is None:
        return []
    columns = (("amount", chart.amount), ("over", chart.over), ("by", chart.by))
    return [("view", chart.kind), *((name, column) for name, column in columns if column)]


def chart_as_text(chart: ChartChoice | None) -> str | None:
    """As a saved query keeps it."""
    return urlencode(chart_arguments(chart)) or None


def chart_of_text(text: str | None) -> ChartChoice | None:
    """The chart of a saved query; a table where a newer synclog draws what this one cannot."""
    try:
        return read_chart(dict(parse_qsl(text or "")))
    except InvalidInput:
        return None
