-- How much does each integration do a day?
-- chart: stacked bars of processed over day by integration
select
    begun_at::date as day,
    integration,
    count(*) as runs,
    sum(processed) as processed,
    sum(creates + updates + deletes) as changed,
    sum(errors) as errors
from runs
group by day, integration
order by day desc, integration
