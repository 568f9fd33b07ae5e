-- What happened to one record? Fill in its id, of either side; without one it is the record that failed last.
with chosen as (
    select coalesce($record_id, arg_max(coalesce(source_id, target_id), happened_at)) as record_id
    from actions
    where status = 'ERROR'
)
select happened_at, integration, configuration, operation, status, message, run_id,
    source_type, source_id, target_type, target_id
from actions
where (select record_id from chosen) in (source_id, target_id)
order by happened_at desc
limit 500
