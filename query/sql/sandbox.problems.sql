-- What went wrong, each kind of failure once an integration? The view ``problems`` of SQL by users.
-- parameters: none; reads the view ``actions``
-- columns: problem_id, integration; status: the worst; count; records: how many different records; runs: how many;
--   first_at, last_at; message: of its first action
select
    problem_id,
    integration,
    case max(case status when 'ERROR' then 3 when 'WARNING' then 2 else 1 end)
        when 3 then 'ERROR'
        when 2 then 'WARNING'
        else 'INFO'
    end as status,
    count(*) as count,
    count(distinct coalesce(source_id, source_name, target_id, target_name)) as records,
    count(distinct run_id) as runs,
    min(happened_at) as first_at,
    max(happened_at) as last_at,
    arg_min(message, (happened_at, batch_id, row)) as message
from actions
where problem_id is not null
group by problem_id, integration
