-- Which record types and operations took most of a run's time, by the durations of its actions?
-- parameters: files; run_id; limit
-- columns: record_type: of the target, else of the source; operation; count: actions with a duration;
--   total_ms; longest_ms; batch_id, row: the longest action
with timed as (
    select
        coalesce(target_type, source_type) as record_type,
        operation, duration_ms, happened_at, batch_id, row
    from actions_in($files)
    where run_id = $run_id and duration_ms is not null
)
select
    record_type,
    operation,
    count(*) as count,
    sum(duration_ms)::double as total_ms,
    max(duration_ms) as longest_ms,
    arg_min(batch_id, (-duration_ms::hugeint, happened_at, batch_id, row)) as batch_id,
    arg_min(row, (-duration_ms::hugeint, happened_at, batch_id, row)) as row
from timed
group by record_type, operation
order by total_ms desc, record_type, operation
limit $limit
