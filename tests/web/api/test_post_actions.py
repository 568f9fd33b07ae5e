"""Actions sent over HTTP: what is taken, what is refused, and in which words."""

import gzip
import io
import json
import zlib
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

LINES = b"""{"run_id":"nightly","operation":"UPDATE","status":"OK","source_id":"a1"}
{"run_id":"nightly","operation":"CREATE","status":"ERROR","source_id":"a2","message":"no permission"}
"""
ARRAY = b"[" + b",".join(LINES.splitlines()) + b"]"
CSV = b"run_id,operation,status,source_id\nnightly,UPDATE,OK,a1\nnightly,CREATE,ERROR,a2\n"
NDJSON = "application/x-ndjson"


def columns() -> pa.Table:
    return pa.Table.from_pylist([json.loads(line) for line in LINES.splitlines()])


def parquet() -> bytes:
    sink = io.BytesIO()
    pq.write_table(columns(), sink)
    return sink.getvalue()


def arrow_stream() -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, columns().schema) as writer:
        writer.write_table(columns())
    body: bytes = sink.getvalue().to_pybytes()
    return body


def arrow_file() -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, columns().schema) as writer:
        writer.write_table(columns())
    body: bytes = sink.getvalue().to_pybytes()
    return body


def post(api: FlaskClient, body: bytes, content_type: str | None = NDJSON, **more: Any) -> TestResponse:
    return api.post(more.pop("path", "/api/v1/actions"), data=body, content_type=content_type, **more)


def error_of(answer: TestResponse) -> dict[str, Any]:
    error: dict[str, Any] = answer.get_json()["error"]
    return error


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/x-ndjson", LINES),
        ("application/ndjson; charset=utf-8", LINES),
        ("application/jsonl", LINES),
        ("application/json", ARRAY),
        ("application/json", LINES),
        ("text/csv", CSV),
        ("application/vnd.apache.parquet", parquet()),
        ("application/vnd.apache.arrow.stream", arrow_stream()),
        ("application/vnd.apache.arrow.file", arrow_file()),
        ("application/x-www-form-urlencoded", LINES),
        ("application/octet-stream", CSV),
        ("application/octet-stream", parquet()),
        ("application/gzip", gzip.compress(CSV, mtime=0)),
        (None, ARRAY),
        (None, arrow_stream()),
    ],
)
def test_every_accepted_content_type_gives_the_same_receipt(
    api: FlaskClient, content_type: str | None, body: bytes
) -> None:
    answer = post(api, body, content_type)

    receipt = answer.get_json()
    assert (answer.status_code, receipt["accepted"], receipt["rejected"], receipt["runs"]) == (
        200,
        2,
        0,
        [{"run_id": "nightly", "accepted": 2}],
    )


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip", gzip.compress(LINES, mtime=0)),
        ("x-gzip", gzip.compress(LINES, mtime=0)),
        ("deflate", zlib.compress(LINES)),
        ("zstd", zstandard.compress(LINES)),
        ("identity", LINES),
        ("gzip, zstd", zstandard.compress(gzip.compress(LINES, mtime=0))),
        (None, gzip.compress(LINES, mtime=0)),
        (None, zstandard.compress(LINES)),
    ],
)
def test_packed_bodies_are_unpacked(api: FlaskClient, encoding: str | None, body: bytes) -> None:
    answer = post(api, body, headers={"Content-Encoding": encoding} if encoding else {})

    assert answer.get_json()["accepted"] == 2


def test_a_single_json_object_is_one_action(api: FlaskClient) -> None:
    answer = post(api, b'{\n  "run_id": "nightly",\n  "operation": "UPDATE"\n}', "application/json")

    assert answer.get_json()["accepted"] == 1


def test_good_lines_are_kept_and_bad_ones_named(api: FlaskClient) -> None:
    answer = post(api, LINES + b'{"run_id":"nightly","operation":"FROB"}\n')

    receipt = answer.get_json()
    assert answer.status_code == 200
    assert (receipt["accepted"], receipt["rejected"]) == (2, 1)
    assert (receipt["rejects"][0]["line"], receipt["rejects"][0]["field"]) == (3, "operation")
    assert "CREATE, UPDATE, DELETE, NONE" in receipt["rejects"][0]["message"]
    assert sorted(receipt["rejects"][0]) == ["code", "field", "line", "message"]


