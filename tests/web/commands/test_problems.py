"""``synclog problems``: over all runs, and of one."""

import json

from tests.web.commands.conftest import Synclog

DENIED = "No permission on <n>"


def rows_of(result):
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_open_problems_are_listed(nightly: Synclog) -> None:
    [row] = rows_of(nightly("problems"))

    assert (row["template"], row["state"], row["cause"], row["count"]) == (DENIED, "new", "permission", 1)
    assert row["integration"] == "servicenow"


def test_problems_are_filtered(nightly: Synclog) -> None:
    asked = ("--state new", "--class permission", "--status error", "--search PERMISSION", "--integration servicenow")

    assert [len(rows_of(nightly("problems", *each.split()))) for each in asked] == [1] * 5
    assert rows_of(nightly("problems", "--state", "resolved")) == []
    assert rows_of(nightly("problems", "--until", "2020-01-01")) == []


def test_problems_of_one_run_are_as_they_stood_then(nightly: Synclog) -> None:
    [row] = rows_of(nightly("problems", "nightly"))

    assert (row["template"], row["state"], row["records"], row["is_expected"]) == (DENIED, "new", 1, False)
    assert rows_of(nightly("problems", "nightly", "--class", "network")) == []
    assert nightly("problems", "nobody").exit_code == 1


def test_table_shows_them_too(nightly: Synclog) -> None:
    assert DENIED in nightly("problems", "--format", "table").stdout


def test_rules_of_ones_own_are_read_from_the_settings(nightly: Synclog, tmp_path) -> None:
    (tmp_path / "causes.toml").write_text('[[rules]]\nclass = "data"\nwords = ["no permission on"]\n')
    (tmp_path / "synclog.toml").write_text('causes = "causes.toml"\n')

    [row] = rows_of(nightly("problems"))

    assert row["cause"] == "data"


def test_wrong_rules_stop_the_start(nightly: Synclog, tmp_path) -> None:
    (tmp_path / "causes.toml").write_text("[[rules]]\nclass = 'nobody'\n")
    (tmp_path / "synclog.toml").write_text('causes = "causes.toml"\n')

    result = nightly("problems")

    assert result.exit_code == 2
    assert "rule 1 has no class" in result.stderr
