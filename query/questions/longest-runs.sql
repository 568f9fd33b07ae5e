-- Which runs took longest?
-- chart: bars of seconds over run_id
select run_id, integration, configuration, trigger, status, begun_at, duration_ms / 1000 as seconds, processed
from runs
where duration_ms is not null
order by duration_ms desc, run_id
limit 50