def test_nothing_acceptable_is_422_with_the_receipt(api: FlaskClient) -> None:
    answer = post(api, b'{"run_id":"nightly","operation":"FROB"}\n')

    assert answer.status_code == 422
    assert (answer.get_json()["batch_id"], answer.get_json()["accepted"], answer.get_json()["rejected"]) == (None, 0, 1)


def test_atomic_takes_nothing_when_one_line_is_bad(api: FlaskClient) -> None:
    answer = post(api, LINES + b'{"run_id":"nightly","operation":"FROB"}\n', path="/api/v1/actions?atomic=true")

    assert (answer.status_code, answer.get_json()["accepted"], answer.get_json()["rejected"]) == (422, 0, 1)
    assert api.get("/api/v1/runs/nightly").status_code == 404


def test_the_run_in_the_address_is_that_of_lines_that_name_none(api: FlaskClient) -> None:
    answer = post(api, b'{"operation":"UPDATE"}\n', path="/api/v1/runs/hourly/actions")

    assert answer.get_json()["runs"] == [{"run_id": "hourly", "accepted": 1}]


def test_query_parameters_speak_for_lines_that_do_not(api: FlaskClient) -> None:
    answer = post(
        api,
        b"sys_id,action\n77,update\n",
        "text/csv",
        path="/api/v1/actions?run_id=r1&integration=servicenow&configuration=prod&trigger=FULL_SYNC_JOB"
        "&map=source_id=sys_id&map=operation=action",
    )

    run = api.get("/api/v1/runs/r1").get_json()
    action = api.get("/api/v1/runs/r1/actions").get_json()["items"][0]
    assert answer.get_json()["accepted"] == 1
    assert (run["integration"], run["configuration"], run["trigger"]) == ("servicenow", "prod", "FULL_SYNC_JOB")
    assert (action["source_id"], action["operation"]) == ("77", "UPDATE")


def test_a_trailing_slash_does_not_redirect(api: FlaskClient) -> None:
    answer = post(api, LINES, path="/api/v1/actions/")

    assert (answer.status_code, answer.get_json()["accepted"]) == (200, 2)


def test_doubled_slashes_do_not_redirect(api: FlaskClient) -> None:
    assert post(api, LINES, path="/api/v1//actions").status_code == 404


def test_the_same_key_and_body_count_once_and_get_the_same_answer(api: FlaskClient) -> None:
    headers = {"Idempotency-Key": "k-1"}

    first, second = post(api, LINES, headers=headers), post(api, LINES, headers=headers)

    assert second.get_json() == first.get_json()
    assert "Synclog-Repeated" not in first.headers
    assert second.headers["Synclog-Repeated"] == "true"
    assert api.get("/api/v1/runs/nightly").get_json()["processed"] == 2


def test_a_key_used_for_another_body_is_409(api: FlaskClient) -> None:
    headers = {"Idempotency-Key": "k-1"}
    post(api, LINES, headers=headers)

    answer = post(api, LINES * 2, headers=headers)

    assert (answer.status_code, error_of(answer)["code"]) == (409, "idempotency-key-reused")


def test_a_key_that_is_too_long_is_refused(api: FlaskClient) -> None:
    answer = post(api, LINES, headers={"Idempotency-Key": "k" * 201})

    assert (answer.status_code, error_of(answer)["field"]) == (400, "Idempotency-Key")


def test_an_unknown_content_type_is_415_and_names_what_is_accepted(api: FlaskClient) -> None:
    answer = post(api, b"<xml/>", "application/xml")

    assert (answer.status_code, error_of(answer)["field"]) == (415, "Content-Type")
    assert "application/vnd.apache.parquet" in error_of(answer)["hint"]


def test_a_form_upload_is_told_to_send_the_file_itself(api: FlaskClient) -> None:
    answer = api.post("/api/v1/actions", data={"file": (io.BytesIO(LINES), "a.ndjson")})

    assert answer.status_code == 415
    assert "--data-binary" in error_of(answer)["hint"]


def test_an_unknown_encoding_is_415(api: FlaskClient) -> None:
    answer = post(api, LINES, headers={"Content-Encoding": "br"})

    assert (answer.status_code, error_of(answer)["field"]) == (415, "Content-Encoding")


