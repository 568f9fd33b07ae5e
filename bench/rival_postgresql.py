"""PostgreSQL with b-tree indexes and pg_trgm, a cluster of its own in a folder, reached by a socket in that folder.

The server refuses to run as root: then it runs as the user that Debian's package makes for it.
"""

import io
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import psycopg

from bench.programs import find_postgresql
from bench.questions import PAGE_ROWS, SEARCHED, Kind, Question
from bench.rival import COLUMNS, serve

_USER = "postgres"
_SETTINGS = {
    "listen_addresses": "",
    "shared_buffers": "2GB",
    "effective_cache_size": "8GB",
    "work_mem": "64MB",
    "maintenance_work_mem": "512MB",
    "max_wal_size": "4GB",
    "random_page_cost": "1.1",
}
_TYPES = {"happened_at": "timestamptz", "duration_ms": "bigint", "details": "jsonb"}
_TABLES = f"""
create extension pg_trgm;
create table actions ({", ".join(f"{name} {_TYPES.get(name, 'text')}" for name in COLUMNS)});
create index on actions (run_id, status, happened_at);
create index on actions (source_id);
create index on actions using gin ({", ".join(f"{name} gin_trgm_ops" for name in SEARCHED)});
"""
_COPY = f"copy actions ({', '.join(COLUMNS)}) from stdin (format csv)"

_PAGE = f"select {', '.join(COLUMNS)} from actions"
_LAST = f"order by happened_at desc limit {PAGE_ROWS}"
_LIKE = "ilike '%%' || %(text)s || '%%'"
_SEARCH = f"{_PAGE} where {' or '.join(f'{name} {_LIKE}' for name in SEARCHED)} {_LAST}"
STATEMENTS = {
    Kind.RUNS: (
        "select run_id, min(happened_at), max(happened_at) as last_at, count(*),"
        " count(*) filter (where status = 'ERROR')"
        f" from actions group by run_id order by last_at desc limit {PAGE_ROWS}"
    ),
    Kind.ERRORS: f"{_PAGE} where run_id = %(text)s and status = 'ERROR' {_LAST}",
    Kind.RECORD: f"{_PAGE} where source_id = %(text)s {_LAST}",
    Kind.NAME: _SEARCH,
    Kind.FRAGMENT: _SEARCH,
    Kind.PHRASE: "select count(*) from actions where message like '%%' || %(text)s || '%%'",
    Kind.STATUSES: "select run_id, status, count(*) from actions group by run_id, status",
}


class PostgreSql:
    """A server that lives as long as this process has it open."""

    def open(self, folder: Path) -> None:
        programs = find_postgresql()
        assert programs is not None, "asked only where PostgreSQL is installed"
        cluster, is_new = folder / "cluster", not (folder / "cluster").exists()
        if is_new:
            _give(folder)
            made = [str(programs / "initdb"), "-D", str(cluster), "-U", _USER, "--auth=trust", "-E", "UTF8"]
            subprocess.run(made, user=_other_user(), check=True, stdout=subprocess.DEVNULL, cwd=folder)
        options = [f"--{name}={value}" for name, value in _SETTINGS.items()]
        with (folder.with_suffix(".log")).open("ab") as log:
            self._server = subprocess.Popen(
                [str(programs / "postgres"), "-D", str(cluster), "-k", str(folder), *options],
                user=_other_user(), stdout=log, stderr=log, cwd=folder,
            )  # fmt: skip
        self._connection = self._connect(folder)
        if is_new:
            self._connection.execute(_TABLES)

    def add(self, actions: Any) -> None:
        from pyarrow import csv  # an asking process does without

        lines = io.BytesIO()
        csv.write_csv(actions.select(COLUMNS), lines, csv.WriteOptions(include_header=False))
        with self._connection.cursor() as cursor, cursor.copy(_COPY) as copy:
            copy.write(lines.getbuffer())

    def tidy(self) -> None:
        self._connection.execute("vacuum (analyze) actions")

    def size(self) -> int:
        row = self._connection.execute("select pg_total_relation_size('actions')").fetchone()
        return int(row[0]) if row else 0

    def ask(self, question: Question) -> int:
        rows = self._connection.execute(STATEMENTS[question.kind], {"text": question.text}).fetchall()
        return int(rows[0][0]) if question.kind is Kind.PHRASE else len(rows)

    def close(self) -> None:
        self._connection.close()
        self._server.send_signal(signal.SIGINT)  # its fast shutdown
        self._server.wait(timeout=120)

    def _connect(self, folder: Path) -> psycopg.Connection[Any]:  # rows of several shapes
        while True:
            try:
                return psycopg.connect(host=str(folder), user=_USER, dbname="postgres", autocommit=True)
            except psycopg.OperationalError:
                if self._server.poll() is not None:
                    raise
                time.sleep(0.01)


def _other_user() -> str | None:
    return _USER if os.geteuid() == 0 else None


def _give(folder: Path) -> None:
    """The folder to whom the server runs as."""
    if _other_user():
        shutil.chown(folder, _USER)


if __name__ == "__main__":
    serve(PostgreSql())
