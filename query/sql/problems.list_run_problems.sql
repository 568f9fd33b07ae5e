-- Which failures did a run have, each kind once, worst first, then most frequent?
-- parameters: files; run_id; examples: how many actions to show of each; limit
-- columns: problem_id; status_rank: 1 to 3, the worst; count; records: how many different records;
--   first_us, last_us: microseconds since 1970; operations, codes: those that occur; examples: the first of the worst, as (batch_id, row)
with failures as (
    select
        problem_id, batch_id, row, happened_at, operation, code,
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
    epoch_us(min(happened_at)) as first_us,
    epoch_us(max(happened_at)) as last_us,
    list_sort(list(distinct operation)) as operations,
    coalesce(list_sort(list(distinct code) filter (where code is not null)), []) as codes,
    arg_min({'batch_id': batch_id, 'row': row}, (-rank, happened_at, batch_id, row), $examples) as examples
from failures
group by problem_id
order by status_rank desc, count desc, problem_id
limit $limit
