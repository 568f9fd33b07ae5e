"""Text that could not be kept is refused, or cleaned, before it reaches a commit: by every way in, into every index."""

import io
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from ingest.committer import Committer, Submission
from ingest.errors import InvalidInput
from ingest.inputs import FORMATS, PROTOCOLS
from ingest.normalise import LineDefaults
from ingest.reading import Piece, Reading
from ingest.recorder import Recorder
from tests.builders import all_rows, line, ndjson
from tests.live.postgresql import serving_postgresql
from web.app import create_app
from web.settings import Settings
from web.workspace import open_workspace

MANY = 1000
"""Lines enough to be read as columns."""

FAULTS = {"NUL": "\0", "half of a surrogate pair": "\ud800"}


@pytest.fixture(scope="module")
def postgresql() -> Iterator[str]:
    with serving_postgresql() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    if request.param == "sqlite":
        return Settings(data=tmp_path)
    url: str = request.getfixturevalue("postgresql")
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql("drop schema public cascade")
        connection.exec_driver_sql("create schema public")
    engine.dispose()
    return Settings(data=tmp_path, index_url=url)


@pytest.fixture
def api(settings: Settings) -> Iterator[FlaskClient]:
    with open_workspace(settings) as workspace:
        yield create_app(workspace).test_client()


@pytest.fixture
def recorder(settings: Settings) -> Iterator[Recorder]:
    recorder = Recorder.open(settings.data, index_url=settings.index_url)
    yield recorder
    recorder.close()


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
@pytest.mark.parametrize(
    ("field", "said"),
    [
        ("integration", lambda bad: {"integration": bad}),
        ("configuration", lambda bad: {"configuration": bad}),
        ("trigger", lambda bad: {"trigger": bad}),
        ("run_id", lambda bad: {"run_id": bad}),
        ("attributes", lambda bad: {"attributes": {"hosts": [{"a": bad}]}}),
        ("attributes", lambda bad: {"attributes": {bad: 1}}),
    ],
)
def test_an_announcement_is_refused(
    api: FlaskClient, field: str, said: Callable[[str], dict[str, Any]], fault: str
) -> None:
    answer = api.post("/api/v1/runs", json={"integration": "i", "run_id": "r", **said(f"a{fault}b")})

    assert (answer.status_code, answer.get_json()["error"]["field"]) == (400, field)
    assert api.get("/api/v1/runs").get_json()["items"] == []


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
@pytest.mark.parametrize(
    ("field", "said"), [("message", lambda bad: {"message": bad}), ("claimed", lambda bad: {"claimed": {bad: 1}})]
)
def test_a_change_of_a_run_is_refused(
    api: FlaskClient, field: str, said: Callable[[str], dict[str, Any]], fault: str
) -> None:
    api.post("/api/v1/runs", json={"integration": "i", "run_id": "r"})

    answer = api.patch("/api/v1/runs/r", json=said(f"a{fault}b"))

    assert (answer.status_code, answer.get_json()["error"]["field"]) == (400, field)
    assert api.patch("/api/v1/runs/r", json={"message": "well"}).status_code == 200


@pytest.mark.parametrize("method", ["patch", "post"])
def test_there_is_no_run_of_such_a_name(api: FlaskClient, method: str) -> None:
    address = "/api/v1/runs/a%00b" + ("/cancel" if method == "post" else "")

    assert api.open(address, method=method, json={"message": "m"}).status_code == 404


@pytest.mark.parametrize("name", ["integration", "configuration", "trigger", "run_id"])
def test_what_a_request_says_for_its_lines_is_looked_at(api: FlaskClient, name: str) -> None:
    answer = api.post(
        f"/api/v1/actions?run_id=r&{name}=a%00b".replace("run_id=r&run_id", "run_id"), data=b'{"status":"OK"}'
    )

    assert (answer.status_code, answer.get_json()["error"]["field"]) == (400, name)


def columnar(write: Callable[[pa.Table], bytes]) -> Callable[[list[dict[str, Any]]], bytes]:
    return lambda lines: write(pa.Table.from_pylist(lines))


def as_parquet(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink)
    return sink.getvalue()


