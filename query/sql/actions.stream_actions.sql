-- Which actions match, in the order they lie in the lake?
-- parameters: files; run_id, problem_id, record, type, since, until, q or null;
--   statuses, operations, texts, likes, unlikes: lists or null
-- columns: those of an action
select
    batch_id, row, run_id, integration, configuration, trigger, happened_at, operation, status, source_type,
    source_id, source_name, target_type, target_id, target_name, code, message, details, duration_ms,
    problem_id
from actions_in($files)
where
    is_wanted($run_id, $statuses, $operations, $problem_id, $record, $type, $since, $until, $q)
    and has_texts($texts)
    and says($likes, $unlikes)
