import io
import json
import re
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qs, urlsplit

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from flask.testing import FlaskClient

from query.ready_questions import ReadyQuestion, list_questions
from query.sql_views import SQL_VIEWS, SqlView
from tests.web.pages.cast import record_cast
from tests.web.pages.text import text_of
from web.app import create_app
from web.workspace import Workspace

BROKEN = "select status, count(*) as n from actions where run_id = 'broken' group by status order by n, status"
ENDLESS = "with recursive a(n) as (select 1 union all select n + 1 from a) select count(*) from a"


def fragment(pages: FlaskClient, **fields: str) -> str:
    response = pages.post("/sql", data=fields, headers={"HX-Request": "true"})
    assert response.status_code == 200
    return response.text


def test_a_statement_is_answered_with_a_table_and_stays_in_its_field(pages: FlaskClient) -> None:
    said = text_of(pages.post("/sql", data={"sql": BROKEN}).text)

    assert BROKEN in said
    assert "3 rows" in said
    assert "status text n number OK 1 WARNING 1 ERROR 60" in said


def test_a_link_fills_the_form_and_runs_nothing(pages: FlaskClient) -> None:
    html = pages.get("/sql", query_string={"sql": "select 41 + $more", "$more": "7", "view": "line"}).text

    assert "select 41 + $more" in html
    assert 'name="$more" value="7"' in html
    assert 'name="view" value="line"' in html
    assert "48" not in text_of(html)


def test_a_fragment_says_the_address_that_fills_the_form_like_this(pages: FlaskClient) -> None:
    response = pages.post(
        "/sql", data={"sql": "select $n as n", "$n": "7", "view": "bars"}, headers={"HX-Request": "true"}
    )

    address = urlsplit(response.headers["HX-Replace-Url"])
    assert "<html" not in response.text
    assert (address.path, parse_qs(address.query)) == (
        "/sql",
        {"sql": ["select $n as n"], "$n": ["7"], "view": ["bars"]},
    )


def test_a_refused_statement_shows_why_and_where_and_stays_in_its_field(pages: FlaskClient) -> None:
    response = pages.post("/sql", data={"sql": "select status,\n  mesage from actions"})

    assert response.status_code == 400
    assert 'column "mesage" not found' in text_of(response.text)
    assert "Line 2, column 3" in text_of(response.text)
    assert "did you mean message?" in text_of(response.text)
    assert 'data-line="2" data-column="3" data-length="6"' in response.text


@pytest.mark.parametrize("sql", ["", "   ", "drop table actions", "select 1; select 2", "copy actions to 'x.csv'"])
def test_what_is_not_one_question_is_refused(pages: FlaskClient, sql: str) -> None:
    response = pages.post("/sql", data={"sql": sql})

    assert response.status_code == 400
    assert "The statement failed" in text_of(response.text)


def test_a_parameter_gets_a_field_and_its_value_is_no_text_of_the_statement(pages: FlaskClient) -> None:
    sql = "select count(*) as n from actions where message = $said or $said is null"

    asked = pages.post("/sql", data={"sql": sql})
    filled = pages.post("/sql", data={"sql": sql, "$said": "x' or 'a' = 'a"})
    empty = pages.post("/sql", data={"sql": sql, "$said": ""})

    assert asked.status_code == 400
    assert "the statement asks for $said" in text_of(asked.text)
    assert 'name="$said"' in asked.text
    assert "n number 0" in text_of(filled.text)
    assert "n number 66" in text_of(empty.text)


def test_fields_of_parameters_come_while_somebody_types(pages: FlaskClient) -> None:
    html = pages.post("/sql/parameters", data={"sql": "select $a, $b, '$c'", "$a": '"quoted"'}).text

    assert re.findall(r'name="(\$\w+)" value="([^"]*)"', html) == [("$a", "&#34;quoted&#34;"), ("$b", "")]


