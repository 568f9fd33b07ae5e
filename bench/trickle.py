"""A day of small requests, as fast as they go, with compaction beside them: files, bytes written twice, pages.

The clock is that of the day played, so batches get the ids and folders they would have had. The requests are recorded
by processes of their own, each alone, so none shares a batch; a real server over the same folder compacts and answers
pages.
"""

import io
import os
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from pathlib import Path

from bench.asking import page_milliseconds
from bench.generate import RECORDS_A_WRITE, Generator, Workload, ndjson
from bench.machine import file_system_of
from bench.result import Measurement, Section
from bench.server import Server, serving
from bench.world import compact, count_live
from ingest.recorder import Recorder

REQUESTS_A_SECOND = 20
REQUESTS = 24 * 3600 * REQUESTS_A_SECOND
ACTIONS_A_REQUEST = 5
RUNS = 24
SENDERS = 2
NICENESS = 10
"""That of compaction, which would come last where senders keep all cores busy: twenty requests a second never do."""
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """The requests of a day that one of the senders sends: every SENDERS th of some, at the time each stands for."""

    data: Path
    workload: Workload
    begins_at: datetime
    requests: range

    def all(self) -> "Sent":
        """Send them, one after the other, in a process that gives way as the one does that compacts."""
        os.setpriority(os.PRIO_PROCESS, 0, NICENESS)
        now = self.begins_at
        taken, written = [], 0
        with closing(Recorder.open(self.data, now=lambda: now)) as recorder:
            for number, body in self._bodies():
                now = self.begins_at + timedelta(seconds=number / REQUESTS_A_SECOND)
                begun = time.perf_counter()
                receipt = recorder.record(io.BytesIO(body), "ndjson")
                taken.append(time.perf_counter() - begun)
                assert receipt.batch_id is not None, "a request with actions has a batch"
                written += recorder.lake.path_of("actions", receipt.batch_id).stat().st_size
        return Sent(taken=taken, written=written)

    def _bodies(self) -> Iterator[tuple[int, bytes]]:
        """The number of each request and its lines, those of some thousand made at once."""
        generator, step = Generator(self.workload), RECORDS_A_WRITE // ACTIONS_A_REQUEST * self.requests.step
        for first in range(self.requests.start, self.requests.stop, step):
            end = min(first + step, self.requests.stop)
            lines = ndjson(generator.table(first * ACTIONS_A_REQUEST, (end - first) * ACTIONS_A_REQUEST)).splitlines(
                keepends=True
            )
            for number in range(first, end, self.requests.step):
                place = (number - first) * ACTIONS_A_REQUEST
                yield number, b"".join(lines[place : place + ACTIONS_A_REQUEST])


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What came of it: seconds of each request, and bytes of the small batches."""

    taken: list[float]
    written: int


def measure(scratch: Path, requests: int = REQUESTS) -> Section:
    data = scratch / "data"
    played = timedelta(seconds=requests / REQUESTS_A_SECOND)
    workload = Workload(actions=requests * ACTIONS_A_REQUEST, runs=RUNS)
    begins_at = datetime.now(UTC) - played
    looks, sent, seconds = [], [], 0.0
    with (
        serving(data, environment={"SYNCLOG_MAINTAIN_SECONDS": str(MAINTAIN_SECONDS)}) as server,
        ProcessPoolExecutor(SENDERS, mp_context=get_context("spawn")) as senders,
    ):
        for part in range(LOOKS):
            first, end = requests * part // LOOKS, requests * (part + 1) // LOOKS
            shares = [range(first + sender, end, SENDERS) for sender in range(SENDERS)]
            begun = time.perf_counter()
            sent += senders.map(
                Sending.all,
                [Sending(data=data, workload=workload, begins_at=begins_at, requests=share) for share in shares],
            )
            seconds += time.perf_counter() - begun
            run_id = workload.run_id((end * ACTIONS_A_REQUEST - 1) * RUNS // workload.actions)
            looks.append(_look(data, server, run_id=run_id, played=played * (part + 1) / LOOKS))
            shown = _describe(looks[-1])
            print(f"{shown.name}: {shown.value}; {shown.note}", file=sys.stderr)  # should it not come to its end
    compact(data)
    return Section(
        subject="trickle",
        title="A day of small requests",
        setting=(
            f"{requests:,} requests of {ACTIONS_A_REQUEST} actions as NDJSON, each a batch of its own: "
            f"{_hours(played)} of {REQUESTS_A_SECOND} a second, written to {file_system_of(scratch)} by {SENDERS} "
            f"processes as fast as it goes, in {seconds:,.0f} s. A server over the same folder compacts and answers "
            "pages; the grace time of replaced files is that of the clock on the wall, so more of them are there than "
            f"on a real day. Time of pages in the server, median of {TIMES}, while it may be compacting; the "
            f"run list has {RUNS} runs at the end, a tenth of them at first; one run is the newest."
        ),
        measurements=(
            *_compare_pages(looks[0], looks[-1]),
            *_describe_writing(sent, seconds, looks[-1]),
            *map(_describe, looks),
            Measurement(name="batches after `synclog compact`", value=f"{count_live(data):,}"),
        ),
    )


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


def _describe_writing(sent: Sequence[Sent], seconds: float, end: Look) -> list[Measurement]:
    written = sum(each.written for each in sent)
    taken = [request for each in sent for request in each.taken]
    return [
        Measurement(
            name="write amplification",
            value=f"{(written + end.written) / written:.2f}",
            note=(
                f"{written / 2**20:,.1f} MiB of small batches, and {end.written / 2**20:,.1f} MiB written by the "
                "server and its compaction, index database included"
            ),
        ),
        Measurement(
            name="one request, median",
            value=f"{statistics.median(taken) * 1000:.1f} ms",
            note=f"slowest {max(taken) * 1000:,.0f} ms; {len(taken) / seconds:,.0f}/s beside compaction",
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
