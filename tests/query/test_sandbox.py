import os
import signal
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from ingest.errors import (
    InvalidInput,
    Overloaded,
    QueryCancelled,
    QueryRefused,
    QueryTimedOut,
    QueryTooLarge,
    StatementNotFound,
)
from ingest.recorder import RunAnnouncement
from query.running import RunningStatements
from query.sandbox import SqlLimits, run_sql


def rows(world, sql, parameters=None):
    return run_sql(world.view, sql, parameters=parameters).table.to_pylist()


@pytest.fixture
def small(world):
    """A lake with a run of two actions, one of them an error."""
    world.record({"message": "fine"}, {"status": "ERROR", "message": "record 1 refused", "duration_ms": 5})
    return world


def batch_file(world):
    [file] = world.view.files_between()
    return file


def test_select_over_the_four_views_is_answered(small):
    assert rows(small, "select status, count(*) as n from actions group by all order by all") == [
        {"status": "ERROR", "n": 1},
        {"status": "OK", "n": 1},
    ]
    [run] = rows(small, "from runs select run_id, status, begun_at, processed, errors, expected, duration_ms")
    assert run == {
        "run_id": "nightly",
        "status": "ERROR",
        "begun_at": datetime(2026, 11, 22, 10, tzinfo=UTC),
        "processed": 2,
        "errors": 1,
        "expected": None,
        "duration_ms": None,
    }
    [problem] = rows(small, "from problems select integration, status, count, records, runs, message")
    assert problem == {
        "integration": "servicenow",
        "status": "ERROR",
        "count": 1,
        "records": 0,
        "runs": 1,
        "message": "record 1 refused",
    }
    [batch] = rows(small, "from batches select kind, rows, bytes")
    assert batch == {"kind": "actions", "rows": 2, "bytes": os.path.getsize(batch_file(small))}


def test_empty_lake_has_the_same_views(world):
    world.recorder.announce_run(RunAnnouncement(run_id="live", integration="x"))

    assert rows(world, "select count(*) as n from actions, problems") == [{"n": 0}]
    assert rows(world, "select run_id, status from runs") == [{"run_id": "live", "status": None}]
    assert rows(world, "show tables") == [{"name": name} for name in ("actions", "batches", "problems", "runs")]


@pytest.mark.parametrize(
    ("sql", "parameters"),
    [
        ("select message from actions where status = $1", ["ERROR"]),
        ("select message from actions where status = ?", ["ERROR"]),
        ("select message from actions where status = $wanted", {"wanted": "ERROR"}),
        ("select message from actions where happened_at >= $1 and status <> 'OK'", ["2026-11-22T10:00:00Z"]),
        (
            "select message from actions where happened_at = $1 and status <> 'OK'",
            [datetime(2026, 11, 22, 10, tzinfo=UTC)],
        ),
    ],
)
def test_parameters_are_values_not_text(small, sql, parameters):
    assert rows(small, sql, parameters) == [{"message": "record 1 refused"}]


@pytest.mark.parametrize("parameters", [[object()], {"a": {1, 2}}])
def test_parameters_that_are_no_json_are_refused(small, parameters):
    with pytest.raises(InvalidInput, match="parameters"):
        run_sql(small.view, "select 1", parameters=parameters)


@pytest.mark.parametrize(
    ("sql", "parameters"),
    [("select $1", []), ("select $a", {"b": 1}), ("select 1", [1]), ("select $1, $a", [1])],
)
def test_parameters_must_fit_the_query(small, sql, parameters):
    with pytest.raises(QueryRefused):
        run_sql(small.view, sql, parameters=parameters)


def test_rows_over_the_limit_are_cut_and_said_to_be(small):
    result = run_sql(small.view, "from range(100000)", limits=SqlLimits(rows=7))
    whole = run_sql(small.view, "from range(7)", limits=SqlLimits(rows=7))

    assert (result.table.num_rows, result.truncated) == (7, True)
    assert (whole.table.num_rows, whole.truncated) == (7, False)


def test_error_says_where(small):
    with pytest.raises(QueryRefused, match='column "colour" not found'):
        run_sql(small.view, "select colour from actions")
    with pytest.raises(QueryRefused, match=r"LINE 2:"):
        run_sql(small.view, "select 1,\n cast(message as int) from actions")
    with pytest.raises(QueryRefused, match=r"syntax error"):
        run_sql(small.view, "selec 1")


NESTED_COPY = "with x as (copy (select 1) to '{file}' (format parquet, use_tmp_file false)) select * from x"


