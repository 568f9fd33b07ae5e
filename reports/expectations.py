"""What a run was to be and what arrived of it, in words: how far it has come, and what is missing in the end."""

from ingest.action import Progress
from query.forecast import Forecast
from query.runs import Run
from reports.run_report import disagreements
from reports.wording import format_count, format_percent, plural, rough_duration


def forecast_words(forecast: Forecast) -> str:
    """ "43 % of about 1,000, as in 8 earlier runs; some 6 min 10 s to go"."""
    if forecast.earlier is None:
        total = f"of {format_count(forecast.total)} announced"
    else:
        total = f"of about {format_count(forecast.total)}, as in {plural(forecast.earlier, 'earlier run')}"
    to_go = "" if forecast.remaining is None else f"; about {rough_duration(forecast.remaining)} to go"
    return f"{format_percent(forecast.percent)} {total}{to_go}"


def missing_words(run: Run) -> str:
    """ "3 of 10,000 actions are missing: the sender counts 10,000, 9,997 arrived"; empty when all are there."""
    processed = run.counts.processed
    is_finished = run.progress is Progress.FINISHED
    claimed = run.claimed.get("processed", run.expected if is_finished else None)
    if claimed is None or claimed == processed:
        return ""
    word = "counts" if "processed" in run.claimed else "announced"
    difference = abs(claimed - processed)
    if claimed > processed:
        missing = (
            f"{format_count(difference)} of {plural(claimed, 'action')} {'is' if difference == 1 else 'are'} missing"
        )
    else:
        missing = f"{plural(difference, 'action')} more than that arrived"
    return f"{missing}: the sender {word} {format_count(claimed)}, {format_count(processed)} arrived"


def other_claims(run: Run) -> str:
    """ "70 errors (60 here), 2 infos (0 here)": whatever else the sender counts otherwise; empty when nothing is."""
    return ", ".join(
        f"{format_count(each.claimed)} {each.name} ({format_count(each.recorded)} here)"
        for each in disagreements(run)
        if each.name != "processed"
    )
