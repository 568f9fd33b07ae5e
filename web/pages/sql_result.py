"""The result of a statement as cells: what kind of value each is, how it reads, and where it leads."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa

from reports.wording import shorten
from web.api.sql import as_json
from web.pages.addresses import path_of_problem, path_of_record, path_of_run

CELL_SHOWN = 500
LONGEST_PLAIN_JSON = 60
PRETTY_SHOWN, PRETTY_LINES = 2000, 60
_WORDS_OF_TYPES: Sequence[tuple[Callable[[pa.DataType], bool], str]] = (
    (pa.types.is_string, "text"),
    (pa.types.is_integer, "number"),
    (pa.types.is_decimal, "number"),
    (pa.types.is_floating, "number"),
    (pa.types.is_boolean, "true or false"),
    (pa.types.is_date, "date"),
    (pa.types.is_null, "null"),
    (pa.types.is_nested, "JSON"),
)
_RECORD_IDS = ("source_id", "target_id", "record_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """``kind`` is one of text, number, time and json."""

    name: str
    type: str
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One value; ``moment`` stands in for the text of a time, ``address`` is where an id leads.

    ``pretty`` is long JSON over several lines.
    """

    text: str | None
    kind: str
    pretty: str | None = None
    moment: datetime | None = None
    address: str | None = None

    @property
    def is_short(self) -> bool:
        return self.text is None or len(self.text) <= 40


def columns_of(table: pa.Table) -> Sequence[Column]:
    return [Column(name=field.name, type=_type_name(field.type), kind=_kind_of(field)) for field in table.schema]


def rows_of_cells(table: pa.Table) -> Iterator[Sequence[Cell]]:
    """Values by place, because two columns may have one name."""
    columns = columns_of(table)
    for values in zip(*(column.to_pylist() for column in table.columns), strict=True):
        row = {column.name: value for column, value in zip(columns, values, strict=True)}
        yield [_cell(column, value, row) for column, value in zip(columns, values, strict=True)]


def _cell(column: Column, value: object, row: Mapping[str, object]) -> Cell:
    if value is None:
        return Cell(text=None, kind=column.kind)
    moment = value if isinstance(value, datetime) and value.tzinfo else None
    text = _text_of(value)
    return Cell(
        text=shorten(text, CELL_SHOWN),
        kind=column.kind,
        pretty=_pretty(text) if column.kind == "json" and len(text) > LONGEST_PLAIN_JSON else None,
        moment=moment,
        address=_address_of(column.name, value, row),
    )


def _pretty(text: str) -> str | None:
    try:
        return shorten(json.dumps(json.loads(text), indent=2, ensure_ascii=False), PRETTY_SHOWN, PRETTY_LINES)
    except (ValueError, RecursionError):
        return None  # no JSON, whatever the column is called


def _text_of(value: object) -> str:
    """Numbers exactly as they are, because they may be ids."""
    said = as_json(value)
    return said if isinstance(said, str) else json.dumps(said, ensure_ascii=False)


def _address_of(name: str, value: object, row: Mapping[str, object]) -> str | None:
    """Of the run, record or problem a column names by our words; what is no text is no id."""
    if not isinstance(value, str) or not value:
        return None
    if name == "run_id" or name.endswith("_run_id"):
        return path_of_run(value)
    if name in _RECORD_IDS:
        record_type = row.get(name.removesuffix("id") + "type")
        return path_of_record(record_type if isinstance(record_type, str) else None, value)
    if name == "problem_id" and isinstance(integration := row.get("integration"), str):
        return path_of_problem(value, integration, None)
    return None


def _kind_of(field: pa.Field) -> str:
    kind = field.type
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return "number"
    if pa.types.is_temporal(kind):
        return "time"
    return "json" if pa.types.is_nested(kind) or field.name == "details" else "text"


def _type_name(kind: pa.DataType) -> str:
    """As people call it; what they have no word for as Arrow does."""
    if pa.types.is_timestamp(kind):
        return "time" if kind.tz else "time without zone"
    for is_such, word in _WORDS_OF_TYPES:
        if is_such(kind):
            return word
    return str(kind)
