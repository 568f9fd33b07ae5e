-- Which fields go back and forth between two values? For senders that say before and after in the details.
with said as (
    select integration, run_id, happened_at, target_type, coalesce(target_id, source_id) as record_id,
        json_extract(details, '$.changes') as changes
    from actions
    where contains(details, '"changes"') and json_valid(details)
),
changed as (
    select
        integration, run_id, happened_at, target_type, record_id,
        coalesce(each.value ->> '$.field', each.value ->> '$.name', each.key) as field,
        coalesce(each.value ->> '$.before', each.value ->> '$.old', each.value ->> '$.from') as before,
        coalesce(each.value ->> '$.after', each.value ->> '$.new', each.value ->> '$.to') as after
    from said, json_each(said.changes) as each
),
in_turn as (
    select
        *,
        lag(before) over field_of_record as before_that,
        lag(integration) over field_of_record as integration_before
    from changed
    window field_of_record as (partition by target_type, record_id, field order by happened_at)
)
select
    target_type,
    record_id,
    field,
    count(*) as times_back,
    arg_max(before, happened_at) as from_value,
    arg_max(after, happened_at) as back_to_value,
    string_agg(distinct integration_before || ' → ' || integration, ', ') as integrations,
    max(happened_at) as last_at,
    arg_max(run_id, happened_at) as last_run_id
from in_turn
where after = before_that and before <> after
group by target_type, record_id, field
order by times_back desc, last_at desc, record_id, field
limit 200
