-- Which records had errors and were never OK?
with failing as (
    select
        integration,
        configuration,
        coalesce(source_id, target_id) as record_id,
        any_value(coalesce(source_type, target_type)) as record_type,
        any_value(coalesce(source_name, target_name)) as record_name,
        count(*) as errors,
        count(distinct run_id) as runs,
        min(happened_at) as first_at,
        max(happened_at) as last_at,
        arg_max(message, happened_at) as last_message
    from actions
    where status = 'ERROR' and coalesce(source_id, target_id) is not null
    group by integration, configuration, record_id
),
fine as (
    select integration, configuration, coalesce(source_id, target_id) as record_id
    from actions
    where status = 'OK'
)
select integration, configuration, record_type, record_id, record_name, errors, runs, first_at, last_at, last_message
from failing
anti join fine
    on fine.integration is not distinct from failing.integration
    and fine.configuration is not distinct from failing.configuration
    and fine.record_id = failing.record_id
order by errors desc, last_at desc, record_id
limit 500
