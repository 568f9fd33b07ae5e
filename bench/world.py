"""Lakes of any size, written in this process by the real recorder, and what they take on disk."""

import io
import subprocess
from dataclasses import dataclass
from pathlib import Path

from bench.generate import Generator, Workload, arrow_stream
from bench.server import synclog
from ingest.index import Index
from ingest.lake import SEALED
from ingest.recorder import Recorder


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """Bytes of a data folder by what they are for; ``beside`` is what helps to find things in the batches."""

    batches: int
    beside: int
    database: int

    @property
    def all(self) -> int:
        return self.batches + self.beside + self.database


def write_lake(data: Path, workload: Workload, *, batches: int) -> None:
    """Fills a data folder with the workload, cut into so many batches."""
    rows = -(-workload.actions // batches)
    recorder = Recorder.open(data)
    try:
        for table in Generator(workload).tables(rows):
            receipt = recorder.record(io.BytesIO(arrow_stream(table)), "arrow")
            if receipt.accepted != table.num_rows:
                raise RuntimeError(f"{receipt.accepted} of {table.num_rows} accepted: {receipt.rejects[:1]}")
    finally:
        recorder.close()


def compact(data: Path) -> None:
    """``synclog compact`` from start to end of its process; nobody reads meanwhile, so there is no grace."""
    run_command(data, "compact", "--grace", "0")


def run_command(data: Path, *words: str) -> None:
    """A command over this data folder. Raises RuntimeError with its last words."""
    done = subprocess.run([synclog(), "--data", str(data), *words], capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise RuntimeError(f"synclog {words[0]} ended with {done.returncode}: {' '.join(said[-3:])}")


def count_live(data: Path) -> int:
    """How many batches hold the actions."""
    index = Index(f"sqlite:///{data / 'index.sqlite'}")
    try:
        return len(index.list_live("actions"))
    finally:
        index.close()


def stored(data: Path) -> Stored:
    """What the data folder takes on disk now."""
    sizes = dict.fromkeys(("batches", "beside", "database"), 0)
    for path in filter(Path.is_file, data.rglob("*")):
        purpose = "database" if ".sqlite" in path.name else "batches" if path.suffix == SEALED else "beside"
        sizes[purpose] += path.stat().st_size
    return Stored(**sizes)
