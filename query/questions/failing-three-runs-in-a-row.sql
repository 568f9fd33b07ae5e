-- Which records failed in each of the last three runs that touched them?
with failing as (
    select integration, configuration, coalesce(source_id, target_id) as record_id
    from actions
    where status = 'ERROR' and coalesce(source_id, target_id) is not null
    group by all
    having count(distinct run_id) >= 3
),
visits as (
    select
        integration, configuration, record_id, run_id,
        min(happened_at) as begun_at,
        bool_or(status = 'ERROR') as is_failed,
        arg_max(coalesce(source_type, target_type), happened_at) as record_type,
        arg_max(coalesce(source_name, target_name), happened_at) as record_name,
        arg_max(message, happened_at) filter (status = 'ERROR') as message
    from (select *, coalesce(source_id, target_id) as record_id from actions)
    semi join failing using (record_id)
    group by integration, configuration, record_id, run_id
),
last_three as (
    select *
    from visits
    qualify row_number() over (partition by integration, configuration, record_id order by begun_at desc) <= 3
)
select
    integration,
    configuration,
    any_value(record_type) as record_type,
    record_id,
    any_value(record_name) as record_name,
    max(begun_at) as last_failed_at,
    arg_max(run_id, begun_at) as last_run_id,
    arg_max(message, begun_at) as last_message
from last_three
group by integration, configuration, record_id
having count(*) = 3 and bool_and(is_failed)
order by last_failed_at desc, integration, record_id
limit 500
