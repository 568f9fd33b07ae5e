"""What the arguments of a page's address mean: those of the API, and times said as how long ago.

Every bad value is named in an InvalidInput; an empty one, as forms send it, says nothing.
"""

from datetime import datetime

from ingest.errors import InvalidInput
from query.action_matches import saying
from query.actions import ActionFilter
from query.runs import RUN_SORTS, RunFilter
from query.search_fields import moment_ago
from web.api.query_parameters import (
    operations_of,
    progress_of,
    ranges_of,
    read_instant,
    sort_of,
    status_of,
    statuses_of,
    text_of,
)

TIME_RANGES = {"1h": "Last hour", "24h": "Last 24 hours", "7d": "Last 7 days", "30d": "Last 30 days"}


def read_run_filter(*, now: datetime) -> RunFilter:
    """Which runs a list shows; ``range=24h`` is a ``since`` that moves with the clock."""
    return RunFilter(
        integration=text_of("integration"),
        configuration=text_of("configuration"),
        trigger=text_of("trigger"),
        progress=progress_of(),
        status=status_of(),
        since=moment_of("since", now=now) or moment_of("range", now=now),
        until=moment_of("until", now=now),
        q=text_of("q"),
        ranges=ranges_of(),
    )


def read_action_filter(*, now: datetime) -> ActionFilter:
    """Which actions of a run are shown."""
    asked = ActionFilter(
        statuses=statuses_of(),
        operations=operations_of(),
        problem_id=text_of("problem_id"),
        record=text_of("record"),
        record_type=text_of("type"),
        since=moment_of("since", now=now),
        until=moment_of("until", now=now),
    )
    return saying(asked, text_of("q"), now=now)


def read_run_sort() -> str:
    return sort_of(tuple(RUN_SORTS), default="-begun_at")


def read_action_sort() -> str:
    return sort_of(("happened_at",), default="happened_at")


def moment_of(name: str, *, now: datetime) -> datetime | None:
    """A time (UTC where it names no zone) or how long ago: 30m, 24h, 7d, 2w."""
    text = text_of(name)
    return None if text is None else read_moment(text, name, now=now)


def read_moment(text: str, name: str, *, now: datetime) -> datetime:
    try:
        return moment_ago(text, now=now) or read_instant(text, name)
    except OverflowError as error:
        raise InvalidInput(f"{name}: {text} ago is before the year 1", field=name) from error
