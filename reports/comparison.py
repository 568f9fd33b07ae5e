"""Two runs side by side in figures and words: what each counted, by how much they differ, what to bear in mind."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from ingest.action import Scope
from ingest.counts import Counts
from query.compare import Difference, ProblemState, RecordCounts
from query.runs import Run
from reports.wording import format_count, format_duration, gone_phrase, plural, unreadable_phrase

DIFFERENCE_LABELS = {
    Difference.FAILING_NOW: "Failing now, not then",
    Difference.FAILING_THEN: "Failing then, not now",
    Difference.FAILING_BOTH: "Failing in both",
    Difference.VANISHED: "Vanished",
    Difference.APPEARED: "Appeared",
    Difference.OPERATION_CHANGED: "Action changed",
    Difference.UPDATED_AGAIN: "Updated both times",
}

DIFFERENCE_MEANINGS = {
    Difference.FAILING_NOW: "Records with an error in the later run that had none in the earlier, or were not in it.",
    Difference.FAILING_THEN: "Records with an error in the earlier run that have none in the later, or are not in it.",
    Difference.FAILING_BOTH: "Records with an error in both runs.",
    Difference.VANISHED: "Records of the earlier run that the later one did not touch.",
    Difference.APPEARED: "Records of the later run that the earlier one did not touch.",
    Difference.OPERATION_CHANGED: "Records with which the two runs did different things.",
    Difference.UPDATED_AGAIN: "Records that both runs updated without an error: where nobody changes them in between,"
    " something writes what is there already.",
}

STATE_LABELS = {ProblemState.NEW: "New", ProblemState.PERSISTING: "Persisting", ProblemState.GONE: "Gone"}

# Label, name in the API, and whether more of it is worse.
_COUNTERS = (
    ("Processed", "processed", False),
    ("Creates", "creates", False),
    ("Updates", "updates", False),
    ("Deletes", "deletes", False),
    ("Unchanged", "unchanged", False),
    ("OK", "oks", False),
    ("Infos", "infos", False),
    ("Warnings", "warnings", True),
    ("Errors", "errors", True),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One counter of two runs. ``is_worse`` where more of it is bad and there is more."""

    label: str
    name: str
    a: int
    b: int
    is_worse: bool

    @property
    def difference(self) -> int:
        return self.b - self.a


def compare_counts(a: Counts, b: Counts) -> tuple[Figure, ...]:
    """All counters of two runs, in the order of the list of runs."""
    return tuple(
        Figure(
            label=label,
            name=name,
            a=getattr(a, name),
            b=getattr(b, name),
            is_worse=more_is_worse and getattr(b, name) > getattr(a, name),
        )
        for label, name, more_is_worse in _COUNTERS
    )


def signed_count(number: int) -> str:
    """+12, −3, or = where nothing changed."""
    return "=" if number == 0 else f"{'+' if number > 0 else '−'}{format_count(abs(number))}"


def signed_duration(a: timedelta | None, b: timedelta | None) -> str:
    """+4 min 12 s, or = where they are equal; empty where one of them is not known."""
    if a is None or b is None:
        return ""
    return "=" if a == b else f"{'+' if b > a else '−'}{format_duration(abs(b - a))}"


def cautions(a: Run, b: Run) -> tuple[str, ...]:
    """What a reader must bear in mind, in sentences."""
    return tuple(_cautions(a, b))


def _cautions(a: Run, b: Run) -> Iterator[str]:
    if (a.integration, a.configuration) != (b.integration, b.configuration):
        yield f"These runs are not of one kind: {_kind_of(a)} and {_kind_of(b)}."
    if a.begun_at > b.begun_at:
        yield "The run shown as the earlier one began after the other."
    if Scope.PARTIAL in (a.scope, b.scope):
        yield "A PARTIAL run looks only at what changed: records that are not in it need not be gone."
    for name, run in (("earlier", a), ("later", b)):
        if not run.end_seen:
            yield f"No end of the {name} run was seen: it may go on, and these figures with it."
        if missing := gone_phrase(run) or unreadable_phrase(run):
            yield f"Of the {name} run {missing}. The counters count them, the records below do not."


def _kind_of(run: Run) -> str:
    return f"{run.integration} {run.configuration}" if run.configuration else run.integration


def records_phrase(counts: RecordCounts) -> str:
    """How many records there are to compare, and which of them are known by name or not at all."""
    sentences = [
        f"{plural(counts.in_a, 'record')} in the earlier run, {format_count(counts.in_b)} in the later,"
        f" {format_count(counts.in_both)} in both."
    ]
    if counts.named_only:
        sentences.append(f"{plural(counts.named_only, 'record')} without an id went by name.")
    if unnamed := counts.unnamed_a + counts.unnamed_b:
        sentences.append(f"{plural(unnamed, 'action')} that name no record are left out.")
    return " ".join(sentences)
