"""The long form: ``python -m tests.crash.measure KILLS [SEED]``. Writes its figures into docs/reliability.md.

After every few kills a new lake is begun: each is in the end held to its index, to an index built anew and to
``verify``. The page is written after every life of a server, so that an interrupted experiment tells how far it came.
The first fault ends it: it stands on the page then, and the data folder stays.
"""

import random
import re
import shutil
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench import machine
from tests.crash import plan
from tests.crash.evidence import Verdict
from tests.crash.laboratory import Laboratory
from tests.crash.plan import Kill, Life
from tests.crash.small_disk import NoSmallDisk, small_disk

PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"
FIGURES = re.compile(r"(?<=<!-- figures: begin -->\n).*?(?=<!-- figures: end -->)", re.DOTALL)
KILLS_A_LAKE = 30
SHARE_DISK_FULL = 1 / 15
DISK_MEGABYTES = 256
WRONGS = ("lost", "doubled", "torn", "unheard_of", "returned", "rejects_lost", "rejects_doubled")
COLUMNS = ("killed", "at", "kills", "lost", "doubled", "torn", "made up", "returned", "rejects lost", "rejects twice")


@dataclass(slots=True, kw_only=True)
class Experiment:
    """All lakes so far, and what is written of them."""

    planned: int
    seed: int
    busy_before: float
    laboratories: list[Laboratory] = field(default_factory=list)
    begun: float = field(default_factory=time.monotonic)
    skipped: str = ""  # why no disk was filled

    @property
    def kills(self) -> list[tuple[Kill, Verdict]]:
        return [pair for laboratory in self.laboratories for pair in laboratory.findings.kills]

    @property
    def faults(self) -> list[str]:
        return [fault for laboratory in self.laboratories for fault in laboratory.findings.faults]

    def run(self, folder: Path, lives: Sequence[Life]) -> None:
        """On a lake of its own. Exits when anything was wrong."""
        laboratory = Laboratory(data=folder / "data")
        self.laboratories.append(laboratory)
        try:
            laboratory.run(lives, self._tell)
        finally:
            self._write()
        if self.faults:
            sys.exit("\n".join([f"seed {self.seed}, data in {folder}", *self.faults]))

    def _tell(self, life: Life) -> None:
        self._write()
        minutes = (time.monotonic() - self.begun) / 60
        verdict = f"{len(self.faults)} FAULTS" if self.faults else "all well"
        print(f"{len(self.kills):4} of {self.planned} kills, {minutes:5.1f} min, {verdict}: {life}", flush=True)
        for fault in self.laboratories[-1].findings.faults:
            print(f"     {fault}", flush=True)

    def _write(self) -> None:
        text = PAGE.read_text(encoding="utf-8")
        PAGE.write_text(FIGURES.sub(lambda _: f"\n{self.figures()}\n", text), encoding="utf-8")

    def figures(self) -> str:
        measured = machine.describe(busy_before=self.busy_before)
        lines = [f"Seed {self.seed}, {(time.monotonic() - self.begun) / 60:.0f} minutes. Measured {measured}", ""]
        lines += [*_table(("measured", "value"), self._summary(), numbers_from=1), ""]
        lines += [f"- FAULT: {fault}" for fault in self.faults]
        lines += _table(COLUMNS, rows_of(self.kills), numbers_from=2)
        return "\n".join(lines) + "\n"

    def _summary(self) -> list[tuple[str, str]]:
        senders = [sender for laboratory in self.laboratories for sender in laboratory.senders]
        findings = [laboratory.findings for laboratory in self.laboratories]
        starts = [start for each in findings for start in each.starts]
        full = [started for each in findings for started in each.full_starts]
        actions = sum(len(sender.acknowledged) * sender.accepted for sender in senders)
        actions += sum(laboratory.archive.accepted for laboratory in self.laboratories)
        removed = sum(len(laboratory.archive.removed) for laboratory in self.laboratories)
        missed = sum(len(each.missed) for each in findings)
        return [
            ("kills", f"{len(self.kills):,} of {self.planned:,}, on {len(findings):,} lakes"),
            ("processes that came to their end before the point they were to die at", f"{missed:,}"),
            ("requests acknowledged", f"{sum(len(sender.acknowledged) for sender in senders):,}"),
            ("actions acknowledged", f"{actions:,}"),
            ("requests without an answer", f"{sum(sender.cut_off for sender in senders):,}"),
            ("requests refused for the time being (429, 503)", f"{sum(sender.put_off for sender in senders):,}"),
            ("actions removed by retention", f"{removed:,}"),
            ("acknowledged and lost", f"{_worst(self.kills, 'lost'):,}"),
            ("there more than once", f"{_worst(self.kills, 'doubled'):,}"),
            ("starts, each by itself", f"{len(starts):,}"),
            (
                "from the start of the process to its first answer",
                f"{statistics.median(starts):.1f} s, slowest {max(starts):.1f} s" if starts else "",
            ),
            ("starts on a full disk that answered", self.skipped or f"{sum(full):,} of {len(full):,}"),
            ("repairs by hand", "0: starting it again is all that was done"),
        ]


def main() -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))  # servers and small disks go with it
    kills = int(sys.argv[1])
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else random.randrange(10**8)
    print(f"seed {seed}", flush=True)
    chance = random.Random(seed)
    experiment = Experiment(planned=kills, seed=seed, busy_before=machine.busy_share())
    folder = Path(tempfile.mkdtemp(prefix="synclog-crash-"))
    try:
        with small_disk(folder / "small", megabytes=DISK_MEGABYTES) as disk:
            experiment.run(disk, plan.full_disk(chance, round(kills * SHARE_DISK_FULL)))
    except NoSmallDisk as error:
        experiment.skipped = f"not tried: {error}"
    lives = plan.long(chance)
    while (left := kills - len(experiment.kills)) > 0:
        lake = folder / "lake"
        experiment.run(lake, plan.some_of(lives, min(left, KILLS_A_LAKE)))
        shutil.rmtree(lake)
    shutil.rmtree(folder)
    _show(rows_of(experiment.kills))


def rows_of(kills: Sequence[tuple[Kill, Verdict]]) -> list[tuple[str, ...]]:
    """A row for each place where something was killed, and one for all."""
    order = [(victim, place) for victim in plan.Victim for place in (*plan.POINTS[victim], *plan.MOMENTS)]
    rows = []
    for victim, place in order:
        some = [pair for pair in kills if (pair[0].victim, pair[0].place) == (victim, place)]
        if some:
            rows.append(_row(victim, place, some))
    return [*rows, _row("", "all", kills)]


def _row(victim: str, place: str, kills: Sequence[tuple[Kill, Verdict]]) -> tuple[str, ...]:
    return (victim, place, f"{len(kills):,}", *(f"{_worst(kills, wrong):,}" for wrong in WRONGS))


def _worst(kills: Sequence[tuple[Kill, Verdict]], wrong: str) -> int:
    """After any of these kills: what is wrong stays, and would be counted again and again in a sum."""
    return max((getattr(verdict, wrong) for _, verdict in kills), default=0)


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]], *, numbers_from: int) -> list[str]:
    rule = f"|{'---|' * numbers_from}{'---:|' * (len(columns) - numbers_from)}"
    head, *lines = (f"| {' | '.join(line)} |" for line in (columns, *rows))
    return [head, rule, *lines]


def _show(rows: Sequence[Sequence[str]]) -> None:
    table = Table()
    for number, column in enumerate(COLUMNS):
        table.add_column(column, justify="left" if number < 2 else "right")
    for row in rows:
        table.add_row(*row)
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
