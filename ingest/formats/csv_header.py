"""The head of a CSV file: what separates its cells, and the names of its columns."""

import csv
import re
from collections.abc import Iterator

from ingest.errors import InvalidInput
from ingest.formats.columns import require_distinct_names

DELIMITERS = ",;\t|"
_SEPARATOR_LINE = re.compile(r'"?sep=(.)"?\s*$', re.IGNORECASE)
_QUOTED = re.compile(r'"(?:[^"]|"")*+"')
_DATA = re.compile(r"[+-]?\d+([.,]\d+)?$|\d{4}-\d\d-\d\d([T ]\d\d:\d\d.*)?$")


def read_header(lines: Iterator[str]) -> tuple[str, list[str]]:
    """The delimiter and the column names, from the lines of the head. Raises InvalidInput.

    A column without a name, such as an index, is called ``column_N`` after its place.
    """
    first = next((line for line in lines if line.strip()), None)
    if first is None:
        raise InvalidInput("there is no header: the file is empty", hint="the first line names the columns")
    told = _SEPARATOR_LINE.match(first)
    if told:
        first = next(lines, "")
    delimiter = told.group(1) if told else sniff_delimiter(first)
    try:
        cells = next(csv.reader(_continued(first, lines), delimiter=delimiter, strict=True), [])
    except csv.Error as error:
        hint = "lines end with a line feed" if "new-line" in str(error) else None
        raise InvalidInput(f"the header cannot be read: {error}", hint=hint) from error
    _require_names(cells)
    names = [cell or f"column_{place}" for place, cell in enumerate(cells, 1)]
    require_distinct_names(names)
    return delimiter, names


def sniff_delimiter(line: str) -> str:
    """The delimiter that stands most often outside quotes; a comma where none does."""
    bare = _QUOTED.sub("", line)
    return max(DELIMITERS, key=bare.count)


def _continued(first: str, lines: Iterator[str]) -> Iterator[str]:
    yield first
    yield from lines


def _require_names(cells: list[str]) -> None:
    if not any(cell.strip() for cell in cells):
        raise InvalidInput("the header names no column")
    datum = next((cell for cell in cells if _DATA.match(cell.strip())), None)
    if datum is not None:
        raise InvalidInput(
            f"the first line looks like data, not like a header: {datum!r} is no column name",
            hint="put a line with the column names first",
        )
