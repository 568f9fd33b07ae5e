-- When was nothing heard of a run for longest, between two of its actions?
-- parameters: files; run_id; limit
-- columns: after_us: the action before the pause, microseconds since 1970; pause_us: until the next one
with moments as (
    select
        happened_at,
        epoch_us(lead(happened_at) over (order by happened_at)) - epoch_us(happened_at) as pause_us
    from actions_in($files)
    where run_id = $run_id
)
select
    epoch_us(happened_at) as after_us,
    pause_us
from moments
where pause_us > 0
order by pause_us desc, happened_at
limit $limit