def as_arrow(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


def as_csv(lines: list[dict[str, Any]]) -> bytes:
    cells = [[str(value).replace('"', '""') for value in each.values()] for each in lines]
    rows = [",".join(lines[0]), *(",".join(f'"{cell}"' for cell in row) for row in cells)]
    return b"\xff\xfe" + "\n".join(rows).encode("utf-16-le", "surrogatepass")


WRITERS: dict[str, Callable[[list[dict[str, Any]]], bytes]] = {
    "ndjson": lambda lines: "\n".join(map(json.dumps, lines)).encode(),
    "json": lambda lines: json.dumps(lines).encode(),
    "csv": as_csv,
    "parquet": columnar(as_parquet),
    "arrow": columnar(as_arrow),
}


def test_every_format_is_tried() -> None:
    assert (WRITERS.keys(), set(PROTOCOLS)) == (FORMATS.keys(), {"rclone"})


@pytest.mark.parametrize("size", [3, MANY])
@pytest.mark.parametrize("field", ["message", "integration", "run_id"])
@pytest.mark.parametrize("name", WRITERS)
def test_a_line_with_a_zero_is_refused_alone(recorder: Recorder, name: str, field: str, size: int) -> None:
    lines = [line(status="ERROR", message="m", code="c", run_id="x") for _ in range(size)]
    lines[1][field] = "a\0b"

    receipt = recorder.record(io.BytesIO(WRITERS[name](lines)), name)

    assert (receipt.accepted, receipt.rejected) == (size - 1, 1)
    (reject,) = receipt.rejects
    assert (reject.field, reject.code) == (field, "invalid-run-id" if field == "run_id" else "invalid-text")
    assert reject.line == {"csv": 3}.get(name, 2)
    assert len(all_rows(recorder)) == size - 1


@pytest.mark.parametrize("size", [3, MANY])
@pytest.mark.parametrize("field", ["message", "integration", "run_id", "beside", "details"])
@pytest.mark.parametrize("name", ["ndjson", "json"])
def test_a_line_with_half_a_surrogate_pair_is_refused_alone(
    recorder: Recorder, name: str, field: str, size: int
) -> None:
    bad = {"text": "a\ud800b"} if field == "details" else "a\ud800b"
    lines = [line(message="m", beside="b", details={"text": "t"}) for _ in range(size)]
    lines[1][field] = bad

    receipt = recorder.record(io.BytesIO(WRITERS[name](lines)), name)

    assert (receipt.accepted, receipt.rejected) == (size - 1, 1)
    assert (receipt.rejects[0].line, receipt.rejects[0].code) == (2, "malformed-line")


@pytest.mark.parametrize("name", ["parquet", "arrow"])
def test_columns_that_are_not_utf8_are_refused(recorder: Recorder, name: str) -> None:
    offsets, text = pa.py_buffer(b"\0\0\0\0\3\0\0\0"), pa.py_buffer("\ud800".encode("utf-8", "surrogatepass"))
    broken = pa.StringArray.from_buffers(1, offsets, text)
    table = pa.table({"run_id": ["r"], "message": broken})

    with suppress(InvalidInput):
        receipt = recorder.record(io.BytesIO((as_parquet if name == "parquet" else as_arrow)(table)), name)
        assert (receipt.accepted, receipt.rejected) == (0, 1)


@pytest.mark.parametrize("size", [1, MANY])
@pytest.mark.parametrize("name", ["ndjson", "csv", "parquet"])
def test_details_in_a_text_that_utf8_cannot_hold_stay_text(recorder: Recorder, name: str, size: int) -> None:
    said = '{"a":"\\ud800"}'
    lines = [line(details=said, message="m") for _ in range(size)]

    receipt = recorder.record(io.BytesIO(WRITERS[name](lines)), name)

    assert receipt.accepted == size
    assert {row["details"] for row in all_rows(recorder)} == {json.dumps({"details": said}, separators=(",", ":"))}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
@pytest.mark.parametrize("member", ["msg", "object", "objectType", "source", "skipped", "level", "time"])
def test_what_a_log_of_rclone_says_is_cleaned(recorder: Recorder, member: str, fault: str) -> None:
    def said(**members: str) -> str:
        usual = {"level": "error", "msg": "Failed to copy: no", "object": "a.txt", "objectType": "*local.Object"}
        return json.dumps(usual | {"time": "2026-11-22T10:15:00Z"} | members)

    start = json.dumps(
        {
            "level": "debug",
            "time": "2026-11-22T10:15:00Z",
            "msg": f'Version "v1{fault}" starting with parameters ["rclone" "sync" "\\u0000a" "b\\ud800"]',
        }
    )
    text = "2026/11/22 10:15:01 ERROR : b\0.txt: Failed to copy: no\0\n2026/11/22 10:15:02 ERROR : all\0 of it\n"
    body = "\n".join([start, said(), said(**{member: f"{said()[:9]}{fault}"}), text])

    receipt = recorder.record(io.BytesIO(body.encode()), "rclone")

    assert receipt.accepted >= 2
    texts = [text for row in all_rows(recorder) for text in row.values() if isinstance(text, str)]
    assert [text for text in texts if "\0" in text] == []
    assert "b?.txt" in texts
    assert recorder.record(ndjson([line()]), "ndjson").accepted == 1


def test_who_shares_a_commit_with_what_no_table_can_hold_is_not_harmed(recorder: Recorder) -> None:
    class Bad(Reading):
        def pieces(self) -> Iterator[Piece]:
            yield [{"run_id": "bad", "message": "\ud800"}]

    def reading(kind: type[Reading]) -> Reading:
        items = FORMATS["ndjson"](ndjson([line()]))
        return kind(items, LineDefaults(), {}, received_us=1, is_protocol=False, atomic=False)

    good, bad = Submission(reading=reading(Reading)), Submission(reading=reading(Bad))
    committer = Committer(recorder.lake, recorder.index, now=recorder._now)
    committer._commit_group([bad, good])
    committer.close()

    assert good.answer().accepted == 1
    with pytest.raises(UnicodeEncodeError):
        bad.answer()


def test_bad_requests_do_not_harm_those_beside_them(api: FlaskClient) -> None:
    answers: dict[str, list[int]] = {"good": [], "bad": []}

    def send(kind: str, number: int) -> None:
        client = api.application.test_client()
        body = line(run_id=f"{kind} {number}", status="ERROR", message="m" if kind == "good" else "a\0b")
        for _ in range(10):
            answers[kind].append(client.post("/api/v1/actions", json=body).status_code)

    senders = [threading.Thread(target=send, args=(kind, number)) for kind in answers for number in range(4)]
    for each in senders:
        each.start()
    for each in senders:
        each.join()

    assert answers == {"good": [200] * 40, "bad": [422] * 40}
