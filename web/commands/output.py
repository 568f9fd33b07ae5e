"""Rows on stdout: a table for people, NDJSON, JSON or CSV for programs.

On a terminal the default is the table, in a pipe NDJSON. What senders wrote reaches a terminal with its control
characters made visible, so that a message cannot move the cursor or set the window's title.
"""

import csv
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from enum import StrEnum

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from reports.wording import format_count, format_duration, visible_text

Row = Mapping[str, object]


class OutputFormat(StrEnum):
    """How rows come out."""

    TABLE = "table"
    JSON = "json"
    NDJSON = "ndjson"
    CSV = "csv"


format_option = click.option(
    "--format",
    "output_format",
    type=click.Choice([member.value for member in OutputFormat]),
    help="How rows come out.  [default: table on a terminal, ndjson in a pipe]",
)

STYLE_OF_STATUS = {"OK": "green", "INFO": "blue", "WARNING": "yellow", "ERROR": "bold red"}
UNBOUNDED_WIDTH = 1000
"""Of a table that does not go to a terminal, so that no cell is folded."""


def chosen_format(said: str | None) -> OutputFormat:
    if said is not None:
        return OutputFormat(said)
    return OutputFormat.TABLE if sys.stdout.isatty() else OutputFormat.NDJSON


def write_rows(rows: Iterable[Row], output_format: OutputFormat, *, columns: Sequence[str]) -> None:
    """Write rows. A table shows the columns named; the other formats hold all there is."""
    match output_format:
        case OutputFormat.TABLE:
            write_table(list(rows), columns)
        case OutputFormat.JSON:
            click.echo(json.dumps(list(rows), indent=2, ensure_ascii=False))
        case OutputFormat.NDJSON:
            for row in rows:
                click.echo(json.dumps(row, ensure_ascii=False))
        case OutputFormat.CSV:
            _write_csv(list(rows), columns)


def write_table(rows: Sequence[Row], columns: Sequence[str]) -> None:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in columns:
        numeric = any(isinstance(row.get(column), int | float) for row in rows)
        table.add_column(Text(_heading(column)), justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*(_cell(column, row.get(column)) for column in columns))
    _print(table)


def write_facts(facts: Row) -> None:
    """One thing, a line a fact; what is not known is left out."""
    table = Table(box=None, show_header=False, pad_edge=False)
    for name, value in facts.items():
        if value is not None:
            table.add_row(Text(_heading(name), style="bold"), _cell(name, value))
    _print(table)


def _print(table: Table) -> None:
    terminal = sys.stdout.isatty()
    Console(file=sys.stdout, width=None if terminal else UNBOUNDED_WIDTH, highlight=False).print(table)


def _heading(column: str) -> str:
    return column.removesuffix("_ms")


def _cell(column: str, value: object) -> Text:
    if value is None:
        return Text("")
    if column.endswith("_ms") and isinstance(value, int | float):
        return Text(format_duration(timedelta(milliseconds=value)))
    if column.endswith("_at") and isinstance(value, str):
        return Text(value[:19].replace("T", " "))
    if isinstance(value, int) and not isinstance(value, bool):
        return Text(format_count(value))
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return Text(visible_text(text), style=STYLE_OF_STATUS.get(text, "") if column == "status" else "")


def _write_csv(rows: Sequence[Row], columns: Sequence[str]) -> None:
    names = list(rows[0]) if rows else list(columns)
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(names)
    for row in rows:
        writer.writerow([_csv_value(row[name]) for name in names])


def _csv_value(value: object) -> object:
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else value
