"""Bytes to raw tables: one reader a format, none of which knows what an action is.

A reader yields :class:`RawBlock` s: a slice of the body with the sender's own columns and types, the line each row
stood on, and the lines that could not even be parsed. ``ingest.normalise`` makes actions of them.
"""

from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

RAW_LIMIT = 4096
"""Characters that are kept of a refused line which nobody could read."""

READABLE_LIMIT = 64 << 10
"""Characters that are kept of one that could be read, and can be mended and replayed as long as all of it is there."""

LINE_LIMIT = 16 << 20
"""Bytes of the longest line or element that is read; a longer one is refused and the rest goes on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reject:
    """One line that was not accepted. ``line`` counts from 1; ``raw`` is its text, cut at one of the limits."""

    line: int
    code: str
    message: str
    field: str | None = None
    raw: str | None = None
    run_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RawBlock:
    """Rows as the sender wrote them.

    Most rows stand in ``table`` with their line numbers in ``lines`` (int64). Rows that do not fit a table, because
    they carry nested values or types of their own, stand in ``objects`` as (line, object) pairs. ``is_tabular`` says
    that the table shows every column the body has, so that one that is asked for and not there is a mistake.
    """

    table: pa.Table | None = None
    lines: pa.Int64Array | None = None
    objects: list[tuple[int, dict[str, Any]]] = field(default_factory=list)  # JSON values of the sender
    refused: list[Reject] = field(default_factory=list)
    is_tabular: bool = False
