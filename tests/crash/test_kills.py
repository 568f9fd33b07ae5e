"""The short form of the laboratory: every point once, some random kills. The long one is ``make crash``."""

import random
from pathlib import Path

import httpx
import pytest

from ingest.fault_points import FaultPoint
from tests.crash import plan
from tests.crash.laboratory import Laboratory, entry_of
from tests.crash.senders import HOST, NDJSON

SEED = 20_260_601


@pytest.mark.timeout(300)
def test_nothing_acknowledged_is_lost_or_doubled_by_a_kill(tmp_path: Path) -> None:
    """What is asked of processes is the same every time; what else they do at that moment is not."""
    print(f"seed {SEED}")
    lives = plan.short(random.Random(SEED), at_random=4)

    findings = Laboratory(data=tmp_path / "lab" / "data").run(lives)

    assert (findings.faults, findings.missed) == ([], [])
    assert {kill.point for kill, _ in findings.kills} >= {point for points in plan.POINTS.values() for point in points}


def test_what_a_dying_server_sealed_and_another_was_sent_again_counts_once(tmp_path: Path) -> None:
    """The other cannot know of the batch: its writer has not told the index. Nobody was told of it either."""
    laboratory = Laboratory(data=tmp_path / "lab" / "data")
    dying = plan.Kill(victim=plan.Victim.SERVER, point=FaultPoint.SEALED)
    with laboratory.server() as (_, port), laboratory.server(*entry_of(dying)) as (_, dying_port):
        with pytest.raises(httpx.TransportError):
            send_with_key(dying_port)
        assert send_with_key(port).json()["accepted"] == 1

    with laboratory.server() as (_, port):
        run = httpx.get(f"http://{HOST}:{port}/api/v1/runs/live", trust_env=False).json()

    assert run["processed"] == laboratory.reader.read().rows["live"] == 1
    assert len(list((laboratory.data / "lake" / "aside").glob("*.parquet"))) == 1
    assert laboratory.findings.faults == []


def send_with_key(port: int) -> httpx.Response:
    body = b'{"run_id":"live","integration":"crash","operation":"UPDATE","source_id":"1"}\n'
    headers = NDJSON | {"Idempotency-Key": "k"}
    url = f"http://{HOST}:{port}/api/v1/actions"
    return httpx.post(url, content=body, headers=headers, trust_env=False, timeout=60)
