"""One action log of 1,402 rows, as pandas, polars, pyarrow and DuckDB write it unless told otherwise."""

import io
import json
from collections import Counter
from datetime import datetime, timedelta

import pytest

from ingest.formats.decompress import decompress
from ingest.formats.detect import detect_input
from ingest.recorder import Recorder
from tests.builders import all_rows
from tests.formats.blocks import DATA

FOLDER = DATA / "columnar-writers"
TRUTH = json.loads((FOLDER / "TRUTH.json").read_text())
FILES = sorted(path for path in FOLDER.iterdir() if path.suffix not in (".md",) and path.name != "TRUTH.json")
MILLISECONDS_ONLY = ("pandas-records.ndjson", "pandas-array.json")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_default_output_of_a_writer_is_recorded_as_it_is(path, recorder: Recorder) -> None:  # type: ignore[no-untyped-def]
    body = decompress(io.BytesIO(path.read_bytes()), "auto").read()

    receipt = recorder.record(io.BytesIO(body), detect_input(body, path.name))

    rows = all_rows(recorder)
    assert (receipt.accepted, receipt.rejected) == (TRUTH["rows"], 0)
    assert Counter(f"{row['operation']}/{row['status']}" for row in rows) == TRUTH["by_op_status"]
    assert Counter(row["run_id"] for row in rows) == TRUTH["by_run"]
    precision = timedelta(milliseconds=1 if path.name in MILLISECONDS_ONLY else 0)
    times = [row["happened_at"] for row in rows]
    assert abs(min(times) - datetime.fromisoformat(TRUTH["min_ts"])) <= precision
    assert abs(max(times) - datetime.fromisoformat(TRUTH["max_ts"])) <= precision
    assert {(row["integration"], row["source_type"], row["target_type"]) for row in rows} == {
        ("rclone-docs", "src", "dst")
    }
    assert {row["details"] for row in rows} == {None}
