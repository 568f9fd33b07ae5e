"""What a report of a run with a million actions costs the process that makes it."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from bench.generate import Workload
from bench.result import Measurement, Section
from bench.server import synclog
from bench.world import write_lake

MILLION = Workload(actions=1_000_000, runs=1)
THOUSAND = Workload(actions=1_000, runs=1)

# The peak the kernel reports of a child begins with that of its parent, so the parent is a small process of its own.
WATCH = """
import json, resource, subprocess, sys, time
begun = time.perf_counter()
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
print(json.dumps([time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss]))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """One report: seconds of its process from start to end, bytes of memory at the peak, bytes of the file."""

    seconds: float
    peak: int
    size: int


def measure(scratch: Path) -> Section:
    write_lake(scratch / "million", MILLION, batches=20)
    write_lake(scratch / "thousand", THOUSAND, batches=1)
    measurements = []
    for kind in ("pdf", "html"):
        many = make_report(scratch / "million", MILLION.run_id(0), kind)
        few = make_report(scratch / "thousand", THOUSAND.run_id(0), kind)
        measurements += [
            Measurement(
                name=f"{kind.upper()} of 1,000,000 actions",
                value=f"{many.seconds:.1f} s",
                note=(
                    f"{few.seconds:.1f} s with 1,000 actions: ratio {many.seconds / few.seconds:.2f}; "
                    f"file of {many.size / 1024:,.0f} KiB"
                ),
            ),
            Measurement(
                name=f"{kind.upper()}, peak memory",
                value=f"{many.peak / 2**20:,.0f} MiB",
                note=f"{few.peak / 2**20:,.0f} MiB with 1,000 actions",
            ),
        ]
    return Section(
        subject="report",
        title="Reports",
        setting="`synclog report RUN_ID -o FILE` from start to end of its process; 1,000,000 actions in 20 batches.",
        measurements=tuple(measurements),
    )


def make_report(data: Path, run_id: str, kind: str) -> Made:
    target = data.with_suffix(f".{kind}")
    command = [synclog(), "--data", str(data), "report", run_id, "-o", str(target), "--format", kind]
    done = subprocess.run([sys.executable, "-c", WATCH, *command], check=True, stdout=subprocess.PIPE, timeout=600)
    seconds, peak_kib = json.loads(done.stdout)
    return Made(seconds=seconds, peak=peak_kib * 1024, size=target.stat().st_size)
