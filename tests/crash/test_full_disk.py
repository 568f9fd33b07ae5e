"""A disk that gets full under load, and a server killed while it is: nothing acknowledged is lost, room heals it."""

import random
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.crash import plan
from tests.crash.laboratory import Laboratory
from tests.crash.small_disk import NoSmallDisk, fill, make_room, small_disk
from tests.live.conftest import serving

SEED = 20_260_601
NDJSON = {"Content-Type": "application/x-ndjson"}
LINE = b'{"run_id":"live","integration":"i","operation":"UPDATE"}\n'


@pytest.fixture
def disk(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """A folder on a file system of so many megabytes."""
    try:
        with small_disk(tmp_path / "disk", megabytes=request.param) as folder:
            yield folder
    except NoSmallDisk as error:
        pytest.skip(str(error))


def send(http: httpx.Client, lines: int = 1, **headers: str) -> httpx.Response:
    return http.post("/api/v1/actions", content=LINE * lines, headers={**NDJSON, **headers})


def files_of_lake(data: Path) -> list[str]:
    return sorted(path.name for path in (data / "lake").rglob("*") if path.is_file() and path.name != "format.json")


@pytest.mark.parametrize("disk", [8], indirect=True)
def test_a_full_disk_refuses_cleanly_is_read_and_recovers_by_itself(disk: Path) -> None:
    ballast = disk / "ballast"
    with serving(disk / "data") as server, httpx.Client(base_url=server.url, trust_env=False) as http:
        assert send(http).is_success
        before = files_of_lake(server.data)
        fill(ballast)

        for size in (0, 8192, 16384):  # with some room the batch is sealed, and the index is what fails
            make_room(ballast, size)
            for lines in (1, 3000):
                refused = send(http, lines, **{"Idempotency-Key": f"k{lines}"})
                assert (refused.status_code, refused.json()["error"]["code"]) == (503, "lake-unavailable")
                assert 1 <= int(refused.headers["Retry-After"]) <= 5
            assert http.post("/api/v1/runs", json={"integration": "i", "run_id": "new"}).status_code == 503
        assert files_of_lake(server.data) == before
        for path in ("/runs", "/runs/live", "/api/v1/runs/live/actions", "/healthz", "/metrics"):
            assert http.get(path).is_success, path
        assert http.get("/api/v1/runs/new").status_code == 404

        ballast.unlink()
        answers = [send(http, lines, **{"Idempotency-Key": f"k{lines}"}) for lines in (1, 3000)]

        assert [(answer.status_code, "Synclog-Repeated" in answer.headers) for answer in answers] == [(200, False)] * 2
        assert http.get("/api/v1/runs/live").json()["processed"] == 3002
        assert http.get("/api/v1/runs/new").status_code == 404


@pytest.mark.timeout(300)
@pytest.mark.parametrize("disk", [64], indirect=True)
def test_nothing_acknowledged_is_lost_or_doubled_by_a_kill_on_a_full_disk(disk: Path) -> None:
    print(f"seed {SEED}")
    lives = plan.full_disk(random.Random(SEED), 2)

    laboratory = Laboratory(data=disk / "data")
    findings = laboratory.run(lives)

    assert findings.faults == []
    assert len(findings.kills) == len(lives)
    assert sum(sender.put_off for sender in laboratory.senders) > 0
