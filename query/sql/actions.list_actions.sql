-- What are the actions with these ids?
-- parameters: files; run_id; batch_ids, rows: the two parts of each id, as lists of one length
-- columns: those of an action, happened_at as happened_us: microseconds since 1970
select
    batch_id, row, run_id, integration, configuration, trigger, epoch_us(happened_at) as happened_us,
    operation, status, source_type, source_id, source_name, target_type, target_id, target_name,
    code, message, details, duration_ms, problem_id
from actions_in($files)
where
    run_id = $run_id
    and (batch_id, row) in (select (unnest($batch_ids), unnest($rows)))
