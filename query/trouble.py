"""What is behind an error that reading batches gave: a damaged one is marked, and the next question leaves it out.

Which batch it is an error of DuckDB or Arrow does not always say, nor that it is about a file at all: so the batches
are looked at, those that it names first.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pyarrow as pa

from ingest.errors import BatchDamaged, LakeUnavailable
from ingest.index import Index
from ingest.lake import Lake
from ingest.suspects import mark_if_damaged


class Trouble:
    """Finds out for the files of one lake."""

    def __init__(self, lake: Lake, index: Index) -> None:
        self._lake = lake
        self._index = index

    @contextmanager
    def reading(self, files: Sequence[str]) -> Iterator[None]:
        """Raises BatchDamaged and LakeUnavailable for what DuckDB and Arrow say of batches of actions.

        And for values that no action has: DuckDB does not look at the checksums of pages.
        """
        try:
            yield
        except (duckdb.Error, pa.ArrowException, OSError, TypeError, ValueError) as error:
            raise self.behind(error, files) from error

    def behind(self, error: Exception, files: Sequence[str]) -> Exception:
        """The error to raise instead: the same where no batch is to blame."""
        named = [file for file in files if Path(file).stem in str(error)]
        batch_ids = [Path(file).stem for file in named or files]
        damages = mark_if_damaged(self._lake, self._index, "actions", batch_ids, now_us=time.time_ns() // 1000)
        if damages:
            return BatchDamaged(
                f"batch {damages[0].batch_id} is damaged: {damages[0].problem}",
                hint="ask again: from now on it is left out; the page /health says what to do",
            )
        if isinstance(error, duckdb.IOException) or (isinstance(error, OSError) and error.errno is not None):
            return LakeUnavailable(f"a batch cannot be read: {error}", hint="try again in a moment")
        if isinstance(error, (duckdb.InvalidInputException, pa.ArrowInvalid, OSError)):
            return BatchDamaged(f"a batch cannot be read as Parquet: {error}", hint="synclog verify finds out which")
        return error
