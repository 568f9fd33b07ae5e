"""Refused lines over HTTP: listed, counted, previewed, replayed."""

import json

import pytest
from flask.testing import FlaskClient

LINES = (
    b'{"run_id":"r1","status":"kaputt","message":"Broken"}\n'
    b'{"run_id":"r1","status":"ok","happened_at":"yesterday","source_id":"a1"}\n'
    b'{"run_id":"r1","status":"ok"}\n'
    b"nonsense\n"
)


@pytest.fixture
def refused(api: FlaskClient) -> FlaskClient:
    assert api.post("/api/v1/runs/r1/actions", data=LINES, content_type="application/x-ndjson").status_code == 200
    return api


def test_refused_lines_are_listed_with_reason_and_text(refused: FlaskClient) -> None:
    page = refused.get("/api/v1/rejects?limit=2").get_json()
    rest = refused.get(f"/api/v1/rejects?limit=2&cursor={page['next_cursor']}").get_json()

    rows = [*page["items"], *rest["items"]]
    assert [(row["line"], row["field"], row["code"], row["run_id"]) for row in rows] == [
        (4, None, "malformed-line", "r1"),
        (2, "happened_at", "invalid-time", "r1"),
        (1, "status", "unknown-status", "r1"),
    ]
    assert rest["next_cursor"] is None
    assert (rows[0]["raw"], rows[0]["given"]) == ("nonsense", {"input": "ndjson", "run_id": "r1"})
    assert [json.loads(line)["line"] for line in refused.get("/api/v1/rejects.ndjson").text.splitlines()] == [4, 2, 1]


@pytest.mark.parametrize(
    ("query", "lines"),
    [
        ("code=invalid-time", [2]),
        ("field=status", [1]),
        ("field=-", [4]),
        ("q=BROKEN", [1]),
        ("q=not%20json", [4]),
        ("source=http", [4, 2, 1]),
        ("source=file", []),
        ("run_id=r1&since=2026-01-01", [4, 2, 1]),
        ("until=2026-01-01", []),
        ("replayed=true", []),
        ("replayed=all", [4, 2, 1]),
    ],
)
def test_refused_lines_are_chosen_by(refused: FlaskClient, query: str, lines: list[int]) -> None:
    assert [row["line"] for row in refused.get(f"/api/v1/rejects?{query}").get_json()["items"]] == lines


def test_refused_lines_are_counted_by_what_is_alike(refused: FlaskClient) -> None:
    body = refused.get("/api/v1/rejects/groups").get_json()

    assert [(row["source"], row["code"], row["field"], row["count"]) for row in body["items"]] == [
        ("http", "invalid-time", "happened_at", 1),
        ("http", "malformed-line", None, 1),
        ("http", "unknown-status", "status", 1),
    ]
    assert body["complete"] is True


def test_a_replay_is_shown_before_it_is_done_and_done_once(refused: FlaskClient) -> None:
    address = "/api/v1/rejects/replay?code=unknown-status&value=status:kaputt=ERROR"

    preview = refused.get(address).get_json()
    first, second = refused.post(address).get_json(), refused.post(address).get_json()

    assert (preview["right"], preview["refused"]) == (1, 0)
    assert preview["lines"][0]["action"]["status"] == "ERROR"
    assert (first, second) == (
        {"replayed": 1, "refused": 0, "reasons": []},
        {"replayed": 0, "refused": 0, "reasons": []},
    )
    [action] = refused.get("/api/v1/actions?q=broken").get_json()["items"]
    [reject] = refused.get("/api/v1/rejects?replayed=true").get_json()["items"]
    assert action["details"] == {"status": "kaputt", "replayed": reject["reject_id"]}


def test_single_lines_are_replayed_by_their_ids(refused: FlaskClient) -> None:
    ids = {row["line"]: row["reject_id"] for row in refused.get("/api/v1/rejects").get_json()["items"]}

    done = refused.post(
        f"/api/v1/rejects/replay?id={ids[2]}&id={ids[4]}&value=happened_at:yesterday=2026-11-21"
    ).get_json()

    assert (done["replayed"], done["refused"]) == (1, 1)
    assert done["reasons"] == [{"reason": "it cannot be read: not JSON: Expecting value at character 1", "count": 1}]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("map=status", "map"),
        ("map=nothing=a", "map"),
        ("value=status", "value"),
        ("value=status:a", "value"),
        ("default=x=1", "default"),
        ("replayed=perhaps", "replayed"),
    ],
)
def test_what_cannot_be_read_is_named(refused: FlaskClient, query: str, field: str) -> None:
    path = "rejects" if field == "replayed" else "rejects/replay"

    answer = refused.get(f"/api/v1/{path}?{query}")

    assert (answer.status_code, answer.get_json()["error"]["field"]) == (400, field)
