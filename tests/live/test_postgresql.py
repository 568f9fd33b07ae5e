"""An index and a control database in PostgreSQL say what SQLite says of the same lake."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from ingest.care import verify
from ingest.index_tables import metadata
from ingest.recorder import Recorder, RunAnnouncement, RunChange
from query.compare import find_last_ok
from query.recent_runs import list_runs_like
from query.run_history import get_run_history
from query.run_order import RUN_SORTS
from query.runs import RunFilter, get_run, list_facets
from tests.builders import line, ndjson
from tests.live.postgresql import serving_postgresql
from web.app import create_app
from web.settings import Settings
from web.workspace import Workspace, open_workspace

LOGS = Path(__file__).parents[1] / "data" / "rclone"

ADDRESSES = (
    "/runs.json",
    *(f"/api/v1/runs?sort={sign}{sort}" for sort in RUN_SORTS for sign in ("", "-")),
    "/api/v1/runs?status=ERROR&integration=rclone",
    "/api/v1/runs?q=night&since=2020-01-01T00:00:00Z&limit=2",
    "/api/v1/runs?errors_min=1&processed_max=9&longer_than=0",
    "/api/v1/overview",
    "/api/v1/problems",
    "/problems.json?state=",
    "/api/v1/runs/nightly-1/problems",
    "/api/v1/rejects",
    "/api/v1/actions?q=error&match=substring",
    "/api/v1/runs/nightly-1",
    "/api/v1/runs/nightly-1/actions?status=ERROR",
    "/api/v1/compare?a=nightly-1&b=nightly-2",
    "/api/v1/records/-/a1",
)


@pytest.fixture(scope="module")
def postgresql() -> Iterator[str]:
    with serving_postgresql() as url:
        yield url


@pytest.fixture
def database(postgresql: str) -> str:
    return emptied(postgresql)


def emptied(url: str) -> str:
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql("drop schema public cascade")
        connection.exec_driver_sql("create schema public")
    engine.dispose()
    return url


def record_some_nights(recorder: Recorder) -> None:
    for night in range(3):
        run_id = f"nightly-{night}"
        recorder.announce_run(RunAnnouncement(run_id=run_id, integration="servicenow", configuration="prod"))
        statuses = ("OK", "ERROR", "WARNING", "OK")
        recorder.record(
            ndjson(
                line(run_id=run_id, source_id=f"a{place}", status=status, message=f"said {status} {night}")
                for place, status in enumerate(statuses)
            ),
            "ndjson",
            idempotency_key=run_id,
        )
        recorder.change_run(run_id, RunChange(message="over"))
    recorder.record(ndjson(['{"run_id":"nightly-0","status":"no status"}', line(run_id="unannounced")]), "ndjson")
    for log in sorted(LOGS.glob("*_json.log"))[:3]:
        with log.open("rb") as body:
            recorder.record(body, "rclone")


def compact(recorder: Recorder) -> None:
    compactor = recorder.compactor()
    assert compactor.lead()
    assert list(compactor.compact(everything=True))
    compactor.resign()


def tables(recorder: Recorder) -> dict[str, list[tuple[object, ...]]]:
    """What the index knows, but for whose turn it is and when batches were replaced."""
    known = [table for table in metadata.sorted_tables if table.name not in ("leases", "replaced")]
    with recorder.index.engine.connect() as connection:
        return {table.name: sorted(map(tuple, connection.execute(sa.select(table))), key=repr) for table in known}


def test_an_index_in_postgresql_is_the_same(database: str, tmp_path: Path) -> None:
    recorder = Recorder.open(tmp_path, index_url=database)
    record_some_nights(recorder)
    compact(recorder)
    assert recorder.record(ndjson([line(run_id="nightly-1")]), "ndjson", idempotency_key="other").accepted == 1
    kept = tables(recorder)
    assert verify(recorder) == []

    recorder.reindex()
    again = tables(recorder)
    recorder.close()
    sqlite = Recorder.open(tmp_path)
    beside = tables(sqlite)
    sqlite.close()

    assert {name: rows for name, rows in again.items() if name != "batches"} == {
        name: rows for name, rows in beside.items() if name != "batches"
    }
    assert again["runs"] == kept["runs"]


@pytest.mark.parametrize("address", ADDRESSES)
def test_every_answer_is_the_same(answers: tuple[FlaskClient, FlaskClient], address: str) -> None:
    in_sqlite, in_postgresql = (client.get(address) for client in answers)

    assert (in_sqlite.status_code, in_postgresql.status_code) == (200, 200)
    told = json.loads(in_sqlite.data)
    assert json.loads(in_postgresql.data) == told
    assert told.get("items", told)


def test_what_pages_ask_is_the_same(answers: tuple[FlaskClient, FlaskClient]) -> None:
    here, there = (client.application.extensions["workspace"].view for client in answers)
    run = get_run(here, "nightly-2")

    histories = [get_run_history(view, RunFilter()) for view in (here, there)]

    assert histories[0] == histories[1]
    assert sum(bucket.runs for bucket in histories[0].buckets) > 3
    assert list_runs_like(here, run, most=9) == list_runs_like(there, run, most=9)
    assert list_facets(here) == list_facets(there)
    assert find_last_ok(here, run) == find_last_ok(there, run)


@pytest.fixture(scope="module")
def answers(postgresql: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[FlaskClient, FlaskClient]]:
    data, url = tmp_path_factory.mktemp("data"), emptied(postgresql)
    with open_workspace(Settings(data=data)) as here:
        record_some_nights(here.recorder)
        with open_workspace(Settings(data=data, index_url=url, control_url=url)) as there:
            there.recorder.reindex()
            yield client_of(here), client_of(there)


def client_of(workspace: Workspace) -> FlaskClient:
    return create_app(workspace).test_client()


def test_two_recorders_that_write_at_once_lose_nothing(database: str, tmp_path: Path) -> None:
    recorders = [Recorder.open(tmp_path, index_url=database) for _ in range(2)]

    def send(number: int) -> int:
        body = ndjson([line(run_id=f"run {number % 3}", source_id=str(number))])
        return recorders[number % 2].record(body, "ndjson", idempotency_key=str(number // 2)).accepted

    with ThreadPoolExecutor(8) as threads:
        accepted = list(threads.map(send, range(0, 80, 2)))
    counted = [recorders[0].index.find_run(f"run {number}") for number in range(3)]
    for recorder in recorders:
        recorder.close()

    assert accepted == [1] * 40
    assert sum(run["update_ok"] for run in counted if run) == 40
