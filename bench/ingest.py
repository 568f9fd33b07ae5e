"""How fast actions are acknowledged: big bodies from three senders, lone actions, 64 senders of single actions."""

import json
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bench.generate import Generator, Workload, arrow_stream, ndjson
from bench.result import Measurement, Section
from bench.sender import run_senders
from bench.server import Server, serving

REQUESTS = 20
LINES_A_REQUEST = 50_000
SENDERS = 3
LONE_ACTIONS = 2_000
CROWD = 64
CROWD_ACTIONS = 20_000


def measure(scratch: Path) -> Section:
    tables = list(Generator(Workload(actions=REQUESTS * LINES_A_REQUEST, runs=20)).tables(LINES_A_REQUEST))
    ndjson_bodies = [ndjson(table) for table in tables]
    size = len(ndjson_bodies[0]) / 1e6
    lines = _bodies(scratch / "ndjson", ndjson_bodies, "application/x-ndjson", "NDJSON lines", 550_000)
    arrow_bodies = [arrow_stream(table) for table in tables]
    rows = _bodies(scratch / "arrow", arrow_bodies, "application/vnd.apache.arrow.stream", "Arrow rows", 600_000)
    return Section(
        subject="ingest",
        title="Taking actions",
        setting=(
            f"{REQUESTS} requests of {LINES_A_REQUEST:,} actions ({size:.0f} MB as NDJSON) from {SENDERS} "
            f"senders; then requests of one action on kept-alive connections. "
            "Acknowledged means fsynced and in the index."
        ),
        measurements=(*lines, *rows, *_single_actions(scratch / "single")),
    )


def send_bodies(server: Server, bodies: Sequence[bytes], content_type: str) -> float:
    """Seconds until every body is acknowledged in full."""
    headers = {"Content-Type": content_type}

    def send(body: bytes) -> int:
        answer = server.ask("POST", "/api/v1/actions", body=body, headers=headers)
        if answer.status != 200:
            raise RuntimeError(answer.body[:2000].decode(errors="replace"))
        return int(answer.json()["accepted"])

    begun = time.perf_counter()
    with ThreadPoolExecutor(SENDERS) as senders:
        accepted = sum(senders.map(send, bodies))
    seconds = time.perf_counter() - begun
    if accepted != len(bodies) * LINES_A_REQUEST:
        raise RuntimeError(f"{accepted} actions acknowledged of {len(bodies) * LINES_A_REQUEST}")
    return seconds


def _bodies(
    data: Path, bodies: Sequence[bytes], content_type: str, name: str, target: int
) -> tuple[Measurement, Measurement]:
    with serving(data) as server:
        send_bodies(server, bodies[:SENDERS], content_type)  # the first requests pay for imports and for memory
        seconds = send_bodies(server, bodies, content_type)
        peak = server.peak_memory()
    actions = len(bodies) * LINES_A_REQUEST
    megabytes = sum(map(len, bodies)) / 1e6
    return (
        Measurement(
            name=f"{name}, {SENDERS} senders",
            value=f"{actions / seconds:,.0f}/s",
            target=f"≥ {target:,}/s",
            note=f"{actions:,} in {seconds:.1f} s, {megabytes / seconds:.0f} MB/s",
        ),
        Measurement(
            name=f"{name}, peak memory",
            value=f"{peak / 2**20:,.0f} MiB",
            target="< 668 MiB",
            note="server and its children",
        ),
    )


def _single_actions(data: Path) -> tuple[Measurement, ...]:
    with serving(data) as server:
        run = {"integration": "servicenow", "run_id": "single"}
        announced = server.ask(
            "POST", "/api/v1/runs", body=json.dumps(run).encode(), headers={"Content-Type": "application/json"}
        )
        if announced.status not in (200, 201):
            raise RuntimeError(announced.body[:2000].decode(errors="replace"))
        path = "/api/v1/runs/single/actions"
        run_senders(server.port, path, senders=1, actions=50)  # the first requests pay for imports
        lone = run_senders(server.port, path, senders=1, actions=LONE_ACTIONS)
        crowd = run_senders(server.port, path, senders=CROWD, actions=CROWD_ACTIONS)
    return (
        Measurement(
            name="one action alone, median",
            value=f"{lone.median_ms:.1f} ms",
            target="< 8 ms",
            note=f"p95 {lone.p95_ms:.1f} ms, p99 {lone.p99_ms:.1f} ms, slowest {lone.slowest_ms:.1f} ms",
        ),
        Measurement(
            name=f"single actions, {CROWD} senders",
            value=f"{crowd.acknowledged / crowd.seconds:,.0f}/s",
            target="> 3,000/s",
            note=f"median {crowd.median_ms:.0f} ms, p95 {crowd.p95_ms:.0f} ms, p99 {crowd.p99_ms:.0f} ms",
        ),
    )
