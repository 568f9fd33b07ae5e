"""Tables with typed columns, cut into blocks of bounded size."""

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ingest.errors import InvalidInput
from ingest.formats import RawBlock
from ingest.formats.plain_types import with_plain_types

BLOCK_ROWS = 1 << 16
BLOCK_BYTES = 16 << 20


def require_distinct_names(names: Sequence[str]) -> None:
    """Raises InvalidInput naming the first name that stands twice, with its places counted from 1."""
    twice = next((name for name, count in Counter(names).items() if count > 1), None)
    if twice is not None:
        places = [str(place) for place, name in enumerate(names, 1) if name == twice]
        raise InvalidInput(
            f"{len(places)} columns are named {twice!r}: columns {', '.join(places[:10])}",
            field=twice,
            hint="give each column a name of its own",
        )


def numbered_blocks(table: pa.Table, *, first_row: int) -> Iterator[RawBlock]:
    """The rows of a table in blocks, each with the numbers of its rows and with types every later step can hold."""
    if not table.num_rows:
        return
    table = with_plain_types(table)
    ends = np.cumsum(_row_sizes(table))
    start = 0
    while start < table.num_rows:
        before = ends[start - 1] if start else 0
        fitting = int(np.searchsorted(ends, before + BLOCK_BYTES, side="right"))
        stop = min(max(fitting, start + 1), start + BLOCK_ROWS, table.num_rows)
        lines = pa.array(np.arange(first_row + start, first_row + stop, dtype=np.int64))
        yield RawBlock(table=table.slice(start, stop - start), lines=lines, is_tabular=True)
        start = stop


def _row_sizes(table: pa.Table) -> np.ndarray:
    """About how many bytes each row takes, once its dictionaries are unfolded."""
    sizes = np.full(table.num_rows, max(1, table.nbytes // table.num_rows), dtype=np.int64)
    for column in table.columns:
        if pa.types.is_dictionary(column.type):
            sizes += np.concatenate([_unfolded_sizes(chunk) for chunk in column.chunks])
    return sizes


def _unfolded_sizes(column: pa.DictionaryArray) -> np.ndarray:
    lengths = pc.binary_length(column.dictionary.cast(pa.large_string())).fill_null(0)
    taken: np.ndarray = lengths.take(column.indices).fill_null(0).to_numpy(zero_copy_only=False)
    return taken.astype(np.int64)
