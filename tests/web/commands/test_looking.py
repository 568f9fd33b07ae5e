"""The commands that look at a data folder, and the ones that care for it."""

import csv
import io
import json
from contextlib import closing
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from ingest.control import Control
from query.saved_queries import SavedQueries
from tests.web.commands.conftest import Synclog


def test_runs_are_listed_newest_first(nightly: Synclog, tmp_path: Path) -> None:
    (tmp_path / "later.csv").write_text("run_id,operation,happened_at\nlater,create,2999-01-01\n")
    nightly("upload", "later.csv")

    result = nightly("runs")

    assert [json.loads(line)["run_id"] for line in result.stdout.splitlines()] == ["later", "nightly"]


def test_runs_are_filtered(nightly: Synclog) -> None:
    assert json.loads(nightly("runs", "--status", "error", "--since", "2020-01-01").stdout)["run_id"] == "nightly"
    assert nightly("runs", "--status", "OK").stdout == nightly("runs", "--until", "2020-01-01").stdout == ""


def test_more_runs_than_a_page_are_listed(synclog: Synclog, tmp_path: Path) -> None:
    lines = "".join(f'{{"run_id":"r{number}","operation":"none"}}\n' for number in range(450))
    (tmp_path / "many.ndjson").write_text(lines)
    synclog("upload", "many.ndjson")

    assert len(synclog("runs", "--limit", "420").stdout.splitlines()) == 420


@pytest.mark.parametrize("output_format", ["table", "json", "ndjson", "csv"])
@pytest.mark.parametrize(
    "arguments",
    [("runs",), ("run", "nightly"), ("actions", "nightly"), ("sql", "select run_id, status from actions")],
)
def test_every_format_holds_the_run(nightly: Synclog, arguments: tuple[str, ...], output_format: str) -> None:
    result = nightly(*arguments, "--format", output_format)

    assert (result.exit_code, result.stderr) == (0, "")
    assert "nightly" in result.stdout or arguments[0] == "actions"


def test_csv_and_json_have_the_same_fields(nightly: Synclog) -> None:
    from_csv = next(iter(csv.DictReader(io.StringIO(nightly("runs", "--format", "csv").stdout))))
    from_json = json.loads(nightly("runs", "--format", "json").stdout)[0]

    assert list(from_csv) == list(from_json)
    assert from_csv["errors"] == str(from_json["errors"]) == "1"


def test_a_run_is_shown_with_its_problems(nightly: Synclog) -> None:
    run = json.loads(nightly("run", "nightly").stdout)

    assert (run["processed"], run["errors"]) == (2, 1)
    assert [problem["count"] for problem in run["problems"]] == [1]


def test_actions_are_filtered(nightly: Synclog) -> None:
    result = nightly("actions", "nightly", "--status", "error", "--operation", "noop", "--search", "PERMISSION")

    assert json.loads(result.stdout)["source_id"] == "a2"


def test_a_message_cannot_steer_the_terminal(synclog: Synclog, tmp_path: Path) -> None:
    (tmp_path / "a.ndjson").write_text('{"run_id":"r","message":"\\u001b]0;owned\\u0007 [red]text[/red]"}\n')
    synclog("upload", "a.ndjson")

    table = synclog("actions", "r", "--format", "table").stdout

    assert "\x1b]" not in table
    assert "[red]text[/red]" in table


@pytest.mark.parametrize("command", ["run", "actions", "report"])
def test_a_run_that_is_not_there_fails(nightly: Synclog, command: str) -> None:
    result = nightly(command, "nowhere")

    assert (result.exit_code, result.stdout) == (1, "")
    assert "nowhere" in result.stderr


def test_a_report_goes_where_it_is_told(nightly: Synclog, tmp_path: Path) -> None:
    pdf = nightly("report", "nightly")
    html = nightly("report", "nightly", "-o", "out.html")

    assert (pdf.stdout, html.stdout) == ("nightly.pdf\n", "out.html\n")
    assert (tmp_path / "nightly.pdf").read_bytes().startswith(b"%PDF")
    assert "No permission" in (tmp_path / "out.html").read_text()
    assert nightly("report", "nightly", "-o", "out.docx").exit_code == 2


def test_sql_reads_standard_input_and_writes_files(nightly: Synclog, tmp_path: Path) -> None:
    result = nightly("sql", "-", "-o", "out.parquet", stdin=b"select source_id from actions order by 1")

    assert result.exit_code == 0
    assert pq.read_table(tmp_path / "out.parquet")["source_id"].to_pylist() == ["a1", "a2"]
    assert nightly("sql", "select 1", "-o", "out.docx").exit_code == 2


@pytest.mark.parametrize("suffix", ["csv", "json", "ndjson", "arrow"])
def test_sql_writes_every_kind_of_file(nightly: Synclog, tmp_path: Path, suffix: str) -> None:
    result = nightly("sql", "select source_id from actions", "-o", f"out.{suffix}")

    assert result.exit_code == 0
    assert b"a1" in (tmp_path / f"out.{suffix}").read_bytes()


def test_sql_that_is_cut_short_says_so(nightly: Synclog) -> None:
    result = nightly("sql", "select * from range(9)", "--limit", "3")

    assert len(result.stdout.splitlines()) == 3
    assert "only the first 3 rows" in result.stderr


