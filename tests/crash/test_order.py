"""What a kill cannot show, for the operating system goes on: an answer waits for the disk, step by step."""

import re
import shutil
import subprocess
import threading
import time
from pathlib import Path

import httpx
import pytest

from tests.live.conftest import COMMAND, environment

LINE = b'{"run_id":"live","integration":"i","operation":"UPDATE"}\n'
CALLS = "trace=mkdir,fsync,fdatasync,rename,writev"
STEPS = {
    "the folder of the day is made": r'mkdir\("[^"]*/lake/actions/[\d-]{10}"',
    "its name is on disk": r"fsync\(\d+<[^>]*/lake/actions>\) += 0",
    "the bytes are on disk": r"fsync\(\d+<[^>]*\.writing>\) += 0",
    "the batch has its name": r'rename\("[^"]*\.writing", "[^"]*\.parquet"\) += 0',
    "that is on disk": r"fsync\(\d+<[^>]*/lake/actions/[\d-]{10}>\) += 0",
    "the index is on disk": r"fdatasync\(\d+<[^>]*/index\.sqlite-wal>\) += 0",
    "the answer": r'"HTTP/1\.1 200',
}
PATIENCE_SECONDS = 60.0


def test_an_answer_comes_after_file_name_folder_and_index_are_on_disk(tmp_path: Path) -> None:
    """The first request of a lake, watched by strace, which runs beside the server as its grandchild."""
    if shutil.which("strace") is None:
        pytest.skip("no strace here to watch what is asked of the operating system")
    trace = tmp_path / "trace"
    command = ["strace", "-D", "-f", "-y", "-o", str(trace), "-e", CALLS, *COMMAND]
    command += ["--data", str(tmp_path / "data"), "serve", "--port", "0"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment()
    ) as server:
        assert server.stdout is not None
        url = server.stdout.readline().strip()
        if not url:
            pytest.skip("strace may not watch processes here")
        try:
            answer = httpx.post(
                f"{url}/api/v1/runs/live/actions",
                content=LINE,
                trust_env=False,
                timeout=60,
                headers={"Content-Type": "application/x-ndjson"},
            )
        finally:
            server.kill()  # a signal to stop may come to a thread that strace holds, and be lost
    ended = f"{server.pid} +++ killed"
    deadline = time.monotonic() + PATIENCE_SECONDS
    while ended not in (calls := re.sub(r" +", " ", trace.read_text(errors="replace"))):
        assert time.monotonic() < deadline, "strace has not seen the server end"
        threading.Event().wait(0.01)

    assert answer.status_code == 200
    begun = re.search(STEPS["the folder of the day is made"], calls)
    assert begun is not None
    done = {name: re.search(step, calls[begun.start() :]) for name, step in STEPS.items()}
    places = {name: match.start() for name, match in done.items() if match is not None}
    assert sorted(places, key=places.__getitem__) == list(STEPS)
