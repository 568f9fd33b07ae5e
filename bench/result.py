"""A table of measurements, on the terminal and as a section of docs/benchmarks.md."""

import re
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

PREFACE = """# Benchmarks

Written by `make bench`, against a real `synclog serve` process over HTTP on 127.0.0.1. Senders and server share the
same cores, so a server with cores of its own does better. `make bench SUBJECTS="ingest pages"` measures some subjects
and leaves the other sections as they are. Each section says when and on what it was measured. The actions are made up
by `bench/generate.py`, the same every time: 70 % NONE, 15 % UPDATE, 10 % CREATE, 5 % DELETE; 96 % OK, 2 % INFO, 1.3 %
WARNING, 0.7 % ERROR, about 400,000 records. A target is what the design asks for; most measurements have none.

On two cores `rivals` and `trickle` take about an hour each, `scale` a quarter of one, the others together another.
These three can be measured at another size, `make bench SUBJECTS="scale:200000"`: actions for `rivals` and `scale`,
requests for `trickle`. `rivals` needs 20 GB of disk. PostgreSQL is compared where Debian's package `postgresql` is
installed; its own cluster is not touched.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """One line of a table; ``target`` is what the design asks for, where it asks for something."""

    name: str
    value: str
    target: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """What one subject found."""

    subject: str
    title: str
    setting: str
    measurements: tuple[Measurement, ...]


def show(section: Section) -> None:
    table = Table(title=section.title, title_justify="left", caption=section.setting, caption_justify="left")
    for heading in ("measured", "value", "target", "note"):
        table.add_column(heading, justify="right" if heading == "value" else "left")
    for line in section.measurements:
        table.add_row(line.name, line.value, line.target, line.note)
    Console().print(table)


def keep(section: Section, page: Path, *, machine: str, order: tuple[str, ...]) -> None:
    """Puts the section into the page in place of its last measurement."""
    sections = _sections_of(page.read_text(encoding="utf-8")) if page.exists() else {}
    sections[section.subject] = _markdown(section, machine)
    ordered = [sections[subject] for subject in order if subject in sections]
    page.write_text("\n".join([PREFACE, *ordered]), encoding="utf-8")


def _sections_of(text: str) -> dict[str, str]:
    parts = re.split(r"^(?=<!-- subject: )", text, flags=re.MULTILINE)[1:]
    return {part.split(maxsplit=3)[2]: part.rstrip() + "\n" for part in parts}


def _markdown(section: Section, machine: str) -> str:
    lines = [
        f"<!-- subject: {section.subject} -->",
        f"## {section.title}",
        "",
        f"{section.setting} Measured {machine}",
        "",
        "| measured | value | target | note |",
        "|---|---:|---|---|",
        *(f"| {line.name} | {line.value} | {line.target} | {line.note} |" for line in section.measurements),
        "",
    ]
    return "\n".join(lines)
