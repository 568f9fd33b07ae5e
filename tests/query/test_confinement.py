"""What the operating system refuses, tried in a process of its own: it cannot be undone."""

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import query


def run_confined(tmp_path, program):
    """The last line a program prints after it confined itself to reading ``allowed``."""
    (tmp_path / "allowed").write_text("for all")
    (tmp_path / "other").write_text("for nobody")
    begin = """
        import os, socket, sys
        from query.confinement import limit_resources, read_only_these
        allowed, other = sys.argv[1:]
        if not read_only_these([allowed]):
            print("no Landlock here")
            sys.exit()
    """
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            textwrap.dedent(begin) + textwrap.dedent(program),
            tmp_path / "allowed",
            tmp_path / "other",
        ],
        env={"PYTHONPATH": str(Path(query.__file__).parent.parent)},
        capture_output=True,
        text=True,
        check=True,
    )
    said = done.stdout.splitlines()[-1]
    if said == "no Landlock here":
        pytest.skip(said)
    return said


def test_allowed_file_is_read(tmp_path):
    assert run_confined(tmp_path, "print(open(allowed).read())") == "for all"


@pytest.mark.parametrize(
    "attempt",
    [
        "open(other)",
        "open(allowed, 'w')",
        "open(allowed, 'a')",
        "os.truncate(allowed, 0)",
        "os.unlink(allowed)",
        "os.rename(allowed, other)",
        "os.listdir('/')",
        "os.mkdir(other + '-folder')",
        "open(other + '-new', 'w')",
        "open('/proc/self/environ')",
        "os.execv('/bin/true', ['true'])",
    ],
)
def test_everything_else_is_refused(tmp_path, attempt):
    program = f"""
        try:
            {attempt}
            print("done")
        except PermissionError:
            print("refused")
    """

    assert run_confined(tmp_path, program) == "refused"
    assert (tmp_path / "allowed").read_text() == "for all"


def test_no_file_grows_whatever_the_kernel_can_confine(tmp_path):
    program = """
        import signal, resource
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        from query.confinement import limit_resources
        import sys
        sink = open(sys.argv[1], "wb", buffering=0)
        limit_resources(memory_bytes=1 << 40, cpu_seconds=60)
        try:
            sink.write(b"x")
            print("written")
        except OSError:
            print("refused")
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program), tmp_path / "new"],
        env={"PYTHONPATH": str(Path(query.__file__).parent.parent)},
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout == "refused\n"
