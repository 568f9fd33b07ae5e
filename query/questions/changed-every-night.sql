-- Which records are changed again and again (churn)?
with changes as (
    select integration, target_type, target_id, any_value(target_name) as target_name,
        count(distinct run_id) as runs_with_changes, max(happened_at) as last_at
    from actions
    where operation = 'UPDATE' and status <> 'ERROR' and target_id is not null
    group by integration, target_type, target_id
    having count(distinct run_id) >= 2
    order by runs_with_changes desc, last_at desc, target_id
    limit 200
),
visits as (
    select actions.integration, actions.target_type, actions.target_id, count(distinct actions.run_id) as runs
    from actions
    semi join changes
        on changes.integration = actions.integration
        and changes.target_type is not distinct from actions.target_type
        and changes.target_id = actions.target_id
    group by all
)
select
    changes.integration, changes.target_type, changes.target_id, target_name, runs_with_changes, runs,
    round(100 * runs_with_changes / runs, 1) as percent_of_runs,
    last_at
from changes
join visits
    on visits.integration = changes.integration
    and visits.target_type is not distinct from changes.target_type
    and visits.target_id = changes.target_id
order by runs_with_changes desc, percent_of_runs desc, changes.target_id
