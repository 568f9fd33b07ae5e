"""Who is let in, what errors look like, and what supervisors are told."""

from pathlib import Path

import pytest
from flask.testing import FlaskClient

from web.request_guard import names_this_machine

LINE = b'{"run_id":"nightly","operation":"UPDATE"}\n'


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:8080", "127.0.0.1:8080", "127.9.9.9", "[::1]", "[::1]:8080", "LOCALHOST:1"]
)
def test_loopback_names_are_this_machine(host: str) -> None:
    assert names_this_machine(host)


@pytest.mark.parametrize(
    "host",
    ["", "evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "10.0.0.1", "0.0.0.0", "localhost:x"],
)
def test_other_names_are_not(host: str) -> None:
    assert not names_this_machine(host)


@pytest.mark.parametrize("path", ["/api/v1/runs", "/runs", "/healthz"])
def test_a_foreign_host_name_gets_nothing(api: FlaskClient, path: str) -> None:
    assert api.get(path, headers={"Host": "evil.example"}).status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:9999"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
@pytest.mark.parametrize("path", ["/api/v1/actions", "/api/v1/runs", "/api/v1/sql"])
def test_another_site_cannot_make_a_browser_send(api: FlaskClient, headers: dict[str, str], path: str) -> None:
    answer = api.post(path, data=LINE, content_type="text/plain", headers=headers)

    assert (answer.status_code, answer.get_json()["error"]["code"]) == (403, "request-refused")
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_our_own_pages_can_send(api: FlaskClient) -> None:
    answer = api.post(
        "/api/v1/actions",
        data=LINE,
        content_type="application/x-ndjson",
        headers={"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"},
    )

    assert answer.status_code == 200


def test_programs_get_errors_as_json(api: FlaskClient) -> None:
    assert api.get("/api/v1/nothing").get_json() == {
        "error": {
            "code": "not-found",
            "message": "there is nothing at /api/v1/nothing",
            "field": None,
            "hint": "the addresses are listed at /api/v1/docs; a run id has no slash",
        }
    }


def test_people_get_errors_as_a_page(api: FlaskClient) -> None:
    answer = api.get("/nothing", headers={"Accept": "text/html"})

    assert answer.status_code == 404
    assert "there is nothing at /nothing" in answer.text
    assert 'href="/runs"' in answer.text


def test_what_was_asked_for_is_escaped_on_an_error_page(api: FlaskClient) -> None:
    assert "<script>alert" not in api.get("/<script>alert(1)</script>", headers={"Accept": "text/html"}).text


def test_an_unforeseen_error_is_500_without_its_insides(api: FlaskClient) -> None:
    def fail() -> str:
        raise RuntimeError("secret")

    api.application.add_url_rule("/api/v1/fail", view_func=fail)

    answer = api.get("/api/v1/fail")

    assert (answer.status_code, answer.get_json()["error"]["code"]) == (500, "failed")
    assert "secret" not in answer.text


def test_supervisors_are_told(api: FlaskClient) -> None:
    api.post("/api/v1/actions", data=LINE, content_type="application/x-ndjson")

    metrics = api.get("/metrics").text

    assert api.get("/healthz").status_code == api.get("/readyz").status_code == 200
    assert 'synclog_rows{kind="actions"} 1' in metrics
    assert 'synclog_runs{progress="RUNNING"} 1' in metrics


def test_a_lake_that_is_gone_is_not_ready(api: FlaskClient, tmp_path: Path) -> None:
    (tmp_path / "data" / "lake").rename(tmp_path / "elsewhere")

    answer = api.get("/readyz")

    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")
