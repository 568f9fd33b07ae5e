import gzip
import io
import json
from pathlib import Path

import pytest

from ingest.recorder import Recorder
from query.lake_view import LakeView
from query.runs import get_run

MID = Path(__file__).parents[1] / "data" / "rclone" / "mid"
TRUTH = json.loads((MID / "TRUTH.json").read_text())


@pytest.mark.parametrize("name", ["run1", "run2", "run3"])
def test_a_recorded_run_has_the_counts_of_the_file_system(name: str, recorder: Recorder) -> None:
    body = io.BytesIO(gzip.decompress((MID / f"{name}.ndjson.gz").read_bytes()))
    receipt = recorder.record(body, "rclone")
    view = LakeView(recorder.lake, recorder.index)

    counts = get_run(view, receipt.runs[0].run_id).counts.as_dict()
    view.close()

    known = {key.replace("/", "_").lower(): count for key, count in TRUTH[name].items() if "/" in key}
    assert {key: count for key, count in counts.items() if count} == known
