"""DuckDB in the process, over the lake's own Parquet files, found by a glob: what is there without synclog."""

from pathlib import Path
from typing import Any

import duckdb

from bench.questions import PAGE_ROWS, SEARCHED, Kind, Question
from bench.rival import COLUMNS, serve

_PAGE = f"select {', '.join(COLUMNS[:4] + COLUMNS[5:])}, epoch_us(happened_at) as happened_us from actions"
_LAST = f"order by happened_at desc limit {PAGE_ROWS}"
_SEARCH = f"{_PAGE} where {' or '.join(f'contains(lower({name}), lower($text))' for name in SEARCHED)} {_LAST}"

STATEMENTS = {
    Kind.RUNS: (
        "select run_id, epoch_us(min(happened_at)), epoch_us(max(happened_at)) as last_us, count(*),"
        f" count(*) filter (status = 'ERROR') from actions group by run_id order by last_us desc limit {PAGE_ROWS}"
    ),
    Kind.ERRORS: f"{_PAGE} where run_id = $text and status = 'ERROR' {_LAST}",
    Kind.RECORD: f"{_PAGE} where source_id = $text {_LAST}",
    Kind.NAME: _SEARCH,
    Kind.FRAGMENT: _SEARCH,
    Kind.PHRASE: "select count(*) from actions where contains(message, $text)",
    Kind.STATUSES: "select run_id, status, count(*) from actions group by run_id, status",
}


class DuckDb:
    """Nothing to fill: the folder is a data folder of synclog, compacted, without batches that were replaced."""

    def open(self, folder: Path) -> None:
        self._connection = duckdb.connect()
        self._connection.execute("set TimeZone = 'UTC'")
        files = str(folder / "lake/actions/*/*.parquet").replace("'", "''")
        self._connection.execute(f"create view actions as select * from read_parquet('{files}')")

    def add(self, actions: Any) -> None:
        raise NotImplementedError("it reads what synclog has written")

    def tidy(self) -> None:
        raise NotImplementedError("it reads what synclog has written")

    def size(self) -> int:
        raise NotImplementedError("it reads what synclog has written")

    def ask(self, question: Question) -> int:
        parameters = {"text": question.text} if question.text else {}
        rows = self._connection.execute(STATEMENTS[question.kind], parameters).fetchall()
        return int(rows[0][0]) if question.kind is Kind.PHRASE else len(rows)

    def close(self) -> None:
        self._connection.close()


if __name__ == "__main__":
    serve(DuckDb())
