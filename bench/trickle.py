"""A day of small requests, as fast as they go, with compaction beside them: files, bytes written twice, pages.

The clock is that of the day played, so batches get the ids and folders they would have had. The requests are recorded
in this process, each alone, so none shares a batch; a real server over the same folder compacts and answers pages.
"""

import io
import os
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa

from bench.asking import page_milliseconds
from bench.generate import RECORDS_A_WRITE, Generator, Workload, ndjson
from bench.result import Measurement, Section
from bench.server import Server, serving
from bench.world import compact, count_live
from ingest.recorder import Recorder

REQUESTS_A_SECOND = 20
REQUESTS = 24 * 3600 * REQUESTS_A_SECOND
ACTIONS_A_REQUEST = 5
RUNS = 24
LOOKS = 10
TIMES = 20
MAINTAIN_SECONDS = 1  # on the clock on the wall, which is the slower one


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """The data folder at one time of the day: pages in milliseconds, bytes the server has written so far."""

    played: timedelta
    files: int
    live: int
    pages: dict[str, float]
    written: int


class Sender:
    """Records one small request after the other, at the time of day it stands for."""

    def __init__(self, data: Path, *, begins_at: datetime) -> None:
        self._now = begins_at
        self._recorder = Recorder.open(data, now=lambda: self._now)
        self.written = 0
        self.taken: list[float] = []  # seconds of each request

    def send(self, actions: pa.Table) -> None:
        for first in range(0, actions.num_rows, ACTIONS_A_REQUEST):
            body = io.BytesIO(ndjson(actions.slice(first, ACTIONS_A_REQUEST)))
            begun = time.perf_counter()
            receipt = self._recorder.record(body, "ndjson")
            self.taken.append(time.perf_counter() - begun)
            assert receipt.batch_id is not None, "a request with actions has a batch"
            self.written += self._recorder.lake.path_of("actions", receipt.batch_id).stat().st_size
            self._now += timedelta(seconds=1 / REQUESTS_A_SECOND)

    def close(self) -> None:
        self._recorder.close()


def measure(scratch: Path, requests: int = REQUESTS) -> Section:
    data = scratch / "data"
    played = timedelta(seconds=requests / REQUESTS_A_SECOND)
    workload = Workload(actions=requests * ACTIONS_A_REQUEST, runs=RUNS)
    looks = []
    begun = time.perf_counter()
    with serving(data, environment={"SYNCLOG_MAINTAIN_SECONDS": str(MAINTAIN_SECONDS)}) as server:
        sender = Sender(data, begins_at=datetime.now(UTC) - played)
        try:
            for part, table in enumerate(_parts(workload), start=1):
                sender.send(table)
                run_id = table["run_id"][-1].as_py()
                looks.append(_look(data, server, run_id=run_id, played=played * part / LOOKS))
        finally:
            sender.close()
    seconds = time.perf_counter() - begun
    compact(data)
    return Section(
        subject="trickle",
        title="A day of small requests",
        setting=(
            f"{requests:,} requests of {ACTIONS_A_REQUEST} actions as NDJSON, each a batch of its own: "
            f"{_hours(played)} of {REQUESTS_A_SECOND} a second, written one after the other by one process as fast as "
            f"it goes, in {seconds:,.0f} s. A server over the same folder compacts and answers pages; the grace time "
            f"of replaced files is that of the clock on the wall, so more of them are there than on a real day. Time "
            f"of pages in the server, median of {TIMES}, while it may be compacting; one run is the newest."
        ),
        measurements=(
            *_compare_pages(looks[0], looks[-1]),
            *_describe_writing(sender, looks[-1]),
            *map(_describe, looks),
            Measurement(name="batches after `synclog compact`", value=f"{count_live(data):,}"),
        ),
    )


def _parts(workload: Workload) -> Iterator[pa.Table]:
    """The workload as one table for each look; none ends within a request."""
    requests = -(-workload.actions // ACTIONS_A_REQUEST)
    rows, generator = -(-requests // LOOKS) * ACTIONS_A_REQUEST, Generator(workload)
    for first in range(0, workload.actions, rows):
        end = min(first + rows, workload.actions)
        pieces = range(first, end, RECORDS_A_WRITE)
        yield pa.concat_tables([generator.table(at, min(RECORDS_A_WRITE, end - at)) for at in pieces])


def _look(data: Path, server: Server, *, run_id: str, played: timedelta) -> Look:
    paths = {
        "run list": "/runs",
        "one run": f"/runs/{run_id}",
        "one run's first errors as JSON": f"/api/v1/runs/{run_id}/actions?status=ERROR&limit=50",
    }
    return Look(
        played=played,
        files=sum(len(names) for _, _, names in os.walk(data / "lake")),
        live=count_live(data),
        pages={
            name: statistics.median(page_milliseconds(server, path) for _ in range(TIMES))
            for name, path in paths.items()
        },
        written=server.written(),
    )


def _compare_pages(start: Look, end: Look) -> list[Measurement]:
    return [
        Measurement(
            name=f"{name}, at the end",
            value=f"{end.pages[name]:.1f} ms",
            note=f"{start.pages[name]:.1f} ms after {_hours(start.played)}: ratio {end.pages[name] / taken:.2f}",
        )
        for name, taken in start.pages.items()
    ]


def _describe_writing(sender: Sender, end: Look) -> list[Measurement]:
    return [
        Measurement(
            name="write amplification",
            value=f"{end.written / sender.written:.2f}",
            note=(
                f"{end.written / 2**20:,.1f} MiB written by the server and its compaction, index database included, "
                f"for {sender.written / 2**20:,.1f} MiB of small batches"
            ),
        ),
        Measurement(
            name="one request, median",
            value=f"{statistics.median(sender.taken) * 1000:.1f} ms",
            note=(
                f"slowest {max(sender.taken) * 1000:,.0f} ms; {len(sender.taken) / sum(sender.taken):,.0f}/s beside "
                "compaction"
            ),
        ),
    ]


def _describe(look: Look) -> Measurement:
    return Measurement(
        name=f"batches after {_hours(look.played)}",
        value=f"{look.live:,}",
        note=(
            f"{look.files:,} files in the lake; run list {look.pages['run list']:.1f} ms, one run "
            f"{look.pages['one run']:.1f} ms"
        ),
    )


def _hours(played: timedelta) -> str:
    return f"{played / timedelta(hours=1):.3g} h"
