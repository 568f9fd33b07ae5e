-- Which trigger fails most?
select
    integration,
    trigger,
    count(*) as runs,
    count(*) filter (status = 'ERROR') as failed_runs,
    round(100 * count(*) filter (status = 'ERROR') / count(*), 1) as percent_failed,
    sum(errors) as errors,
    round(1000 * sum(errors) / nullif(sum(processed), 0), 2) as errors_per_1000_actions,
    max(begun_at) filter (status = 'ERROR') as last_failed_at
from runs
group by integration, trigger
order by percent_failed desc, errors desc, integration, trigger
