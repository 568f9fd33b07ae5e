-- What happened to one record? Fill in its id, of either side.
select happened_at, integration, operation, status, message, run_id,
    source_type, source_id, target_type, target_id
from actions
where $record_id in (source_id, target_id)
order by happened_at desc