@pytest.mark.parametrize(
    ("content_type", "encoding", "body"),
    [
        (NDJSON, "gzip", gzip.compress(LINES, mtime=0)[:-12]),
        (NDJSON, "gzip", b"this is not gzip"),
        (NDJSON, "zstd", zstandard.compress(LINES)[:-4]),
        ("application/vnd.apache.parquet", None, parquet()[:-20]),
        ("application/vnd.apache.parquet", None, b"PAR1 and then nothing of the kind"),
        ("application/vnd.apache.arrow.stream", None, bytes(range(256))),
        ("application/json", None, b'[{"run_id":"nightly"'),
    ],
)
def test_broken_bodies_are_400_and_leave_no_trace(
    api: FlaskClient, content_type: str, encoding: str | None, body: bytes
) -> None:
    answer = post(api, body, content_type, headers={"Content-Encoding": encoding} if encoding else {})

    assert answer.status_code in (400, 422)
    assert api.get("/api/v1/runs").get_json()["items"] == []


def test_binary_junk_of_no_type_is_415(api: FlaskClient) -> None:
    answer = post(api, bytes(range(256)) * 4, "application/octet-stream")

    assert (answer.status_code, error_of(answer)["code"]) == (415, "unsupported-content")
    assert "Content-Type" in error_of(answer)["hint"]


def test_a_line_that_is_not_utf8_is_refused_and_the_others_kept(api: FlaskClient) -> None:
    answer = post(api, b'{"run_id":"nightly","message":"caf\xe9"}\n' + LINES)

    receipt = answer.get_json()
    assert (answer.status_code, receipt["accepted"], receipt["rejected"]) == (200, 2, 1)
    assert receipt["rejects"][0]["line"] == 1


def test_a_body_over_the_limit_is_413(api: FlaskClient) -> None:
    answer = post(api, b" " * 100_001)

    assert (answer.status_code, error_of(answer)["code"]) == (413, "too-large")


def test_a_body_that_unpacks_beyond_the_limit_is_413(api: FlaskClient) -> None:
    answer = post(api, gzip.compress(LINES * 2000), headers={"Content-Encoding": "gzip"})

    assert (answer.status_code, error_of(answer)["code"]) == (413, "too-large")


def test_a_body_shorter_than_it_said_leaves_no_trace(api: FlaskClient) -> None:
    answer = post(api, LINES, environ_overrides={"CONTENT_LENGTH": str(len(LINES) + 5)})

    assert answer.status_code == 400
    assert api.get("/api/v1/runs").get_json()["items"] == []


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("atomic=perhaps", "atomic"),
        ("atomc=true", "atomc"),
        ("map=source_id", "map"),
        ("map=sourceid=x", "map"),
        ("input=xlsx", "input"),
    ],
)
def test_bad_query_parameters_are_refused_by_name(api: FlaskClient, query: str, field: str) -> None:
    answer = post(api, LINES, path=f"/api/v1/actions?{query}")

    assert (answer.status_code, error_of(answer)["field"]) == (400, field)
    assert error_of(answer)["hint"] or query == "atomic=perhaps"


def test_a_run_id_with_a_slash_is_a_clear_404(api: FlaskClient) -> None:
    answer = post(api, LINES, path="/api/v1/runs/a%2Fb/actions")

    assert answer.status_code == 404
    assert "slash" in error_of(answer)["hint"]


def test_a_disk_that_cannot_be_written_is_503_with_a_short_retry_after(api: FlaskClient, tmp_path: Path) -> None:
    lake = tmp_path / "data" / "lake" / "actions"
    lake.rename(lake.with_name("gone"))
    lake.write_text("a file where the folder was")

    answer = post(api, LINES)

    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")
    assert error_of(answer)["code"] == "lake-unavailable"


@pytest.mark.parametrize(
    "body", [LINES, b'{"run_id":"nightly","operation":"FROB"}\n', b'{"run_id":"a/b"}\n', b"\xff\xfe\n", b"\n", b""]
)
def test_the_short_way_answers_like_the_long_way(api: FlaskClient, body: bytes) -> None:
    short, long = post(api, body), post(api, body, headers={"Idempotency-Key": "long"})

    assert short.status_code == long.status_code
    assert short.content_type == long.content_type
    assert short.get_json() | {"batch_id": None} == long.get_json() | {"batch_id": None}
