"""Promises about the tree itself: what may lie where, and what no file may say."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("ingest", "query", "reports", "sync_engine", "web")
FORBIDDEN_NAMES = {"utils", "helpers", "common", "misc", "core", "base", "manager", "handler", "service"}

# Built from parts, so that this file does not say them either.
REGISTRIES = tuple(
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("files", "pythonhosted", "org"),
        ("registry", "npmjs", "org"),
        ("deb", "debian", "org"),
        ("cdn", "jsdelivr", "net"),
        ("unpkg", "com"),
    )
)
LOCK_FILES = {"uv.lock", "poetry.lock", "Pipfile.lock", "requirements.txt", "package-lock.json"}
TEXTS = {".py", ".sql", ".html", ".css", ".js", ".md", ".toml", ".yaml", ".yml", ".svg", ".sh", ""}


def tracked_files() -> list[Path]:
    """What is or could be under version control. Without git, as in an unpacked archive, there is nothing to ask."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True
    )
    if listing.returncode:
        pytest.skip("not a git checkout")
    names = [name for name in listing.stdout.decode().split("\0") if name]
    return [ROOT / name for name in names if (ROOT / name).is_file()]


def texts() -> dict[str, str]:
    """Our own text files by name; logs of demo and tests are kept as their tools wrote them."""
    found = {}
    for path in tracked_files():
        name = str(path.relative_to(ROOT))
        if path.suffix in TEXTS and not re.search(r"(^|/)(demo_logs|data|gold|vendor)/", name):
            found[name] = path.read_text(encoding="utf-8")
    return found


def python_files(folder: str) -> list[Path]:
    return sorted(path for path in (ROOT / folder).rglob("*.py") if "__pycache__" not in path.parts)


def test_no_file_names_a_package_registry() -> None:
    named = [(name, host) for name, text in texts().items() for host in REGISTRIES if host in text]

    assert named == []


def test_no_file_holds_a_path_of_somebodys_machine() -> None:
    pattern = re.compile(r"(?<![\w.<>/-])/(?:home|Users|root|work)/\w+")

    found = [(name, match.group()) for name, text in texts().items() for match in pattern.finditer(text)]

    assert [item for item in found if not item[0].startswith("tests/")] == []


def test_there_is_no_lock_file() -> None:
    assert [path.name for path in tracked_files() if path.name in LOCK_FILES] == []


def test_modules_are_named_for_what_they_hold() -> None:
    names = {path.stem for folder in (*PACKAGES, "bench") for path in python_files(folder)}

    assert names & FORBIDDEN_NAMES == set()


def test_modules_stay_small_enough_to_read() -> None:
    lengths = {str(path.relative_to(ROOT)): _length(path) for folder in PACKAGES for path in python_files(folder)}

    assert {name: length for name, length in lengths.items() if length > 400} == {}


def test_every_module_says_what_it_holds() -> None:
    silent = [
        str(path.relative_to(ROOT))
        for folder in (*PACKAGES, "bench")
        for path in python_files(folder)
        if not path.read_text(encoding="utf-8").startswith('"""')
    ]

    assert silent == []


def test_tests_are_no_packages() -> None:
    assert [str(path) for path in (ROOT / "tests").rglob("__init__.py")] == []


def test_every_test_module_is_collected() -> None:
    strays = [
        str(path.relative_to(ROOT))
        for path in python_files("tests")
        if "def test_" in path.read_text(encoding="utf-8") and not path.name.startswith("test_")
    ]

    assert strays == []


def test_test_names_are_claims() -> None:
    vague = re.compile(r"def (test_(?:it_)?works?|test_basic\w*|test_misc\w*|test_\d+|test_never_works)\b")

    found = [
        (str(path.relative_to(ROOT)), match.group(1))
        for path in python_files("tests")
        for match in vague.finditer(path.read_text(encoding="utf-8"))
    ]

    assert found == []


def test_nothing_is_mocked_and_nobody_sleeps() -> None:
    pattern = re.compile(r"\b(?:from unittest import mock|unittest\.mock|MagicMock|time\.sleep)\b")

    found = [str(path.relative_to(ROOT)) for path in python_files("tests") if pattern.search(path.read_text("utf-8"))]

    assert [name for name in found if name != "tests/house/test_tree.py"] == []


def test_scripts_stop_at_the_first_failure() -> None:
    scripts = [path for path in (ROOT / ".ci").iterdir() if path.is_file()]

    lax = [path.name for path in scripts if "set -euo pipefail" not in path.read_text(encoding="utf-8")]

    assert len(scripts) > 3
    assert lax == []


def _length(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())