@pytest.mark.parametrize(
    "sql",
    [
        "select * from read_csv('/etc/passwd')",
        "select * from read_text('/etc/passwd')",
        "select * from '/etc/passwd'",
        "select * from '{folder}/index.sqlite'",
        "select * from '{folder}/secret.csv'",
        'select * from "{folder}/secret.parquet"',
        "select * from read_parquet('{file}')",
        "select * from sniff_csv('{folder}/secret.csv')",
        "select * from parquet_metadata('{file}')",
        "select * from glob('/**')",
        "select * from 'https://example.org/x.parquet'",
        "select getenv('HOME')",
        "select * from duckdb_secrets()",
        "select * from duckdb_settings()",
        "copy (select 1) to '{folder}/new.csv'",
        "copy actions from '{folder}/secret.csv'",
        "export database '{folder}/new'",
        "attach '{folder}/index.sqlite' as other",
        "attach '{folder}/new.db'",
        "install httpfs",
        "load httpfs",
        "pragma database_list",
        "call pragma_version()",
        "set memory_limit = '100GB'",
        "set enable_external_access = true",
        "reset lock_configuration",
        "use memory",
        "create table t as select 1",
        "create view v as select 1",
        "drop view actions",
        "delete from runs",
        "update runs set errors = 0",
        "insert into runs select * from runs",
        "begin",
        "checkpoint",
        "explain analyze copy (select 1) to '{folder}/new.csv'",
        "select 1; select 2",
        "select 1; drop view actions",
        "",
        "-- nothing",
        "with x as (insert into runs select * from runs returning *) select * from x",
        "with x as (delete from runs returning *) select * from x",
        "select * from (with x as (delete from runs returning *) select * from x)",
        NESTED_COPY,
        NESTED_COPY.replace("{file}", "{folder}/new.parquet"),
        "select * from query('select 1')",
        "select * from QUERY_TABLE('actions')",
        "select * from request",
        "select * from pa",
        "select " + "(" * 5000 + "1" + ")" * 5000,
        "select " + "1+" * 50_000 + "1",
        "select 1 --" + "x" * 300_000,
    ],
)
def test_anything_but_reading_the_views_is_refused(small, tmp_path, sql):
    (tmp_path / "secret.csv").write_text("a\n1\n")
    file = batch_file(small)
    before = {path: path.stat().st_size for path in tmp_path.rglob("*") if path.is_file()}

    with pytest.raises(QueryRefused):
        run_sql(small.view, sql.replace("{file}", file).replace("{folder}", str(tmp_path)))

    assert {path: path.stat().st_size for path in tmp_path.rglob("*") if path.is_file()} == before


def test_a_statement_handed_over_as_a_syntax_tree_is_refused(small):
    """DuckDB runs such trees, and a COPY inside one would overwrite a batch."""
    file = batch_file(small)
    size = os.path.getsize(file)
    with duckdb.connect() as connection:
        sql = NESTED_COPY.format(file=file)
        [[tree]] = connection.execute("select json_serialize_sql($1)", [sql]).fetchall()

    with pytest.raises(QueryRefused, match="json_execute_serialized_sql"):
        run_sql(small.view, "select * from json_execute_serialized_sql('" + tree.replace("'", "''") + "')")

    assert os.path.getsize(file) == size


def test_environment_does_not_reach_the_query(small, monkeypatch):
    monkeypatch.setenv("SYNCLOG_TOKEN", "secret")

    with pytest.raises(QueryRefused):
        run_sql(small.view, "select * from read_text('/proc/self/environ')")


ENDLESS = "with recursive a(n) as (select 1 union all select n + 1 from a) select count(*) from a"


@pytest.mark.parametrize(
    "sql",
    [
        ENDLESS,
        "select count(*) from range(3000000) a, range(3000000) b where hash(a.range, b.range) = 1",
    ],
)
def test_query_that_does_not_end_is_ended(small, sql):
    with pytest.raises(QueryTimedOut, match=r"0\.7 seconds"):
        run_sql(small.view, sql, limits=SqlLimits(seconds=0.7))


@pytest.mark.parametrize(
    "sql",
    [
        "select list(range) from range(2000000000)",
        "select a.range, b.range from range(100000000) a, range(100000000) b order by hash(a.range + b.range)",
        "select string_agg(repeat('x', 100000), '') from range(100000)",
        "select repeat('x', 4000000000)",
        "select repeat('x', 30000000) from range(10)",
        "select repeat('x', 100000) from range(10000)",
    ],
)
def test_query_that_takes_or_gives_too_much_is_ended(small, sql):
    with pytest.raises(QueryTooLarge):
        run_sql(small.view, sql, limits=SqlLimits(memory_mb=300, result_mb=32))


