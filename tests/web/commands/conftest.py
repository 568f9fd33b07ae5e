import os
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from web.cli import main

LINES = b"""{"run_id":"nightly","integration":"servicenow","operation":"UPDATE","status":"OK","source_id":"a1"}
{"run_id":"nightly","integration":"servicenow","status":"ERROR","source_id":"a2","message":"No permission on 4711"}
"""

Synclog = Callable[..., Result]


@pytest.fixture
def synclog(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Synclog:
    """The command, working in an empty folder without settings of the surroundings."""
    for name in [name for name in os.environ if name.startswith("SYNCLOG_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str, stdin: bytes | None = None) -> Result:
        return CliRunner().invoke(main, arguments, input=stdin, prog_name="synclog")

    return run


@pytest.fixture
def nightly(synclog: Synclog, tmp_path: Path) -> Synclog:
    """The command, over a data folder with one run that had an error."""
    (tmp_path / "nightly.ndjson").write_bytes(LINES)
    assert synclog("upload", "nightly.ndjson").exit_code == 0
    return synclog
