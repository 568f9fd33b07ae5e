-- How many actions a minute did a run do? Without a run_id: the run with the newest begin.
-- chart: stacked bars of actions over minute by status
select date_trunc('minute', happened_at) as minute, status, count(*) as actions
from actions
where run_id = coalesce($run_id, (select arg_max(run_id, begun_at) from runs where processed > 0))
group by minute, status
order by minute, status