def test_sql_that_was_saved_is_run_by_its_name_with_its_parameters(nightly: Synclog, tmp_path: Path) -> None:
    with closing(Control(f"sqlite:///{tmp_path / 'synclog-data' / 'control.sqlite'}")) as control:
        SavedQueries(control).add(name="one", sql="select source_id from actions where source_id = $id or $id is null")

    one = nightly("sql", "--saved", "one", "-p", "id=a2")
    every = nightly("sql", "--saved", "one", "--format", "csv")

    assert json.loads(one.stdout) == {"source_id": "a2"}
    assert len(every.stdout.splitlines()) == 3
    assert nightly("sql", "--saved", "two").exit_code == 1
    assert nightly("sql", "select 1", "--saved", "one").exit_code == 2
    assert nightly("sql").exit_code == 2
    assert nightly("sql", "select $n", "-p", "n").exit_code == 2


def test_sql_that_is_wrong_fails_with_the_place(nightly: Synclog) -> None:
    result = nightly("sql", "select * fro actions")

    assert result.exit_code == 1
    assert "LINE 1" in result.stderr


def test_a_whole_lake_is_verified(nightly: Synclog) -> None:
    result = nightly("verify")

    assert (result.exit_code, result.stdout) == (0, "")
    assert "every batch is whole" in result.stderr


def test_a_damaged_batch_is_found(nightly: Synclog, tmp_path: Path) -> None:
    batch = next((tmp_path / "synclog-data" / "lake" / "actions").rglob("*.parquet"))
    batch.write_bytes(batch.read_bytes()[:-10])

    result = nightly("verify")

    assert result.exit_code == 1
    assert json.loads(result.stdout)["path"].endswith(batch.name)


def test_reindexing_changes_no_answer(nightly: Synclog) -> None:
    before = nightly("runs").stdout

    result = nightly("reindex")

    assert result.exit_code == 0
    assert nightly("runs").stdout == before


@pytest.mark.parametrize("command", ["runs", "verify", "reindex", "rejects"])
def test_a_mistyped_data_folder_is_not_made(synclog: Synclog, tmp_path: Path, command: str) -> None:
    result = synclog("--data", "typo", command)

    assert result.exit_code == 2
    assert not (tmp_path / "typo").exists()


def test_every_command_has_help_with_an_example(synclog: Synclog) -> None:
    from web.cli import main

    for name in main.commands:
        result = synclog(name, "--help")
        assert result.exit_code == 0
        assert "Example" in result.stdout, name


def test_actions_of_any_run_are_searched(nightly: Synclog) -> None:
    from_words = nightly("search", "permission", "--status", "error")
    streamed = nightly("search", "ermissio", "--match", "substring", "--all")
    nothing = nightly("search", "ermissio")

    assert json.loads(from_words.stdout.splitlines()[0])["status"] == "ERROR"
    assert sorted(streamed.stdout.splitlines()) == sorted(nightly("search", "permission").stdout.splitlines())
    assert (nothing.exit_code, nothing.stdout) == (0, "")


def test_a_bad_expression_is_refused(nightly: Synclog) -> None:
    result = nightly("search", "(", "--match", "regex")

    assert result.exit_code == 1
    assert "no regular expression" in result.stderr


def test_the_history_of_a_record_is_listed(nightly: Synclog) -> None:
    [action, *_] = [json.loads(line) for line in nightly("actions", "nightly").stdout.splitlines()]

    history = nightly("record", action["target_type"] or "-", action["target_id"] or action["source_id"])

    assert action in [json.loads(line) for line in history.stdout.splitlines()]
    assert nightly("record", "-", "nobody").stdout == ""


def test_a_search_takes_fields_and_what_is_not_wanted(nightly: Synclog) -> None:
    def found(*arguments: str) -> list[str]:
        rows = nightly("search", "--format", "ndjson", *arguments).stdout.splitlines()
        return [json.loads(row)["source_id"] for row in rows]

    assert found("status:error name:* permission") == []
    assert found("status:error permission") == ["a2"]
    assert found("--", "-permission") == ["a1"]
    assert "stauts is no field" in nightly("search", "stauts:error").stderr


def test_the_actions_of_a_run_are_searched_by_text_and_by_field(nightly: Synclog) -> None:
    rows = nightly("actions", "nightly", "--search", "ermission -status:ok", "--format", "ndjson").stdout.splitlines()

    assert [json.loads(row)["source_id"] for row in rows] == ["a2"]


@pytest.mark.parametrize(
    "command", [("runs",), ("upload", "nightly.ndjson"), ("doctor",), ("verify",), ("search", "a1")]
)
def test_commands_say_what_to_do_about_a_damaged_index(
    nightly: Synclog, tmp_path: Path, command: tuple[str, ...]
) -> None:
    (tmp_path / "synclog-data" / "index.sqlite").write_bytes(b"no database" * 1000)

    result = nightly(*command)

    assert result.exit_code == 1
    assert "run synclog reindex" in result.output + result.stderr
    assert "try again" not in result.output + result.stderr


def test_reindexing_moves_a_damaged_index_aside_and_says_where(nightly: Synclog, tmp_path: Path) -> None:
    before = nightly("runs").stdout
    data = tmp_path / "synclog-data"
    (data / "index.sqlite").write_bytes(b"no database" * 1000)

    result = nightly("reindex")

    [aside] = data.glob("index.sqlite.damaged-*")
    assert (result.exit_code, aside.read_bytes()[:11]) == (0, b"no database")
    assert aside.name in result.stderr
    assert "checksums" in result.stderr
    assert "indexed 1 batches" in result.stderr
    assert nightly("runs").stdout == before
    assert nightly("verify").exit_code == 0


def test_a_damaged_control_database_is_not_thrown_away(nightly: Synclog, tmp_path: Path) -> None:
    (tmp_path / "synclog-data" / "control.sqlite").write_bytes(b"no database" * 1000)

    result = nightly("reindex")

    assert result.exit_code == 1
    assert "bring its file back from a backup" in result.stderr
