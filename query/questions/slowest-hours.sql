-- In which hours did an action take longest, from one to the next of its run?
-- chart: bars of ms_per_action over hour
with parts as (
    select
        run_id,
        date_trunc('hour', happened_at) as hour,
        count(*) as actions,
        epoch_ms(max(happened_at)) - epoch_ms(min(happened_at)) as busy_ms
    from actions
    group by run_id, hour
    having count(*) > 1
)
select
    hour,
    round(sum(busy_ms) / sum(actions), 3) as ms_per_action,
    sum(actions) as actions,
    count(*) as runs,
    arg_max(run_id, busy_ms) as longest_run_id
from parts
group by hour
order by ms_per_action desc, hour
limit 48
