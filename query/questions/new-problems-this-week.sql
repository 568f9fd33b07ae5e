-- Which problems came up for the first time in the last seven days of what was recorded?
select problem_id, integration, status, count, records, runs, first_at, last_at, message
from problems
where first_at >= (select max(last_at) - interval 7 days from batches where kind = 'actions')
order by case status when 'ERROR' then 1 when 'WARNING' then 2 else 3 end, count desc, problem_id
limit 200
