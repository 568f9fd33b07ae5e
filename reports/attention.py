"""Why an integration needs attention, in words: each flag with the figure and what it usually is."""

import re
from collections.abc import Sequence
from datetime import timedelta

from ingest.action import STATUSES, Progress
from query.flags import Finding, Flag
from query.problems import OpenProblems
from query.recent_runs import RecentRun
from query.watch import Watched
from reports.wording import format_count, format_duration, plural, rough_duration, shorten

TRIGGER_SHOWN = 60
FLAG_LABELS = {
    Flag.STUCK: "stuck",
    Flag.FAILED: "failed",
    Flag.OVERDUE: "overdue",
    Flag.QUIET: "moved nothing",
    Flag.FEWER: "far fewer than usual",
    Flag.ERRORS: "more errors than usual",
    Flag.LONGER: "much longer than usual",
}


def finding_label(finding: Finding) -> str:
    """A flag as a word or two."""
    is_running = finding.flag is Flag.FAILED and not finding.run.progress.is_over
    return "failing" if is_running else FLAG_LABELS[finding.flag]


def finding_words(finding: Finding) -> str:
    """ "412 records, usually 10,200 (12 earlier runs)": what stands behind a label."""
    run, earlier = finding.run, f"({plural(finding.runs, 'earlier run')})"
    match finding.flag:
        case Flag.STUCK:
            return f"{_after(run)}, then no sign of life for {_roughly(finding.measured)}"
        case Flag.FAILED:
            return _failed(run)
        case Flag.OVERDUE:
            what = f"{shorten(finding.trigger, TRIGGER_SHOWN)} " if finding.trigger else ""
            return f"{what}expected {_roughly(finding.measured)} ago, comes every {_span(finding.usual)}"
        case Flag.QUIET:
            usually = f"{format_count(round(finding.usual))} of {plural(finding.runs, 'earlier run')}"
            return f"nothing was created, updated or deleted, as it was in {usually}"
        case Flag.FEWER:
            return f"{plural(run.processed, 'record')}, usually {_count(finding.usual)} {earlier}"
        case Flag.ERRORS:
            return f"{plural(run.errors, 'error')}, usually {_count(finding.usual)} {earlier}"
        case Flag.LONGER:
            so_far = "" if run.progress.is_over else " so far"
            return f"{_span(finding.measured)}{so_far}, usually {_span(finding.usual)} {earlier}"


def verdict(watched: Sequence[Watched]) -> str:
    """ "2 of 7 integrations need attention": the whole page in a sentence."""
    troubled, total = sum(bool(each.findings) for each in watched), len(watched)
    if not total:
        return "No integration has run yet"
    if not troubled:
        return (
            "The only integration is healthy" if total == 1 else f"All {format_count(total)} integrations are healthy"
        )
    if total == 1:
        return "The only integration needs attention"
    need = "needs" if troubled == 1 else "need"
    return f"{format_count(troubled)} of {format_count(total)} integrations {need} attention"


def history_words(runs: Sequence[RecentRun]) -> str:
    """ "The last 3 runs: 1 ERROR, 2 OK; 12 to 4,286 actions": what a thumbnail shows."""
    counts = [(str(status), sum(run.status is status for run in runs)) for status in reversed(STATUSES)]
    counts.append(("without a status", sum(run.status is None for run in runs)))
    statuses = ", ".join(f"{format_count(count)} {word}" for word, count in counts if count)
    fewest, most = min(run.processed for run in runs), max(run.processed for run in runs)
    amounts = plural(most, "action") if fewest == most else f"{format_count(fewest)} to {plural(most, 'action')}"
    which = "The last run" if len(runs) == 1 else f"The last {plural(len(runs), 'run')}"
    return f"{which}: {statuses}; {amounts}"


def problems_words(problems: OpenProblems) -> str:
    """ "2 new, 1 back, 9 known": the open problems; empty when there are none."""
    counts = ((problems.new, "new"), (problems.regressed, "back"), (problems.persisting, "known"))
    return ", ".join(f"{format_count(count)} {word}" for count, word in counts if count)


def _failed(run: RecentRun) -> str:
    if run.errors:
        so_far = "" if run.progress.is_over else " so far"
        return f"{plural(run.errors, 'error')} among {plural(run.processed, 'record')}{so_far}"
    if run.progress is Progress.ABORTED:
        return f"aborted {_after(run)}"
    return "the run itself reported an error"


def _after(run: RecentRun) -> str:
    return f"after {plural(run.processed, 'record')}" if run.processed else "before any record"


def _count(number: float) -> str:
    return format_count(round(number)) if number else "none"


def _roughly(seconds: float) -> str:
    return rough_duration(timedelta(seconds=seconds))


def _span(seconds: float) -> str:
    """6 h rather than 6 h 00 min: as exact as a glance needs."""
    exact = format_duration(timedelta(seconds=round(seconds) if seconds >= 1 else seconds))
    return re.sub(r" 0+ \w+$|\.0(?= s)", "", exact)
