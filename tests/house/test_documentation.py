"""What can be used is written down, and what is written down exists."""

import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import click
import pytest

from ingest import errors, schema
from ingest.batch import WRITER
from web.app import create_app
from web.cli import main as command
from web.settings import Settings
from web.workspace import open_workspace

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *DOCS.rglob("*.md")])


def read(page: str) -> str:
    return (DOCS / page).read_text(encoding="utf-8")


def commands(
    each: click.Command, words: tuple[str, ...] = ("synclog",)
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    yield words, each
    if isinstance(each, click.Group):
        for name, child in each.commands.items():
            if not child.hidden:
                yield from commands(child, (*words, name))


def anchors(text: str) -> set[str]:
    """The anchors of a page's headings, as a forge makes them."""
    headings = re.findall(r"^#+ (.+)$", text, flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def in_braces(rule: str) -> str:
    """A Flask rule as OpenAPI spells its path."""
    return re.sub(r"<(?:[^:<>]+:)?([^<>]+)>", r"{\1}", rule)


def subclasses(kind: type[errors.SynclogError]) -> set[type[errors.SynclogError]]:
    return {kind}.union(*(subclasses(child) for child in kind.__subclasses__()))


def readme_commands() -> list[list[str]]:
    """The words of every command the README shows at a prompt, without what it is piped into."""
    text = (ROOT / "README.md").read_text(encoding="utf-8").replace("|\n", "| ").replace("\\\n", " ")
    lines = re.findall(r"^\$ (.+)$", text, flags=re.MULTILINE)
    return [shlex.split(part, comments=True) for line in lines for part in line.split(" | ")]


def test_generated_reference_is_current() -> None:
    done = subprocess.run([sys.executable, DOCS / "generate.py", "--check"], cwd=ROOT, capture_output=True, text=True)

    assert (done.returncode, done.stderr) == (0, "")


def test_every_command_and_option_is_documented() -> None:
    page = read("reference/command.md")

    missing = [
        " ".join((*words, option))
        for words, each in commands(command)
        for option in ("", *(o for parameter in each.params for o in parameter.opts if o.startswith("-")))
        if f"## {' '.join(words)}\n" not in page or option not in page
    ]

    assert missing == []


def test_every_command_has_help_with_an_example() -> None:
    without = [
        " ".join(words)
        for words, each in commands(command)
        if not isinstance(each, click.Group) and not re.search(r"\bsynclog\b.* ", each.help or "")
    ]

    assert without == []


def test_every_setting_is_documented_with_its_meaning() -> None:
    page = read("reference/settings.md")

    rows = {
        each.name: re.search(rf"^\| `{each.name}` \|.*\| (.+) \|$", page, re.MULTILINE) for each in fields(Settings)
    }

    assert [name for name, row in rows.items() if row is None or not row[1].strip()] == []


def test_every_api_route_is_documented(tmp_path: Path) -> None:
    page = read("reference/api.md")
    with open_workspace(Settings(data=tmp_path)) as workspace:
        rules = list(create_app(workspace).url_map.iter_rules())

    routes = {
        f"## {method} {in_braces(rule.rule)}\n"
        for rule in rules
        if rule.rule.startswith("/api/v1/")
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }

    assert sorted(route for route in routes if route not in page) == []


def test_every_error_code_has_its_place_in_the_docs() -> None:
    codes = {kind.code for kind in subclasses(errors.SynclogError)}

    assert codes - anchors(read("errors.md")) == set()


def test_every_reject_code_has_its_place_in_the_docs() -> None:
    source = "\n".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "ingest").rglob("*.py")))
    codes = {*re.findall(r'Reject\([^)]*code="([\w-]+)"', source)}
    codes |= {*re.findall(r'Refusal\([^,]+, "([\w-]+)"', source)}

    assert "empty-action" in codes
    assert codes - anchors(read("errors.md")) == set()


def test_every_column_of_the_lake_is_explained() -> None:
    page = read("lake-format.md")
    columns = {*schema.ACTION_SCHEMA.names, *schema.RUN_EVENT_SCHEMA.names, *schema.REJECT_SCHEMA.names}

    assert sorted(name for name in columns if f"`{name}`" not in page) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    links = [link for link in re.findall(r"(?<!!)\[[^\]]*\]\(([^)]+)\)", text) if "://" not in link]

    broken = []
    for link in links:
        name, _, anchor = link.partition("#")
        target = page.parent / name if name else page
        if not target.exists() or (anchor and anchor not in anchors(target.read_text(encoding="utf-8"))):
            broken.append(link)

    assert broken == []


def test_readme_shows_only_make_targets_that_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE))
    shown = {words[1] for words in readme_commands() if words[0] == "make"}

    assert {"demo", "test"} <= shown
    assert shown - targets == set()


def test_readme_shows_only_commands_and_options_that_exist() -> None:
    known = {words: each for words, each in commands(command)}
    shown = [words for words in readme_commands() if words[0].endswith("synclog")]

    unknown = []
    for words in shown:
        each = known.get(("synclog", words[1]))
        options = {o for parameter in each.params for o in parameter.opts} if each else set()
        unknown += [word for word in words[2:] if word.startswith("-") and word not in options] if each else [words[1]]

    assert len(shown) > 3
    assert unknown == []


def test_version_is_the_same_everywhere() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    changes = re.findall(r"^## \[([^\]]+)\]", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), flags=re.MULTILINE)

    assert (WRITER, changes[0]) == (f"synclog {version}", version)


def test_readme_is_short() -> None:
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()

    assert len(lines) < 120
