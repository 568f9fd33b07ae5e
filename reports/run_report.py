"""What the report of one run says, gathered as plain data.

Only summaries and samples are gathered, so a run of a million actions is reported as fast as one of ten.
"""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import PurePosixPath
from typing import Generic, TypeVar

from ingest.action import Status
from query.durations import Pause, SlowPart, list_longest_pauses, list_slowest_parts
from query.lake_view import LakeView
from query.problem_list import Known
from query.problems import Problem, list_run_problems
from query.run_batches import files_of_run
from query.run_problems import RunProblem, list_known_problems
from query.runs import Neighbours, Run, RunMessage, find_neighbours, get_run, list_run_messages
from query.timeline import Timeline, get_run_timeline
from reports.wording import run_outcome

Item = TypeVar("Item")

MOST_PROBLEMS = 15
MOST_REMARKS = 8
MOST_MESSAGES = 12
MOST_BATCHES = 8
PROBLEMS_COUNTED = 40
"""Beyond so many the report says "at least": each comes with examples, whose messages may be long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Excerpt(Generic[Item]):
    """The first of many, and how many more there are."""

    shown: tuple[Item, ...]
    more: int
    more_uncounted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimedCount:
    """A counter on which the sender and the lake disagree."""

    name: str
    claimed: int
    recorded: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RunReport:
    """Everything the report of one run says."""

    run: Run
    reported_at: datetime
    synclog_version: str
    outcome: str
    messages: Excerpt[RunMessage]
    timeline: Timeline
    problems: Excerpt[Problem]
    remarks: Excerpt[Problem]
    slowest_parts: tuple[SlowPart, ...]
    longest_pauses: tuple[Pause, ...]
    disagreements: tuple[ClaimedCount, ...]
    batch_ids: Excerpt[str]
    neighbours: Neighbours
    known: Mapping[str, RunProblem]
    """What is known of its problems beside the run: their states and classes, and what people keep of them."""
    command_lines: tuple[str, ...]

    @property
    def title(self) -> str:
        names = [self.run.integration, self.run.configuration]
        return " · ".join(name for name in names if name)

    @property
    def window(self) -> tuple[datetime, datetime]:
        """All that is known of the run lies between these, even actions before its begin or after its end."""
        run = self.run
        known = (run.begun_at, run.ended_at, run.first_action_at, run.last_action_at)
        moments = [moment for moment in known if moment is not None]
        return min(moments), max(moments)

    @property
    def problem_ids(self) -> tuple[str, ...]:
        return tuple(problem.problem_id for problem in self.problems.shown[:5])


def build_run_report(view: LakeView, run_id: str, *, now: datetime, known: Known | None = None) -> RunReport:
    """The report of a run as it stands now. RunNotFound when there is no such run."""
    run = get_run(view, run_id)
    found = list_run_problems(view, run_id, limit=PROBLEMS_COUNTED)
    looked_at = list_known_problems(view, run, known).all if known is not None else []
    kept = {each.problem.problem_id: each for each in looked_at}
    found.sort(key=lambda problem: problem.problem_id in kept and kept[problem.problem_id].is_set_aside)
    failures = [problem for problem in found if problem.status.rank >= Status.WARNING.rank]
    remarks = [problem for problem in found if problem.status.rank < Status.WARNING.rank]
    return RunReport(
        run=run,
        reported_at=now,
        synclog_version=installed_version(),
        outcome=run_outcome(run, now),
        messages=_excerpt(list_run_messages(view, run_id), MOST_MESSAGES),
        timeline=get_run_timeline(view, run),
        problems=_excerpt(failures, MOST_PROBLEMS, uncounted=len(found) == PROBLEMS_COUNTED),
        remarks=_excerpt(remarks, MOST_REMARKS, uncounted=len(found) == PROBLEMS_COUNTED),
        slowest_parts=tuple(list_slowest_parts(view, run_id)),
        longest_pauses=tuple(list_longest_pauses(view, run_id)),
        disagreements=tuple(disagreements(run)),
        batch_ids=_excerpt([PurePosixPath(file).stem for file in files_of_run(view, run_id)], MOST_BATCHES),
        neighbours=find_neighbours(view, run),
        known=kept,
        command_lines=command_lines(run),
    )


def disagreements(run: Run) -> list[ClaimedCount]:
    """Counters of which the sender claims another value than its actions add up to."""
    names = ("processed", "creates", "updates", "deletes", "unchanged", "infos", "warnings", "errors")
    return [
        ClaimedCount(name=name, claimed=run.claimed[name], recorded=getattr(run.counts, name))
        for name in names
        if name in run.claimed and run.claimed[name] != getattr(run.counts, name)
    ]


def command_lines(run: Run) -> tuple[str, ...]:
    """What to type to see more than the report shows."""
    run_id = shlex.quote(run.run_id)
    lines = [f"synclog run {run_id}"]
    if run.counts.errors:
        lines.append(f"synclog actions {run_id} --status ERROR --format csv > errors.csv")
    if run.counts.warnings:
        lines.append(f"synclog actions {run_id} --status WARNING --format csv > warnings.csv")
    lines.append(f"synclog report {run_id} -o report.pdf")
    return tuple(lines)


def installed_version() -> str:
    """The version of synclog, or where it runs from when it was never installed."""
    try:
        return version("synclog")
    except PackageNotFoundError:
        return "from source"


def _excerpt(items: Sequence[Item], most: int, *, uncounted: bool = False) -> Excerpt[Item]:
    return Excerpt(shown=tuple(items[:most]), more=max(0, len(items) - most), more_uncounted=uncounted)
