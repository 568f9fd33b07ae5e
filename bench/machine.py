"""What was measured on. Figures without this line beside them mean nothing."""

import os
import platform
import sys
import time
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

NAMED_PACKAGES = ("synclog", "duckdb", "pyarrow", "sqlalchemy", "flask", "granian", "weasyprint")


def describe(*, busy_before: float) -> str:
    """Date, cores, memory, versions, and what others did to the cores, in two sentences."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    packages = ", ".join(f"{name} {_version_of(name)}" for name in NAMED_PACKAGES)
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores, {memory:.0f} GiB of memory, "
        f"{platform.system()} {platform.machine()}, Python {sys.version.split()[0]}, {packages}. "
        f"Just before, other programs kept the cores {busy_before:.0%} busy."
    )


def busy_share(*, seconds: float = 1.0) -> float:
    """How much of all cores is in use while this process does nothing."""
    before = _ticks()
    time.sleep(seconds)
    busy, total = (now - then for now, then in zip(_ticks(), before, strict=True))
    return busy / total


def _ticks() -> tuple[int, int]:
    """Busy and all clock ticks since the machine was started."""
    ticks = [int(number) for number in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    idle = ticks[3] + ticks[4]
    return sum(ticks) - idle, sum(ticks)


def _version_of(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def file_system_of(path: Path) -> str:
    """The kind of file system a folder is on: ``ext4``, ``tmpfs``."""
    mounts = [line.split() for line in Path("/proc/self/mounts").read_text().splitlines()]
    inside = [(Path(place), kind) for _, place, kind, *_ in mounts if path.resolve().is_relative_to(place)]
    return max(inside, key=lambda mount: len(mount[0].parts))[1]
