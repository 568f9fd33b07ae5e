from concurrent.futures import ThreadPoolExecutor

from flask.testing import FlaskClient

from web.app import create_app
from web.workspace import Workspace

QUERIES = "/api/v1/sql/queries"
ENDLESS = "with recursive a(n) as (select 1 union all select n + 1 from a) select count(*) from a"


def test_a_query_is_saved_read_changed_and_deleted(api: FlaskClient) -> None:
    saved = api.post(QUERIES, json={"name": "errors", "sql": "select $n"})
    address = saved.headers["Location"]
    read = api.get(address).get_json()
    changed = api.put(address, json={"name": "warnings", "sql": "select 2"}).get_json()
    listed = api.get(QUERIES).get_json()
    deleted = api.delete(address)

    assert saved.status_code == 201
    assert read == saved.get_json()
    assert (read["name"], read["sql"], read["parameters"]) == ("errors", "select $n", ["n"])
    assert (changed["query_id"], changed["name"], changed["parameters"]) == (read["query_id"], "warnings", [])
    assert listed == {"items": [changed]}
    assert deleted.status_code == 204
    assert api.get(address).get_json()["error"]["code"] == "saved-query-not-found"
    assert api.get(QUERIES).get_json() == {"items": []}


def test_what_cannot_be_saved_says_why(api: FlaskClient) -> None:
    api.post(QUERIES, json={"name": "errors", "sql": "select 1"})

    for body, status, field in (
        ({"name": "errors", "sql": "select 1"}, 409, "name"),
        ({"name": "", "sql": "select 1"}, 400, "name"),
        ({"sql": "select 1"}, 400, "name"),
        ({"name": "x", "sql": 1}, 400, "sql"),
    ):
        answer = api.post(QUERIES, json=body)

        assert (answer.status_code, answer.get_json()["error"]["field"]) == (status, field)


def test_a_running_statement_is_listed_and_cancelled(workspace: Workspace) -> None:
    app = create_app(workspace)
    with ThreadPoolExecutor(1) as threads:
        body = {"sql": ENDLESS, "statement_id": "mine"}
        answer = threads.submit(lambda: app.test_client().post("/api/v1/sql", json=body))
        api = app.test_client()
        while not (listed := api.get("/api/v1/sql/statements").get_json()["items"]):
            pass
        cancelled = api.post("/api/v1/sql/statements/mine/cancel")

        ended = answer.result(timeout=10)
    assert [(each["statement_id"], each["sql"]) for each in listed] == [("mine", ENDLESS)]
    assert cancelled.status_code == 202
    assert (ended.status_code, ended.get_json()["error"]["code"]) == (422, "query-cancelled")
    assert api.post("/api/v1/sql/statements/mine/cancel").status_code == 404
