"""Lakes of any size, written in this process by the real recorder."""

import io
from pathlib import Path

from bench.generate import Generator, Workload, arrow_stream
from ingest.recorder import Recorder


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
