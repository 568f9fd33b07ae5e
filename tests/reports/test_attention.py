from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from ingest.action import Progress, Status
from query.flags import Finding, Flag
from query.problems import OpenProblems
from query.recent_runs import RecentRun
from query.watch import Watched
from reports.attention import FLAG_LABELS, finding_label, finding_words, history_words, problems_words, verdict

BEGUN = datetime(2026, 11, 22, 2, tzinfo=UTC)
RUN = RecentRun(
    run_id="r",
    integration="servicenow",
    configuration=None,
    trigger=None,
    scope=None,
    progress=Progress.FINISHED,
    status=Status.ERROR,
    begun_at=BEGUN,
    ended_at=BEGUN + timedelta(minutes=9),
    last_sign_at=BEGUN,
    processed=412,
    moved=0,
    warnings=0,
    errors=60,
)
UNDER_WAY = replace(RUN, progress=Progress.RUNNING, ended_at=None)


@pytest.mark.parametrize(
    ("finding", "words"),
    [
        (Finding(flag=Flag.STUCK, run=RUN, measured=3 * 3600), "after 412 records, then no sign of life for 3 h"),
        (Finding(flag=Flag.FAILED, run=RUN), "60 errors among 412 records"),
        (Finding(flag=Flag.FAILED, run=UNDER_WAY), "60 errors among 412 records so far"),
        (Finding(flag=Flag.FAILED, run=replace(RUN, errors=0)), "the run itself reported an error"),
        (
            Finding(flag=Flag.FAILED, run=replace(RUN, errors=0, processed=0, progress=Progress.ABORTED)),
            "aborted before any record",
        ),
        (
            Finding(flag=Flag.OVERDUE, run=RUN, measured=5400, usual=86_400, runs=12, trigger="FULL_SYNC_JOB"),
            "FULL_SYNC_JOB expected 90 min ago, comes every 1 d",
        ),
        (Finding(flag=Flag.OVERDUE, run=RUN, measured=60, usual=21_600, runs=5), "expected 60 s ago, comes every 6 h"),
        (
            Finding(flag=Flag.QUIET, run=RUN, usual=11, runs=12),
            "nothing was created, updated or deleted, as it was in 11 of 12 earlier runs",
        ),
        (
            Finding(flag=Flag.FEWER, run=RUN, measured=412, usual=10_200, runs=12),
            "412 records, usually 10,200 (12 earlier runs)",
        ),
        (Finding(flag=Flag.ERRORS, run=RUN, measured=60, runs=5), "60 errors, usually none (5 earlier runs)"),
        (
            Finding(flag=Flag.LONGER, run=RUN, measured=540, usual=70.5, runs=8),
            "9 min, usually 1 min 10 s (8 earlier runs)",
        ),
        (
            Finding(flag=Flag.LONGER, run=UNDER_WAY, measured=540, usual=60, runs=8),
            "9 min so far, usually 1 min (8 earlier runs)",
        ),
    ],
)
def test_finding_says_the_figure_and_what_is_usual(finding: Finding, words: str) -> None:
    assert finding_words(finding) == words


def test_every_flag_has_a_label_and_a_failing_run_another() -> None:
    assert set(FLAG_LABELS) == set(Flag)
    assert finding_label(Finding(flag=Flag.FAILED, run=RUN)) == "failed"
    assert finding_label(Finding(flag=Flag.FAILED, run=UNDER_WAY)) == "failing"


@pytest.mark.parametrize(
    ("troubled", "healthy", "words"),
    [
        (0, 0, "No integration has run yet"),
        (0, 1, "The only integration is healthy"),
        (1, 0, "The only integration needs attention"),
        (0, 7, "All 7 integrations are healthy"),
        (1, 6, "1 of 7 integrations needs attention"),
        (2, 5, "2 of 7 integrations need attention"),
    ],
)
def test_verdict_is_the_whole_page_in_a_sentence(troubled: int, healthy: int, words: str) -> None:
    findings = (Finding(flag=Flag.FAILED, run=RUN), Finding(flag=Flag.ERRORS, run=RUN))
    said = [findings] * troubled + [()] * healthy
    watched = [
        Watched(
            integration="x",
            configuration=str(number),
            runs=(RUN,),
            findings=each,
            last_success_at=None,
            next_expected_at=None,
            open_problems=OpenProblems(),
        )
        for number, each in enumerate(said)
    ]

    assert verdict(watched) == words


def test_thumbnail_says_statuses_and_amounts() -> None:
    fine = replace(RUN, status=Status.OK, processed=12)

    assert history_words([RUN, fine, fine]) == "The last 3 runs: 1 ERROR, 2 OK; 12 to 412 actions"
    assert history_words([replace(RUN, status=None, processed=0)]) == "The last run: 1 without a status; 0 actions"


def test_open_problems_are_told_apart_by_how_new_they_are() -> None:
    assert problems_words(OpenProblems(new=2, regressed=1, persisting=1200)) == "2 new, 1 back, 1,200 known"
    assert problems_words(OpenProblems()) == ""
