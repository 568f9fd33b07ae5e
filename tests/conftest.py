from collections.abc import Iterator
from pathlib import Path

import pytest

from ingest.recorder import Recorder


@pytest.fixture
def recorder(tmp_path: Path) -> Iterator[Recorder]:
    recorder = Recorder.open(tmp_path / "data")
    yield recorder
    recorder.close()
