"""WSGI servers compared on what synclog asks of one: 20 MB bodies and 64 senders of single actions."""

import statistics
import sys
from pathlib import Path

from bench.generate import Generator, Workload, ndjson
from bench.result import Measurement, Section
from bench.sender import run_senders
from bench.server import HOST, Server, free_port, start_command

LINES = 42_000  # about 20 MB
BODIES = 10
CROWD = 64
CROWD_ACTIONS = 10_000
APPLICATION = "bench.wsgi_entry:application"


def measure(scratch: Path) -> Section:
    tables = Generator(Workload(actions=BODIES * LINES, runs=10)).tables(LINES)
    bodies = [ndjson(table) for table in tables]
    measurements: list[Measurement] = []
    for name, command in _commands().items():
        measurements += _measure_server(name, command, bodies, scratch / name.split()[0])
    return Section(
        subject="servers",
        title="WSGI servers",
        setting=(
            f"The same application, one process with {CROWD} threads: bodies of {len(bodies[0]) / 1e6:.0f} MB one "
            f"after the other, then {CROWD} senders of single actions on kept-alive connections."
        ),
        measurements=tuple(measurements),
    )


def _commands() -> dict[str, list[str]]:
    """Each server's command; PORT stands for the port."""
    python = [sys.executable, "-m"]
    granian = ["granian", "--interface", "wsgi", "--host", HOST, "--port", "PORT", "--workers", "1"]
    gunicorn = [
        "gunicorn",
        "--no-control-socket",
        "--worker-class",
        "gthread",
        "--threads",
        str(CROWD),
        "--bind",
        f"{HOST}:PORT",
    ]
    waitress = ["waitress", f"--listen={HOST}:PORT", f"--threads={CROWD}", "--max-request-body-size=268435456"]
    return {
        "granian": [*python, *granian, "--blocking-threads", str(CROWD), "--no-ws", APPLICATION],
        "gunicorn gthread": [*python, *gunicorn, "--workers", "1", "--keep-alive", "30", APPLICATION],
        "waitress": [*python, *waitress, "--connection-limit=1000", APPLICATION],
    }


def _measure_server(name: str, command: list[str], bodies: list[bytes], data: Path) -> list[Measurement]:
    port = free_port()
    told = [part.replace("PORT", str(port)) for part in command]
    server = start_command(told, port=port, log=data.with_suffix(".log"), environment={"BENCH_DATA": str(data)})
    try:
        seconds = statistics.median([_send(server, body) for body in bodies])
        run_senders(port, "/api/v1/runs/single/actions?integration=bench", senders=1, actions=50)
        crowd = run_senders(port, "/api/v1/runs/single/actions?integration=bench", senders=CROWD, actions=CROWD_ACTIONS)
        peak = server.peak_memory()
    finally:
        server.stop()
    return [
        Measurement(
            name=f"{name}: one body of {len(bodies[0]) / 1e6:.0f} MB",
            value=f"{seconds * 1000:,.0f} ms",
            note=f"{LINES / seconds:,.0f} lines/s, median of {len(bodies)}",
        ),
        Measurement(
            name=f"{name}: single actions, {CROWD} senders",
            value=f"{crowd.acknowledged / crowd.seconds:,.0f}/s",
            note=f"median {crowd.median_ms:.0f} ms, p99 {crowd.p99_ms:.0f} ms; peak memory {peak / 2**20:,.0f} MiB",
        ),
    ]


def _send(server: Server, body: bytes) -> float:
    answer = server.ask("POST", "/api/v1/actions", body=body, headers={"Content-Type": "application/x-ndjson"})
    if answer.status != 200:
        raise RuntimeError(answer.body[:2000].decode(errors="replace"))
    return answer.seconds
