-- Which actions match, newest first, after the place where the last page ended?
-- parameters: files; run_id, problem_id, record, type, since, until, q or null;
--   statuses, operations, texts, likes, unlikes: lists or null;
--   after_at, after_batch, after_row: the last action of that page, or null; limit
-- columns: those of an action, happened_at as happened_us: microseconds since 1970
-- Which ones is found out first, from a few columns: only the row groups that have them are then read whole.
with found as materialized (
    select file_index, file_row_number
    from actions_in($files)
    where
        is_wanted($run_id, $statuses, $operations, $problem_id, $record, $type, $since, $until, $q)
        and has_texts($texts)
        and says($likes, $unlikes)
        and ($after_at is null or happened_at <= $after_at)
        and ($after_at is null or (happened_at, batch_id, row) < ($after_at, $after_batch, $after_row))
    order by happened_at desc, batch_id desc, row desc
    limit $limit
)
select
    batch_id, row, run_id, integration, configuration, trigger, epoch_us(happened_at) as happened_us,
    operation, status, source_type, source_id, source_name, target_type, target_id, target_name,
    code, message, details, duration_ms, problem_id
from actions_in($files)
join found using (file_index, file_row_number)
order by happened_at desc, batch_id desc, row desc
