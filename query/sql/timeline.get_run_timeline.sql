-- How many actions of a run had which status in each span of time?
-- parameters: files; run_id; start_us: where the first span starts, microseconds since 1970; bucket_us: its length
-- columns: place: 0 for the first span; ok, info, warning, error: actions by status
select
    (epoch_us(happened_at) - $start_us) // $bucket_us as place,
    count(*) filter (where status = 'OK') as ok,
    count(*) filter (where status = 'INFO') as info,
    count(*) filter (where status = 'WARNING') as warning,
    count(*) filter (where status = 'ERROR') as error
from actions_in($files)
where run_id = $run_id
group by place
order by place
