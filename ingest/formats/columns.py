"""Tables with typed columns, cut into blocks of bounded size."""

from collections import Counter
from collections.abc import Iterator, Sequence

import pyarrow as pa

from ingest.errors import InvalidInput
from ingest.formats import RawBlock

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
    """The rows of a table in blocks, each with the numbers of its rows."""
    if not table.num_rows:
        return
    bytes_a_row = max(1, table.nbytes // table.num_rows)
    step = max(1, min(BLOCK_ROWS, BLOCK_BYTES // bytes_a_row))
    for start in range(0, table.num_rows, step):
        part = table.slice(start, step)
        first = first_row + start
        yield RawBlock(table=part, lines=pa.array(range(first, first + part.num_rows), pa.int64()))
