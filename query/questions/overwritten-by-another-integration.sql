-- What did one integration overwrite of another?
with changes as (
    select target_type, target_id, target_name, integration, operation, happened_at, run_id, status
    from actions
    where operation <> 'NONE' and status <> 'ERROR' and target_id is not null
),
shared as (
    select target_type, target_id
    from changes
    group by target_type, target_id
    having min(integration) <> max(integration)
),
in_turn as (
    select
        changes.*,
        lag(integration) over record as integration_before,
        lag(happened_at) over record as changed_before_at
    from changes
    semi join shared
        on shared.target_type is not distinct from changes.target_type
        and shared.target_id = changes.target_id
    window record as (partition by target_type, target_id order by happened_at)
)
select
    integration_before,
    integration as overwritten_by,
    target_type,
    target_id,
    any_value(target_name) as target_name,
    count(*) as times,
    max(happened_at) as last_at,
    arg_max(run_id, happened_at) as last_run_id,
    arg_max(operation, happened_at) as last_operation
from in_turn
where integration_before <> integration
group by integration_before, integration, target_type, target_id
order by times desc, last_at desc, target_id
limit 500