def test_a_long_result_is_cut_and_says_so(pages: FlaskClient) -> None:
    html = pages.post("/sql", data={"sql": "select range as n from range(50000)"}).text

    assert "Cut at 500 rows: there are more, a download has up to 10,000" in text_of(html)
    assert len(html) < 200_000


def test_values_of_every_kind_are_text_and_markup_is_harmless(pages: FlaskClient) -> None:
    sql = (
        "select '<script>x</script>' as a, null as b, [1, 2] as c, {'k': true} as d, 12345678901234567890 as e,"
        " '\u202eevil' as f, 1.50::decimal(9, 2) as g, date '2026-11-22' as h"
    )

    html = pages.post("/sql", data={"sql": sql}).text

    assert "<script>x" not in html
    assert '<script>x</script> null [1, 2] {"k": true} 12345678901234567890' in text_of(html)
    assert "⟨U+202E⟩evil 1.50 2026-11-22" in text_of(html)


def test_long_json_unfolds_and_what_is_none_stays_text(pages: FlaskClient) -> None:
    sql = """select '{"field": "lifecycle", "before": "plan", "after": "<b>live</b>", "more": [1]}' as details,
        {'a': 1} as short, '{"a": ' || repeat('x', 100) as details"""

    html = pages.post("/sql", data={"sql": sql}).text

    assert html.count("<pre>") == 1
    assert "&#34;after&#34;: &#34;&lt;b&gt;live&lt;/b&gt;&#34;,\n" in html
    assert '{"a": 1}' in text_of(html)


def test_ids_of_runs_and_records_are_links_and_times_are_moments(pages: FlaskClient) -> None:
    sql = (
        "select run_id, run_id as last_run_id, target_type, target_id, happened_at from actions where target_id = 't7'"
    )

    html = pages.post("/sql", data={"sql": sql}).text

    assert html.count('href="/runs/broken"') == 2
    assert 'href="/records/leanix.Application/t7"' in html
    assert '<time datetime="2025-11-22T11:16:07' in html


def test_problems_are_links_where_their_integration_is_said(pages: FlaskClient) -> None:
    html = pages.post("/sql", data={"sql": "select problem_id, integration from problems where status = 'ERROR'"}).text

    assert re.search(r'href="/problems/\w+\?integration=servicenow"', html)
    assert "/problems/" not in fragment(pages, sql="select problem_id from problems where status = 'ERROR'")


def test_a_result_is_drawn_when_a_chart_is_chosen(pages: FlaskClient) -> None:
    fields = {"view": "stacked bars", "amount": "n", "over": "operation", "by": "status"}
    sql = "select operation, status, count(*) as n from actions where run_id = 'broken' group by all order by all"

    html = fragment(pages, sql=sql, **fields)

    drawn = re.search(r'<svg.*?id="result-wide-title".*?</svg>', html, re.DOTALL)
    assert drawn is not None
    assert "n over operation by status" in drawn[0]
    assert re.findall(r'rect class="([\w-]+)"[^>]*data-amount="(\d+)"', drawn[0]) == [
        ("status-error", "60"),
        ("status-warning", "1"),
        ("status-ok", "1"),
    ]
    assert '<option value="stacked bars" selected>' in html


def test_a_result_without_numbers_says_that_there_is_nothing_to_draw(pages: FlaskClient) -> None:
    html = fragment(pages, sql="select 'a' as word", view="bars")

    assert "There is no column of numbers to draw." in text_of(html)


@pytest.mark.parametrize("kind", ["csv", "json", "parquet", "arrow"])
def test_results_download_in_four_formats(pages: FlaskClient, kind: str) -> None:
    response = pages.post(f"/sql.{kind}", data={"sql": BROKEN})

    read = {
        "csv": lambda data: [int(row.split(",")[1]) for row in data.decode().splitlines()[1:]],
        "json": lambda data: [row["n"] for row in json.loads(data)],
        "parquet": lambda data: pq.read_table(pa.BufferReader(data)).to_pydict()["n"],
        "arrow": lambda data: pa.ipc.open_stream(data).read_all().to_pydict()["n"],
    }
    assert response.headers["Content-Disposition"] == f'attachment; filename="result.{kind}"'
    assert read[kind](response.data) == [1, 1, 60]


