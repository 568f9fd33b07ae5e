from urllib.parse import parse_qs, urlsplit

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from flask.testing import FlaskClient

from tests.web.pages.text import text_of
from web.pages.sql_examples import EXAMPLES, VIEWS, Example

BROKEN = "select status, count(*) as n from actions where run_id = 'broken' group by status order by n, status"


def test_a_statement_is_answered_with_a_table_and_stays_in_its_field(pages: FlaskClient) -> None:
    said = text_of(pages.post("/sql", data={"sql": BROKEN}).text)

    assert BROKEN in said
    assert "3 rows" in said
    assert "status n OK 1 WARNING 1 ERROR 60" in said


def test_a_link_fills_the_field_and_runs_nothing(pages: FlaskClient) -> None:
    said = text_of(pages.get("/sql", query_string={"sql": "select 41 + 1"}).text)

    assert "select 41 + 1" in said
    assert "42" not in said


def test_a_refused_statement_shows_why_and_stays_in_its_field(pages: FlaskClient) -> None:
    response = pages.post("/sql", data={"sql": "select nothing_such from actions"})

    assert response.status_code == 400
    assert "select nothing_such from actions" in text_of(response.text)
    assert 'column "nothing_such" not found' in text_of(response.text)


@pytest.mark.parametrize("sql", ["", "   ", "drop table actions", "select 1; select 2", "copy actions to 'x.csv'"])
def test_what_is_not_one_question_is_refused(pages: FlaskClient, sql: str) -> None:
    response = pages.post("/sql", data={"sql": sql})

    assert response.status_code == 400
    assert "The statement failed" in text_of(response.text)


def test_a_long_result_is_cut_and_says_so(pages: FlaskClient) -> None:
    html = pages.post("/sql", data={"sql": "select range as n from range(5000)"}).text

    assert "500 rows" in text_of(html)
    assert "There are more" in text_of(html)
    assert len(html) < 200_000


def test_values_of_every_kind_are_text_and_markup_is_harmless(pages: FlaskClient) -> None:
    sql = (
        "select '<script>x</script>' as a, null as a, [1, 2] as list, {'k': true} as pair, 12345678901234567890 as big"
    )

    html = pages.post("/sql", data={"sql": sql}).text

    assert "<script>x" not in html
    assert "<script>x</script> null [1, 2] {'k': True} 12345678901234567890" in text_of(html)


def test_results_download_as_csv_and_parquet(pages: FlaskClient) -> None:
    as_csv = pages.post("/sql.csv", data={"sql": BROKEN})
    as_parquet = pages.post("/sql.parquet", data={"sql": BROKEN})

    assert as_csv.text.replace('"', "") == "status,n\nOK,1\nWARNING,1\nERROR,60\n"
    assert "attachment" in as_csv.headers["Content-Disposition"]
    assert pq.read_table(pa.BufferReader(as_parquet.data)).to_pydict()["n"] == [1, 1, 60]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.question)
def test_every_example_can_be_clicked_and_run(pages: FlaskClient, example: Example) -> None:
    assert example.address in pages.get("/sql").text.replace("&amp;", "&").replace("&#39;", "'")
    assert parse_qs(urlsplit(example.address).query) == {"sql": [example.sql]}
    assert pages.post("/sql", data={"sql": example.sql}).status_code == 200


@pytest.mark.parametrize("view", VIEWS)
def test_the_columns_named_beside_are_those_there_are(pages: FlaskClient, view: str) -> None:
    header = pages.post("/sql.csv", data={"sql": f"select * from {view} limit 0"}).text.splitlines()[0]

    assert tuple(header.replace('"', "").split(",")) == VIEWS[view]
