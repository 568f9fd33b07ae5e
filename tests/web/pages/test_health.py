"""What page and API say of the lake as a whole: all is well, or which files are damaged and what is missing."""

import re
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from ingest.care import set_aside, verify
from tests.builders import line
from tests.web.pages.cast import record
from tests.web.pages.text import addresses_of, rows_of, text_of
from web.workspace import Workspace


def damage(workspace: Workspace, number: int = 0) -> Path:
    """Break a file of actions, which nobody has found out yet."""
    lake = workspace.recorder.lake
    path = lake.path_of("actions", list(lake.list_ids("actions"))[number])
    path.chmod(0o644)
    path.write_bytes(b"this is not Parquet at all")
    return path


@pytest.fixture
def half(workspace: Workspace, own_pages: FlaskClient) -> FlaskClient:
    """Pages over a run of which one action of three is in a damaged file, and another run."""
    record(workspace.recorder, "half", [line(source_id="a1")])
    record(workspace.recorder, "half", [line(source_id="a2"), line(source_id="a3")])
    record(workspace.recorder, "other", [line()])
    damage(workspace)
    return own_pages


def test_when_all_is_well_the_page_says_so(pages: FlaskClient) -> None:
    html = pages.get("/health").text

    assert "All is well." in text_of(html)
    assert [row[1] for row in rows_of(html, "check")] == ["OK"] * 9
    assert "What to do" not in text_of(html)


def test_the_api_says_the_same(pages: FlaskClient) -> None:
    answer = pages.get("/api/v1/health")

    assert (answer.status_code, answer.json["status"], answer.json["damaged"]) == (200, "OK", [])
    assert [check["name"] for check in answer.json["checks"]] == [
        "data folder",
        "disk space",
        "index",
        "batches",
        "damage",
        "newest batch",
        "maintenance",
        "last verify",
        "last backup",
    ]


def test_an_empty_lake_is_well(own_pages: FlaskClient) -> None:
    assert "All is well." in text_of(own_pages.get("/health").text)


def test_every_page_leads_to_it(pages: FlaskClient) -> None:
    assert addresses_of(pages.get("/runs").text, "Health") == ["/health"]
    assert re.search(r'<a href="/health"[^>]* aria-current="page">Health</a>', pages.get("/health").text)


@pytest.mark.parametrize("address", ["/runs/half", "/api/v1/runs/half/actions", "/api/v1/runs/half/actions.csv"])
def test_who_meets_a_damaged_file_is_told_and_the_next_one_is_answered(half: FlaskClient, address: str) -> None:
    first = half.get(address)

    assert (first.status_code, "is damaged" in first.text) == (500, True)
    assert half.get(address).status_code == 200
    assert half.get("/api/v1/runs/half").json["unreadable"] == 1


def test_a_run_says_how_much_of_it_cannot_be_read(half: FlaskClient) -> None:
    half.get("/runs/half")

    html = half.get("/runs/half").text

    assert "Processed 3" in text_of(html)
    assert "1 of 3 actions cannot be read: a file is damaged. The figures count them. What to do" in text_of(html)
    assert len(rows_of(html, "action")) == 2
    assert "cannot be read" not in text_of(half.get("/runs/other").text)
    assert [run["unreadable"] for run in half.get("/api/v1/runs").json["items"]] == [0, 1]


def test_a_run_of_which_nothing_can_be_read_does_not_look_unused(own_pages: FlaskClient, workspace: Workspace) -> None:
    record(workspace.recorder, "lost", [line()])
    damage(workspace)
    own_pages.get("/runs/lost")

    said = text_of(own_pages.get("/runs/lost").text)

    assert "No action that can be read 1 of 1 action cannot be read: a file is damaged." in said
    assert "No action yet" not in said


def test_the_page_names_damaged_files_and_what_is_missing(half: FlaskClient, workspace: Workspace) -> None:
    [finding] = verify(workspace.recorder)

    html = half.get("/health").text

    assert "Something needs looking after." in text_of(html)
    [row] = rows_of(html, "damaged")
    assert row[1:3] == ["actions", str(finding.path)]
    assert row[3].startswith("its bytes are not those that were written")
    assert row[4] == "half 1 action"
    assert "synclog verify --set-aside" in text_of(html)


def test_the_api_names_them_too(half: FlaskClient, workspace: Workspace) -> None:
    findings = verify(workspace.recorder)
    set_aside(workspace.recorder, findings)

    said = half.get("/api/v1/health").json

    assert said["status"] == "ERROR"
    [batch] = said["damaged"]
    assert (batch["batch_id"], batch["path"]) == (findings[0].batch_id, str(findings[0].path))
    assert (batch["kind"], batch["set_aside"], batch["rows"], batch["run_count"]) == ("actions", True, 1, 1)
    assert batch["runs"] == [{"run_id": "half", "actions": 1}]


def test_a_damaged_file_does_not_make_supervisors_start_the_server_again(
    half: FlaskClient, workspace: Workspace
) -> None:
    verify(workspace.recorder)

    assert (half.get("/healthz").status_code, half.get("/readyz").status_code) == (200, 200)


def test_an_index_that_cannot_be_asked_is_named(own_pages: FlaskClient, workspace: Workspace) -> None:
    with workspace.recorder.index.engine.begin() as connection:
        connection.exec_driver_sql("drop table runs")

    said = own_pages.get("/api/v1/health").json

    assert (said["status"], said["checks"][-1]["name"]) == ("ERROR", "index")
    assert "Something needs looking after." in text_of(own_pages.get("/health").text)


def test_names_of_a_hostile_sender_are_only_text(own_pages: FlaskClient, workspace: Workspace) -> None:
    record(workspace.recorder, "<b>x<b>?&y", [line()])
    damage(workspace)
    verify(workspace.recorder)

    html = own_pages.get("/health").text

    assert "<b>x" not in html
    assert "%3Cb%3Ex%3C" in html
