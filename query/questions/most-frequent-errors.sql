-- Which errors are the most frequent of each integration?
-- chart: stacked bars of count over message by integration
select integration, problem_id, count, records, runs, first_at, last_at, message
from problems
where status = 'ERROR'
qualify row_number() over (partition by integration order by count desc, problem_id) <= 5
order by integration, count desc, problem_id
