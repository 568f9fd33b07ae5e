"""Reports, files of actions, events and SQL over HTTP."""

import io
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from flask.testing import FlaskClient
from pypdf import PdfReader

LINES = b"""{"run_id":"broken","operation":"UPDATE","status":"OK","source_id":"a1"}
{"run_id":"broken","operation":"CREATE","status":"ERROR","source_id":"a2","message":"No permission"}
"""


@pytest.fixture
def filled(api: FlaskClient) -> FlaskClient:
    api.post("/api/v1/actions", data=LINES, content_type="application/x-ndjson")
    return api


def ask(api: FlaskClient, sql: str, *, accept: str | None = None, **more: Any) -> Any:
    return api.post("/api/v1/sql", json={"sql": sql, **more}, headers={"Accept": accept} if accept else {})


def test_the_pdf_report_names_its_run(filled: FlaskClient) -> None:
    answer = filled.get("/api/v1/runs/broken/report.pdf")

    assert answer.content_type == "application/pdf"
    assert "broken.pdf" in answer.headers["Content-Disposition"]
    assert "broken" in PdfReader(io.BytesIO(answer.data)).pages[0].extract_text()


def test_the_html_report_is_one_file_without_scripts(filled: FlaskClient) -> None:
    answer = filled.get("/api/v1/runs/broken/report.html")

    assert "No permission" in answer.text
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


def test_actions_are_streamed_as_csv(filled: FlaskClient) -> None:
    answer = filled.get("/api/v1/runs/broken/actions.csv?status=ERROR")

    assert answer.content_type.startswith("text/csv")
    assert len(answer.text.splitlines()) == 2
    assert answer.headers["Content-Disposition"].startswith("attachment")


def test_actions_taken_as_ndjson_can_be_sent_again(filled: FlaskClient) -> None:
    taken = filled.get("/api/v1/runs/broken/actions.ndjson").data

    receipt = filled.post("/api/v1/actions", data=taken, content_type="application/x-ndjson").get_json()

    assert (receipt["accepted"], receipt["rejected"]) == (2, 0)


def test_actions_are_streamed_as_parquet(filled: FlaskClient) -> None:
    answer = filled.get("/api/v1/runs/broken/actions.parquet")

    assert pq.read_table(io.BytesIO(answer.data)).column("source_id").to_pylist() == ["a1", "a2"]


def test_sql_answers_json(filled: FlaskClient) -> None:
    answer = ask(filled, "select run_id, count(*) as n from actions where status = ? group by 1", parameters=["ERROR"])

    body = answer.get_json()
    assert answer.headers["Synclog-Truncated"] == "false"
    assert (body["rows"], body["truncated"]) == ([{"run_id": "broken", "n": 1}], False)
    assert [column["name"] for column in body["columns"]] == ["run_id", "n"]


def test_sql_says_when_there_is_more(filled: FlaskClient) -> None:
    answer = ask(filled, "select * from range(10)", limit=3)

    assert (len(answer.get_json()["rows"]), answer.headers["Synclog-Truncated"]) == (3, "true")


def test_columns_of_the_same_name_are_all_answered(api: FlaskClient) -> None:
    assert ask(api, "select 1 as a, 2 as a").get_json()["rows"] == [{"a": 1, "a_1": 2}]


def test_values_json_has_no_word_for_are_told_apart(api: FlaskClient) -> None:
    row = ask(
        api,
        "select 'nan'::double as a, 'inf'::double as b, 1.5::decimal(4,2) as c, date '2026-11-22' as d,"
        " timestamptz '2026-11-22 10:00:00Z' as e, 12345678901234567890::hugeint as f, [1, 2] as g, {'h': null} as i",
    ).get_json()["rows"][0]

    assert row == {
        "a": None,
        "b": "inf",
        "c": "1.50",
        "d": "2026-11-22",
        "e": "2026-11-22T10:00:00.000000Z",
        "f": 12345678901234567890,
        "g": [1, 2],
        "i": {"h": None},
    }


def test_sql_answers_in_the_format_that_is_accepted(filled: FlaskClient) -> None:
    sql = "select source_id from actions order by 1"

    csv = ask(filled, sql, accept="text/csv")
    parquet = ask(filled, sql, accept="application/vnd.apache.parquet")
    arrow = ask(filled, sql, accept="application/vnd.apache.arrow.stream")

    assert csv.text.replace('"', "").split() == ["source_id", "a1", "a2"]
    assert pq.read_table(io.BytesIO(parquet.data))["source_id"].to_pylist() == ["a1", "a2"]
    assert pa.ipc.open_stream(arrow.data).read_all()["source_id"].to_pylist() == ["a1", "a2"]


@pytest.mark.parametrize(
    ("statement", "status"),
    [
        ({"sql": "select * fro actions"}, 400),
        ({"sql": "drop table actions"}, 400),
        ({"sql": "select * from read_csv('/etc/passwd')"}, 400),
        ({"sql": "  "}, 400),
        ({}, 400),
        ({"sql": "select 1", "limit": 0}, 400),
        ({"sql": "select 1", "parameters": 7}, 400),
    ],
)
def test_what_cannot_be_asked_is_refused_in_words(api: FlaskClient, statement: dict[str, Any], status: int) -> None:
    answer = api.post("/api/v1/sql", json=statement)

    assert answer.status_code == status
    assert answer.get_json()["error"]["message"]


def test_a_format_nobody_makes_is_415(api: FlaskClient) -> None:
    assert ask(api, "select 1", accept="application/xml").status_code == 415


def test_events_of_a_run_that_is_over_end_at_once(api: FlaskClient) -> None:
    api.post("/api/v1/runs", json={"integration": "i", "run_id": "nightly", "progress": "FINISHED"})

    answer = api.get("/api/v1/runs/nightly/events")

    assert answer.content_type.startswith("text/event-stream")
    assert [line for line in answer.text.splitlines() if line.startswith("event:")] == ["event: run", "event: end"]
