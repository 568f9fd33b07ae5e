"""What pages, API and report say of a run of which retention has removed actions."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner
from flask.testing import FlaskClient

from ingest.recorder import Recorder
from ingest.retention import carry_out, plan
from ingest.retention_rules import Rule, Rules
from reports.html import render_run_report_html
from reports.run_report import build_run_report
from tests.builders import line
from tests.web.pages.cast import record, recorder_at
from tests.web.pages.text import rows_of, text_of
from web.cli import main
from web.workspace import Workspace

NOW = datetime.now(UTC)


def remove(recorder: Recorder, rule: Rule) -> None:
    compactor = recorder.compactor()
    list(carry_out(plan(recorder.lake, recorder.index, Rules(default=rule), now=NOW), compactor))
    compactor.resign()


@pytest.fixture
def gone(workspace: Workspace, own_pages: FlaskClient) -> FlaskClient:
    """Pages over a run of which two OK actions of three are gone, and one of which none is left."""
    with recorder_at(workspace.settings.data, NOW - timedelta(days=40)) as recorder:
        record(recorder, "some", [line(), line(source_id="a2"), line(source_id="a3", status="ERROR", message="no")])
        record(recorder, "none", [line(run_id="none", status="WARNING", message="hm")])
    remove(workspace.recorder, Rule(ok_days=30))
    remove(workspace.recorder, Rule(failure_days=30, keep_examples=True))
    return own_pages


def test_counters_stay_and_the_page_says_what_is_gone(gone: FlaskClient) -> None:
    html = gone.get("/runs/some").text

    assert "Processed 3" in text_of(html)
    assert "OK 2" in text_of(html)
    assert "2 of 3 actions were removed by retention." in text_of(html)
    assert [row[4] for row in rows_of(html, "action")] == ["ERROR"]


def test_where_a_filter_leaves_nothing_the_page_says_why(gone: FlaskClient) -> None:
    said = text_of(gone.get("/runs/some?status=OK").text)

    assert "No action matches these filters 2 of 3 actions were removed by retention." in said


def test_a_run_of_which_nothing_is_left_does_not_look_unused(gone: FlaskClient, workspace: Workspace) -> None:
    remove(workspace.recorder, Rule(failure_days=30, keep_examples=False))

    said = text_of(gone.get("/runs/none").text)

    assert "No action left 1 of 1 action was removed by retention." in said
    assert "No action yet" not in said


def test_the_api_and_the_report_say_it_too(gone: FlaskClient, workspace: Workspace) -> None:
    remove(workspace.recorder, Rule(failure_days=30, keep_examples=False))

    report = render_run_report_html(build_run_report(workspace.view, "some", now=NOW))

    assert gone.get("/api/v1/runs/some").json["gone"] == 3
    assert "3 of 3 actions were removed by retention." in text_of(report)
    assert "1 × ERROR in 1 record no" in text_of(report)


def test_problems_count_what_is_gone_wherever_they_are_listed(workspace: Workspace, own_pages: FlaskClient) -> None:
    """Ten failures of two kinds, of which an example or two is left: page, API and command say the same."""
    failures = [line(source_id=f"a{n}", status="ERROR", message=f"No permission on {n}") for n in range(9)]
    with recorder_at(workspace.settings.data, NOW - timedelta(days=40)) as recorder:
        record(recorder, "some", [*failures, line(source_id="b", status="WARNING", message="slow", code="504")])
    remove(workspace.recorder, Rule(failure_days=30, keep_examples=True))
    said = []
    for keeps in (True, False):
        remove(workspace.recorder, Rule(failure_days=30, keep_examples=keeps))
        items = own_pages.get("/api/v1/runs/some/problems").json["items"]
        said.append([(each["count"], each["records"], each["status"], each["codes"]) for each in items])
        asked = ["--data", str(workspace.settings.data), "run", "some", "--format", "json"]
        [run] = json.loads(CliRunner().invoke(main, asked, prog_name="synclog").stdout)
        said.append([(each["count"], each["records"], each["status"], each["codes"]) for each in run["problems"]])
        page = text_of(own_pages.get("/runs/some").text)
        assert "9 actions 9 records" in page
        assert f"{7 if keeps else 10} of 10 actions were removed by retention. The figures count them." in page

    assert said == [[(9, 9, "ERROR", []), (1, 1, "WARNING", ["504"])]] * 4
    assert [len(each["examples"]) for each in items] == [0, 0]


def test_a_run_of_which_all_is_there_says_nothing_of_it(pages: FlaskClient) -> None:
    assert "retention" not in text_of(pages.get("/runs/broken").text)
