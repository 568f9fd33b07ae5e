-- Which failures did a run have, and how often, each kind once, worst first, then most frequent?
-- parameters: files; run_id; limit
-- columns: problem_id; status_rank: 1 to 3, the worst; count; records: how many different records;
--   example: what the first of the worst says, its message cut to what a page could show
with failures as (
    select
        problem_id, batch_id, row, happened_at, operation, status, code,
        left(message, 4000) as message,
        case status when 'ERROR' then 3 when 'WARNING' then 2 else 1 end as rank,
        coalesce(source_id, source_name, target_id, target_name) as record,
        if(coalesce(source_id, source_name) is null, target_type, source_type) as record_type
    from actions_in($files)
    where run_id = $run_id and problem_id is not null
)
select
    problem_id,
    max(rank) as status_rank,
    count(*) as count,
    count(distinct (record_type, record)) filter (where record is not null) as records,
    arg_min(
        {'message': message, 'code': code, 'operation': operation, 'status': status},
        (-rank, happened_at, batch_id, row)
    ) as example
from failures
group by problem_id
order by status_rank desc, count desc, problem_id
limit $limit
