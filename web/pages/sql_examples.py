"""Questions to start from on the SQL page, and the columns it names."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from ingest.schema import ACTION_SCHEMA
from query.index_tables import BATCH_TABLE_SCHEMA, RUN_TABLE_SCHEMA

VIEWS: Mapping[str, tuple[str, ...]] = {
    "actions": tuple(ACTION_SCHEMA.names),
    "runs": tuple(RUN_TABLE_SCHEMA.names),
    "problems": (
        *("problem_id", "integration", "status", "count", "records", "runs"),
        *("first_at", "last_at", "message"),
    ),
    "batches": tuple(BATCH_TABLE_SCHEMA.names),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A question and the statement that answers it."""

    question: str
    sql: str

    @property
    def address(self) -> str:
        return "/sql?" + urlencode({"sql": self.sql})


EXAMPLES = (
    Example(
        question="Which failures come up most?",
        sql="""\
select integration, status, count, records, runs, last_at, message
from problems
order by count desc
limit 20""",
    ),
    Example(
        question="What happened to one record?",
        sql="""\
select happened_at, integration, operation, status, message, run_id
from actions
where 'put an id here' in (source_id, target_id)
order by happened_at""",
    ),
    Example(
        question="How much does each integration do a day?",
        sql="""\
select happened_at::date as day, integration,
    count(*) as processed,
    count(*) filter (operation <> 'NONE') as changed,
    count(*) filter (status = 'ERROR') as errors
from actions
group by day, integration
order by day desc, integration""",
    ),
    Example(
        question="Which runs took longest?",
        sql="""\
select run_id, integration, configuration, status, duration_ms, processed
from runs
order by duration_ms desc nulls last
limit 20""",
    ),
)
