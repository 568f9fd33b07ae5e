"""SQLite with b-tree indexes and two FTS5 tables, one of words and one of trigrams, over the rows of one table."""

import sqlite3
from pathlib import Path
from typing import Any

from bench.questions import PAGE_ROWS, SEARCHED, Kind, Question
from bench.rival import COLUMNS, serve

_SEARCHED = ", ".join(SEARCHED)
_TABLES = f"""
create table actions ({
    ", ".join(f"{name} {'integer' if name in ('happened_at', 'duration_ms') else 'text'}" for name in COLUMNS)
});
create index actions_by_run on actions (run_id, status, happened_at);
create index actions_by_record on actions (source_id);
create virtual table words using fts5({_SEARCHED}, content = 'actions', tokenize = 'unicode61');
create virtual table trigrams using fts5({_SEARCHED}, content = 'actions', tokenize = 'trigram');
"""
_INSERT = f"insert into actions ({', '.join(COLUMNS)}) values ({', '.join('?' * len(COLUMNS))})"
_FOUND = "insert into {table} (rowid, {columns}) select rowid, {columns} from actions where rowid > ?"

_PAGE = f"select {', '.join(COLUMNS)} from actions"
_LAST = f"order by happened_at desc limit {PAGE_ROWS}"
STATEMENTS = {
    Kind.RUNS: (
        "select run_id, min(happened_at), max(happened_at) as last_at, count(*), sum(status = 'ERROR')"
        f" from actions group by run_id order by last_at desc limit {PAGE_ROWS}"
    ),
    Kind.ERRORS: f"{_PAGE} where run_id = :text and status = 'ERROR' {_LAST}",
    Kind.RECORD: f"{_PAGE} where source_id = :text {_LAST}",
    Kind.NAME: f"{_PAGE} where rowid in (select rowid from words where words match :text) {_LAST}",
    Kind.FRAGMENT: f"{_PAGE} where rowid in (select rowid from trigrams where trigrams match :text) {_LAST}",
    Kind.PHRASE: "select count(*) from trigrams where trigrams match 'message : ' || :text",
    Kind.STATUSES: "select run_id, status, count(*) from actions group by run_id, status",
}


class Sqlite:
    """One file with a write-ahead log; every transaction is synced."""

    def open(self, folder: Path) -> None:
        file = folder / "actions.sqlite"
        is_new = not file.exists()
        self._connection = sqlite3.connect(file)
        for pragma in ("journal_mode = wal", "synchronous = full", "cache_size = -262144", "mmap_size = 1073741824"):
            self._connection.execute(f"pragma {pragma}")
        if is_new:
            self._connection.executescript(_TABLES)

    def add(self, actions: Any) -> None:
        columns = [actions["happened_at"].cast("int64") if n == "happened_at" else actions[n] for n in COLUMNS]
        with self._connection as transaction:
            last = transaction.execute("select coalesce(max(rowid), 0) from actions").fetchone()[0]
            transaction.executemany(_INSERT, zip(*(column.to_pylist() for column in columns), strict=True))
            for table in ("words", "trigrams"):
                transaction.execute(_FOUND.format(table=table, columns=_SEARCHED), (last,))

    def tidy(self) -> None:
        for table in ("words", "trigrams"):
            self._connection.execute(f"insert into {table} ({table}) values ('optimize')")
        self._connection.execute("analyze")
        self._connection.commit()
        self._connection.execute("pragma wal_checkpoint(truncate)")

    def size(self) -> int:
        pages, page_size = (
            self._connection.execute(f"pragma {name}").fetchone()[0] for name in ("page_count", "page_size")
        )
        return int(pages * page_size)

    def ask(self, question: Question) -> int:
        rows = self._connection.execute(STATEMENTS[question.kind], {"text": _wanted(question)}).fetchall()
        return int(rows[0][0]) if question.kind is Kind.PHRASE else len(rows)

    def close(self) -> None:
        self._connection.close()


def _wanted(question: Question) -> str:
    """The text as FTS5 wants it: each word, or each piece of text, in quotes."""
    if question.kind is Kind.NAME:
        return " ".join(f'"{word}"' for word in question.text.split())
    if question.kind in (Kind.FRAGMENT, Kind.PHRASE):
        return f'"{question.text}"'
    return question.text


if __name__ == "__main__":
    serve(Sqlite())
