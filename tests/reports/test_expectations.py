from datetime import UTC, datetime, timedelta

import pytest

from ingest.action import Progress
from ingest.counts import Counts
from query.forecast import Forecast
from query.runs import Run
from reports.expectations import forecast_words, missing_words, other_claims

BEGUN = datetime(2026, 11, 22, 10, tzinfo=UTC)


def a_run(**fields: object) -> Run:
    """9,997 updates, finished."""
    usual = dict.fromkeys(
        ("configuration", "trigger", "scope", "status", "announced_at", "finished_at", "expected", "message")
    )
    usual |= {"run_id": "r", "integration": "x", "progress": Progress.FINISHED, "claimed": {}, "cancellable": False}
    usual |= {"started_at": BEGUN, "heard_at": BEGUN, "first_action_at": BEGUN, "last_action_at": BEGUN}
    return Run(**{**usual, "attributes": {}, "counts": Counts(update_ok=9997), **fields})


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, ""),
        ({"claimed": {"processed": 9997}}, ""),
        (
            {"claimed": {"processed": 10_000}},
            "3 of 10,000 actions are missing: the sender counts 10,000, 9,997 arrived",
        ),
        ({"claimed": {"processed": 9998}}, "1 of 9,998 actions is missing: the sender counts 9,998, 9,997 arrived"),
        ({"claimed": {"processed": 9990}}, "7 actions more than that arrived: the sender counts 9,990, 9,997 arrived"),
        ({"expected": 10_000}, "3 of 10,000 actions are missing: the sender announced 10,000, 9,997 arrived"),
        ({"expected": 10_000, "progress": Progress.RUNNING}, ""),
        ({"expected": 10_000, "progress": Progress.ABORTED}, ""),
        ({"expected": 10_000, "claimed": {"processed": 9997}}, ""),
    ],
)
def test_what_is_missing_is_said_once_a_run_is_over(fields: dict[str, object], words: str) -> None:
    assert missing_words(a_run(**fields)) == words


def test_other_figures_the_sender_counts_otherwise_are_listed() -> None:
    run = a_run(claimed={"processed": 1, "errors": 70, "updates": 9997, "infos": 2})

    assert other_claims(run) == "2 infos (0 here), 70 errors (0 here)"
    assert other_claims(a_run()) == ""


@pytest.mark.parametrize(
    ("forecast", "words"),
    [
        (
            Forecast(total=4, earlier=None, percent=25, remaining=timedelta(minutes=6)),
            "25 % of 4 announced; about 6 min to go",
        ),
        (
            Forecast(total=1000, earlier=8, percent=43.04, remaining=timedelta(seconds=50)),
            "43 % of about 1,000, as in 8 earlier runs; about 50 s to go",
        ),
        (Forecast(total=4, earlier=None, percent=0, remaining=None), "0 % of 4 announced"),
    ],
)
def test_forecast_says_where_it_comes_from(forecast: Forecast, words: str) -> None:
    assert forecast_words(forecast) == words
