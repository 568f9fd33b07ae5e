"""What a user would otherwise pick, in a process of its own: filled with the same actions, asked the same questions.

Each ``rival_*`` module holds one and is run as ``python -m bench.rival_sqlite fill|ask FOLDER``; what to do comes as
JSON on its standard input, what came of it goes as JSON to its standard output. A process of its own, because memory
and the time to the first answer are asked for too.
"""

import json
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

from bench.memory import watching
from bench.questions import Kind, Question, Told

COLUMNS = (
    "run_id", "integration", "configuration", "trigger", "happened_at", "operation", "status", "source_type",
    "source_id", "source_name", "target_type", "target_id", "target_name", "code", "message", "details", "duration_ms",
)  # fmt: skip
"""The columns of an action as the generator makes them."""


class Rival(Protocol):
    """One system over one folder."""

    def open(self, folder: Path) -> None:
        """Be ready to take actions in and to answer."""

    def add(self, actions: Any) -> None:  # a pyarrow table: an asking process does without pyarrow
        """Take in what one request would bring. When it returns, it is durable and can be found."""

    def tidy(self) -> None:
        """What its manual says is to be done after much was taken in."""

    def size(self) -> int:
        """Bytes on disk of the actions and what finds them, without logs used over and over."""

    def ask(self, question: Question) -> int:
        """The number that tells the answer."""

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """How actions were taken in: seconds without those of making them up, bytes of memory and of disk."""

    seconds: float
    tidy_seconds: float
    peak: int
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What was told, by kind, and what it took: seconds from the start of the process to its first answer."""

    first_answer: float
    peak: int
    told: Mapping[Kind, Sequence[Told]]


def fill(module: str, folder: Path, workload: Mapping[str, int], *, rows: int) -> Filled:
    """A rival filled with a workload, ``rows`` actions at a time."""
    said, peak, _ = _run(module, "fill", folder, {"workload": workload, "rows": rows})
    return Filled(seconds=said["seconds"], tidy_seconds=said["tidy_seconds"], peak=peak, size=said["size"])


def ask(module: str, folder: Path, questions: Mapping[Kind, Sequence[Question]]) -> Asked:
    """A rival asked, the first question of all twice: its first answer tells how long it takes to start."""
    told = {kind: [asdict(question) for question in asked] for kind, asked in questions.items()}
    said, peak, begun = _run(module, "ask", folder, told)
    return Asked(
        first_answer=said["first_answer_at"] - begun,
        peak=peak,
        told={Kind(kind): [Told(**each) for each in answers] for kind, answers in said["told"].items()},
    )


def serve(rival: Rival) -> None:
    """What a rival's own process does."""
    what, folder = sys.argv[1], Path(sys.argv[2])
    task = json.load(sys.stdin)
    rival.open(folder)
    try:
        said = _fill(rival, task) if what == "fill" else _ask(rival, task)
    finally:
        rival.close()
    json.dump(said, sys.stdout)


def _run(module: str, what: str, folder: Path, task: object) -> tuple[Any, int, float]:  # what the process said
    """What it said, its memory at the peak, and when it was started."""
    folder.mkdir(exist_ok=True)
    begun = time.monotonic()
    command = [sys.executable, "-m", module, what, str(folder)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with process, watching(process.pid) as watch:
        said, _ = process.communicate(json.dumps(task))
    if process.returncode:
        raise RuntimeError(f"{module} {what} ended with {process.returncode}")
    return json.loads(said), watch.peak, begun


def _fill(rival: Rival, task: Any) -> dict[str, float]:  # the JSON of fill()
    from bench.generate import Generator, Workload  # not before it is needed: an asking process starts without it

    seconds = 0.0
    for table in Generator(Workload(**task["workload"])).tables(task["rows"]):
        begun = time.perf_counter()
        rival.add(table)
        seconds += time.perf_counter() - begun
    begun = time.perf_counter()
    rival.tidy()
    return {"seconds": seconds, "tidy_seconds": time.perf_counter() - begun, "size": rival.size()}


def _ask(rival: Rival, task: Any) -> dict[str, object]:  # the JSON of ask()
    asked = [Question(kind=Kind(each["kind"]), text=each["text"]) for each in task[Kind.RUNS]]
    rival.ask(asked[0])
    first_answer_at = time.monotonic()  # one clock for all processes of the machine
    told = {}
    for kind, each_kind in task.items():
        told[kind] = [_timed(rival, Question(kind=Kind(each["kind"]), text=each["text"])) for each in each_kind]
    return {"first_answer_at": first_answer_at, "told": told}


def _timed(rival: Rival, question: Question) -> dict[str, float]:
    begun = time.perf_counter()
    number = rival.ask(question)
    return {"milliseconds": (time.perf_counter() - begun) * 1000, "number": number}
