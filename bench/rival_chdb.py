"""chDB, which is ClickHouse in the process: a MergeTree with text indexes of words and of trigrams."""

import json
import time
from pathlib import Path
from typing import Any

from chdb.session import Session

from bench.questions import PAGE_ROWS, SEARCHED, Kind, Question
from bench.rival import COLUMNS, serve

_TYPES = {"happened_at": "DateTime64(6, 'UTC')", "duration_ms": "Int64"}
_FEW_VALUES = {"run_id", "integration", "configuration", "trigger", "operation", "status", "source_type", "target_type"}
_FEW_VALUES |= {"code"}
# A column may have one text index: the second of the same text is of an expression.
_TABLE = f"""
create table if not exists log.actions (
    {", ".join(f"{n} {_TYPES.get(n, 'LowCardinality(String)' if n in _FEW_VALUES else 'String')}" for n in COLUMNS)},
    said String materialized lower(concatWithSeparator(' ', {", ".join(SEARCHED)})),
    index records source_id type bloom_filter,
    index words said type text(tokenizer = 'splitByNonAlpha'),
    index trigrams lower(said) type text(tokenizer = 'ngrams'),
    index messages message type text(tokenizer = 'ngrams')
) engine = MergeTree order by (run_id, happened_at)
settings fsync_after_insert = 1, fsync_part_directory = 1
"""
_MAY_BE_NULL = {"code", "message", "details"}
_INSERT = f"""
insert into log.actions ({", ".join(COLUMNS)})
select {", ".join(f"ifNull({name}, '')" if name in _MAY_BE_NULL else name for name in COLUMNS)} from Python(actions)
"""

_PAGE = f"select {', '.join(COLUMNS)} from log.actions"
_LAST = f"order by happened_at desc limit {PAGE_ROWS}"
STATEMENTS = {
    Kind.RUNS: (
        "select run_id, min(happened_at), max(happened_at) as last_at, count(), countIf(status = 'ERROR')"
        f" from log.actions group by run_id order by last_at desc limit {PAGE_ROWS}"
    ),
    Kind.ERRORS: f"{_PAGE} where run_id = {{text:String}} and status = 'ERROR' {_LAST}",
    Kind.RECORD: f"{_PAGE} where source_id = {{text:String}} {_LAST}",
    Kind.NAME: f"{_PAGE} where hasAllTokens(said, lower({{text:String}})) {_LAST}",
    Kind.FRAGMENT: f"{_PAGE} where lower(said) like concat('%', {{text:String}}, '%') {_LAST}",
    Kind.PHRASE: "select count() from log.actions where message like concat('%', {text:String}, '%')",
    Kind.STATUSES: "select run_id, status, count() from log.actions group by run_id, status",
}


class ChDb:
    """A folder of parts; what is inserted is synced."""

    def open(self, folder: Path) -> None:
        self._session = Session(str(folder / "chdb"))
        self._session.query("create database if not exists log")
        self._session.query(_TABLE)

    def add(self, actions: Any) -> None:  # read by name from the statement
        self._session.query(_INSERT)

    def tidy(self) -> None:
        """Its manual leaves that to the merges in the background."""
        while int(str(self._session.query("select count() from system.merges where database = 'log'"))):
            time.sleep(0.1)

    def size(self) -> int:
        parts = "select sum(bytes_on_disk) from system.parts where database = 'log' and active"
        return int(str(self._session.query(parts)))

    def ask(self, question: Question) -> int:
        parameters = {"text": question.text} if question.text else {}
        said = str(self._session.query(STATEMENTS[question.kind], "JSONCompactEachRow", params=parameters))
        rows = [json.loads(line) for line in said.splitlines()]
        return int(rows[0][0]) if question.kind is Kind.PHRASE else len(rows)

    def close(self) -> None:
        self._session.close()


if __name__ == "__main__":
    serve(ChDb())
