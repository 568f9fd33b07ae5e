"""A small file system of its own, and ballast that fills it."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


class NoSmallDisk(Exception):
    """It takes root to mount one."""


@contextmanager
def small_disk(folder: Path, *, megabytes: int) -> Iterator[Path]:
    """A file system in memory at ``folder``, until the block ends. Raises NoSmallDisk."""
    folder.mkdir(parents=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "none", folder]
    try:
        mounted = subprocess.run(command, capture_output=True, text=True)
    except FileNotFoundError as error:
        raise NoSmallDisk("there is no mount here") from error
    if mounted.returncode:
        raise NoSmallDisk(f"only root can mount a small disk: {mounted.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def fill(ballast: Path) -> None:
    """Until there is no room for a byte more."""
    for size in (1 << 20, 4096, 1):
        with ballast.open("ab", buffering=0) as sink, suppress(OSError):
            while True:
                sink.write(bytes(size))


def make_room(ballast: Path, size: int) -> None:
    os.truncate(ballast, ballast.stat().st_size - size)