def test_every_type_comes_back(small):
    [row] = rows(
        small,
        """
        select {'a': 1, 'b': [1, 2]} as struct, 170141183460469231731687303715884105727::hugeint as huge,
               map {'k': 1} as map, 'x'::blob as blob, 1.50::decimal(10, 2) as decimal, null as nothing,
               interval 1 day as span, date '2026-11-22' as day, '101'::bit as bits, [1, null] as list
        """,
    )

    assert row["struct"] == {"a": 1, "b": [1, 2]}
    assert (row["blob"], row["nothing"], row["list"]) == (b"x", None, [1, None])


def test_each_process_answers_once_and_none_outlives_the_view(small):
    sandboxes = small.view.sandboxes
    run_sql(small.view, "select 1")
    with sandboxes.one() as first, sandboxes.one() as second:
        pids = {first.pid, second.pid}
    with sandboxes.one() as third:
        pids.add(third.pid)
        nursery = sandboxes._nursery._program

        small.view.close()

        assert third.wait() == -signal.SIGKILL
    assert len(pids) == 3
    assert nursery.returncode == -signal.SIGKILL
    wait_until(lambda: not any(is_alive(pid) for pid in (*pids, nursery.pid)))


def test_no_progress_is_drawn_into_the_answer_of_a_long_query(small):
    assert rows(small, "select current_setting('enable_progress_bar') as drawn") == [{"drawn": False}]


def test_what_forks_has_no_second_thread(small):
    """Whatever another thread held when it forks would be held for ever in the fork."""
    run_sql(small.view, "select count(*) from actions")

    assert len(os.listdir(f"/proc/{small.view.sandboxes._nursery._program.pid}/task")) == 1


def test_a_nursery_that_died_is_replaced(small):
    run_sql(small.view, "select 1")
    nursery = small.view.sandboxes._nursery._program
    nursery.kill()
    nursery.wait()

    assert run_sql(small.view, "select 1").table.num_rows == 1


def test_many_at_once_each_get_their_own_answer(small):
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda number: rows(small, f"select {number} as n"), range(40)))

    assert answers == [[{"n": number}] for number in range(40)]


def test_a_cancelled_query_ends_at_once_and_says_so(small):
    with ThreadPoolExecutor(1) as threads:
        endless = threads.submit(run_sql, small.view, ENDLESS, statement_id="mine")
        wait_until(lambda: small.view.running.list_running())
        [running] = small.view.running.list_running()
        small.view.running.cancel("mine")

        with pytest.raises(QueryCancelled):
            endless.result(timeout=5)
    assert (running.statement_id, running.sql) == ("mine", ENDLESS)
    assert small.view.running.list_running() == []


def test_a_query_that_does_not_run_cannot_be_cancelled(small):
    run_sql(small.view, "select 1", statement_id="mine")

    with pytest.raises(StatementNotFound, match="mine"):
        small.view.running.cancel("mine")


def test_two_queries_sent_under_one_id_both_run(small):
    with ThreadPoolExecutor(1) as threads:
        endless = threads.submit(run_sql, small.view, ENDLESS, statement_id="mine")
        wait_until(lambda: small.view.running.list_running())

        assert run_sql(small.view, "select 1", statement_id="mine").table.num_rows == 1

        small.view.running.cancel("mine")
        with pytest.raises(QueryCancelled):
            endless.result(timeout=5)


def test_so_many_queries_run_at_once_and_no_more(small):
    running = RunningStatements(most=2)

    def watch(sql):
        return running.watch(sql, lambda: None, seconds=9, statement_id=None)

    with watch("select 1"), watch("select 2"), pytest.raises(Overloaded, match="2 statements are running"):
        watch("select 3").__enter__()
    with watch("select 4"):
        assert [each.sql for each in running.list_running()] == ["select 4"]


def test_a_process_has_its_three_pipes_and_nothing_else(small):
    with small.view.sandboxes.one() as process:
        process.stdin.write(b"{")  # it has begun to read, so it is itself
        process.stdin.flush()
        files = Path(f"/proc/{process.pid}/fd")
        wait_until(lambda: len(list(files.iterdir())) == 3)

        assert {file.name: str(file.readlink())[:5] for file in files.iterdir()} == dict.fromkeys("012", "pipe:")


def is_alive(pid):
    """A process that ended has no command any more, even where nobody waits for it."""
    command = Path(f"/proc/{pid}/cmdline")
    return command.exists() and command.read_bytes() != b""


def wait_until(claim):
    """Looks again and again, for as long as a test may take."""
    while not claim():
        os.sched_yield()
