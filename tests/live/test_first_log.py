"""What the empty pages tell people to type, typed."""

import re
import shlex
import shutil
import subprocess
import sys
from html import unescape
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.live.conftest import COMMAND, ROOT, Server, environment


def shown(http: httpx.Client, name: str) -> str:
    """A snippet of the empty overview as somebody copies it."""
    found = re.search(rf'<code class="first-log-{name}">(.*?)</code>', http.get("/").text, re.DOTALL)
    assert found is not None
    return unescape(found[1])


def run(words: list[str], folder: Path) -> None:
    alone = {**environment(), "no_proxy": "127.0.0.1"}
    done = subprocess.run(words, cwd=folder, env=alone, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def runs(http: httpx.Client) -> list[tuple[Any, ...]]:
    return [
        (
            each["integration"],
            each["configuration"],
            each["progress"],
            each["status"],
            each["processed"],
            each["errors"],
        )
        for each in http.get("/api/v1/runs").json()["items"]
    ]


def test_curl_records_a_first_log(http: httpx.Client, tmp_path: Path) -> None:
    if shutil.which("curl") is None:
        pytest.skip("there is no curl")

    run(["bash", "-c", shown(http, "curl")], tmp_path)

    assert runs(http) == [("demo", None, "RUNNING", "OK", 1, 0)]
    assert "Nothing recorded yet" not in http.get("/").text


def test_python_records_a_first_log(http: httpx.Client, tmp_path: Path) -> None:
    (tmp_path / "first.py").write_text(shown(http, "python"), encoding="utf-8")

    run([sys.executable, "first.py"], tmp_path)

    assert runs(http) == [("demo", "python", "FINISHED", "ERROR", 2, 1)]


def test_the_log_of_rclone_is_uploaded(server: Server, http: httpx.Client, tmp_path: Path) -> None:
    shutil.copy(ROOT / "web/demo_logs/rclone/sync_json.log", tmp_path / "rclone.log")
    upload = shlex.split(shown(http, "rclone").splitlines()[1])

    run([*COMMAND, *upload[1:]], tmp_path)

    assert upload[0] == "synclog"
    assert {each[:1] + each[2:3] for each in runs(http)} == {("rclone", "FINISHED")}
    assert sum(processed for *_, processed, _ in runs(http)) > 0