def test_a_download_with_a_mistake_in_it_is_no_file(pages: FlaskClient) -> None:
    assert pages.post("/sql.csv", data={"sql": "selec"}).status_code == 400
    assert pages.post("/sql.exe", data={"sql": "select 1"}).status_code == 404


@pytest.mark.parametrize("question", list_questions(), ids=lambda question: question.name)
def test_every_question_can_be_opened_and_run(pages: FlaskClient, question: ReadyQuestion) -> None:
    assert f'href="/sql/questions/{question.name}"' in pages.get("/sql").text
    html = pages.get(f"/sql/questions/{question.name}").text
    fields = dict(re.findall(r'name="(\$?\w+)" value="([^"]*)"', html))

    answer = pages.post("/sql", data={**fields, "sql": question.sql})

    assert question.question in text_of(html)
    assert answer.status_code == 200, text_of(answer.text)


def test_an_unknown_question_is_not_found(pages: FlaskClient) -> None:
    assert pages.get("/sql/questions/why").status_code == 404


@pytest.mark.parametrize("view", SQL_VIEWS, ids=lambda view: view.name)
def test_the_columns_named_beside_are_those_there_are(pages: FlaskClient, view: SqlView) -> None:
    header = pages.post("/sql.csv", data={"sql": f"select * from {view.name} limit 0"}).text.splitlines()[0]

    assert header.replace('"', "").split(",") == list(view.columns)


def test_words_for_the_editor_are_those_of_duckdb_and_of_the_views(pages: FlaskClient) -> None:
    words = pages.get("/sql/words.json").get_json()
    meanings = pages.get("/sql/functions.json").get_json()

    assert [view["name"] for view in words["views"]] == ["actions", "runs", "problems", "batches"]
    assert {"select", "qualify", "by"} <= set(words["keywords"])
    assert {"count", "arg_max", "date_trunc"} <= set(words["functions"])
    assert set(words["functions"]) == set(meanings)
    assert not {name for name in words["functions"] if name.startswith(("read_", "duckdb_", "getenv"))}


def test_another_tab_sees_a_running_statement_and_cancels_it(workspace: Workspace) -> None:
    record_cast(workspace.settings.data)
    app = create_app(workspace)
    with ThreadPoolExecutor(1) as threads:
        answer = threads.submit(lambda: app.test_client().post("/sql", data={"sql": ENDLESS, "statement_id": "mine"}))
        while not workspace.view.running.list_running():
            pass
        pages = app.test_client()
        beside, listed = pages.get("/sql").text, pages.get("/sql/statements").text
        cancelled = pages.post("/sql/statements/mine/cancel")

        assert "The statement was cancelled" in text_of(answer.result(timeout=10).text)
    assert "1 statement, the oldest for" in text_of(beside)
    assert ENDLESS in text_of(listed)
    assert (cancelled.status_code, cancelled.headers["Location"]) == (303, "/sql/statements")
    assert "No statement is running" in text_of(pages.get("/sql/statements").text)


def test_a_statement_that_is_over_cannot_be_cancelled(pages: FlaskClient) -> None:
    assert pages.post("/sql/statements/over/cancel").status_code == 404
    assert pages.post("/sql/statements/over/cancel", headers={"HX-Request": "true"}).status_code == 204


def test_what_was_cut_is_also_cut_in_the_file(pages: FlaskClient) -> None:
    rows = io.StringIO(pages.post("/sql.csv", data={"sql": "from range(20000)"}).text).readlines()

    assert len(rows) == 10_001
