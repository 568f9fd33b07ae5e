from urllib.parse import quote

from flask.testing import FlaskClient

from tests.web.pages.text import text_of

SQL = "select $n as n"


def save(pages: FlaskClient, **fields: str) -> str:
    """The address of a query that was saved."""
    response = pages.post("/sql/queries", data={"sql": SQL, "name": "a number", **fields})
    assert response.status_code == 303
    return response.headers["Location"]


def test_a_saved_query_has_an_address_that_shows_it(own_pages: FlaskClient) -> None:
    address = save(own_pages, view="bars", amount="n")

    html = own_pages.get(address).text

    assert SQL in text_of(html)
    assert "<h1><bdi>a number</bdi></h1>" in html
    assert 'name="view" value="bars"' in html
    assert 'name="amount" value="n"' in html
    assert f'href="{address}" aria-current="page"' in html
    assert f'href="{address}"' in own_pages.get("/sql").text


def test_values_of_parameters_stay_in_the_address(own_pages: FlaskClient) -> None:
    address = save(own_pages, **{"$n": "a b"})

    assert address.endswith("?%24n=a+b")
    assert 'name="$n" value="a b"' in own_pages.get(address).text


def test_a_saved_query_is_renamed_and_rewritten_under_its_address(own_pages: FlaskClient) -> None:
    address = save(own_pages)

    own_pages.post(address, data={"sql": "select 2", "name": "two"})

    said = text_of(own_pages.get(address).text)
    assert "select 2" in said
    assert "two" in said
    assert "a number" not in said


def test_running_a_saved_query_keeps_its_page(own_pages: FlaskClient) -> None:
    query_id = save(own_pages).rsplit("/", 1)[1]

    response = own_pages.post("/sql", data={"sql": "select 5 as n", "query_id": query_id, "name": "a number"})
    fragment = own_pages.post(
        "/sql", data={"sql": "select 5 as n", "query_id": query_id}, headers={"HX-Request": "true"}
    )

    assert f'formaction="/sql/queries/{query_id}"' in response.text
    assert "HX-Replace-Url" not in fragment.headers


def test_deleting_asks_first_and_then_the_address_is_gone(own_pages: FlaskClient) -> None:
    address = save(own_pages)

    asked = own_pages.get(f"{address}/delete")
    assert "Delete this saved query?" in text_of(asked.text)
    assert own_pages.get(address).status_code == 200
    deleted = own_pages.post(f"{address}/delete")

    assert (deleted.status_code, deleted.headers["Location"]) == (303, "/sql")
    assert own_pages.get(address).status_code == 404
    assert own_pages.post(f"{address}/delete").status_code == 404


def test_what_cannot_be_saved_stays_in_the_form(own_pages: FlaskClient) -> None:
    save(own_pages)

    for fields, status, said in (
        ({"name": "a number", "sql": "select 3"}, 409, "there is a query named 'a number' already"),
        ({"name": " ", "sql": "select 3"}, 400, "a saved query needs a name"),
        ({"name": "nothing", "sql": " "}, 400, "there is no SQL to save"),
        ({"name": "x" * 201, "sql": "select 3"}, 400, "a name may have 200 characters"),
    ):
        response = own_pages.post("/sql/queries", data=fields)

        assert response.status_code == status
        assert said in text_of(response.text)
        assert fields["sql"].strip() in response.text


def test_names_of_saved_queries_are_harmless(own_pages: FlaskClient) -> None:
    address = save(own_pages, name="<script>x</script>\u202e")

    html = own_pages.get(address).text + own_pages.get(f"{address}/delete").text

    assert "<script>x" not in html
    assert "⟨U+202E⟩" in html
    assert quote(address) == address
