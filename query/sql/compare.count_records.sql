-- How many records of two runs differ in which way?
-- A record is the source by its id, else the target by its id, else whichever of them has a name.
-- parameters: files; a, b: ids of the earlier and of the later run
-- columns: in_a, in_b, in_both: records; named_only: those without an id; unnamed_a, unnamed_b: actions that name no record;
--   failing_now … updated_again: records of each difference, see compare.list_records
with touched as (
    -- Two scans: where every source has an id, the second reads nothing, and names and targets are never looked at.
    select run_id = $b as is_b, source_type as record_type, source_id as record, true as has_id, status, operation
    from actions_in($files)
    where run_id in ($a, $b) and source_id is not null
    union all
    select
        run_id = $b,
        if(target_id is null and source_name is not null, source_type, target_type),
        coalesce(target_id, source_name, target_name),
        target_id is not null,
        status,
        operation
    from actions_in($files)
    where run_id in ($a, $b) and source_id is null
),
ranked as (
    select
        is_b, record_type, record, has_id,
        case status when 'ERROR' then 3 when 'WARNING' then 2 when 'INFO' then 1 else 0 end as rank,
        case operation when 'CREATE' then 1 when 'UPDATE' then 2 when 'DELETE' then 4 else 8 end as operation
    from touched
),
records as (
    select
        record_type, record, has_id,
        max(rank) filter (where not is_b) as rank_a,
        max(rank) filter (where is_b) as rank_b,
        bit_or(operation) filter (where not is_b) as operations_a,
        bit_or(operation) filter (where is_b) as operations_b,
        count(*) filter (where not is_b) as actions_a,
        count(*) filter (where is_b) as actions_b
    from ranked
    group by record_type, record, has_id
)
select
    count(rank_a) filter (where record is not null) as in_a,
    count(rank_b) filter (where record is not null) as in_b,
    count(*) filter (where record is not null and rank_a is not null and rank_b is not null) as in_both,
    count(*) filter (where record is not null and not has_id) as named_only,
    coalesce(sum(actions_a) filter (where record is null), 0)::bigint as unnamed_a,
    coalesce(sum(actions_b) filter (where record is null), 0)::bigint as unnamed_b,
    count(*) filter (where record is not null and rank_b = 3 and rank_a is distinct from 3) as failing_now,
    count(*) filter (where record is not null and rank_a = 3 and rank_b is distinct from 3) as failing_then,
    count(*) filter (where record is not null and rank_a = 3 and rank_b = 3) as failing_both,
    count(*) filter (where record is not null and rank_b is null) as vanished,
    count(*) filter (where record is not null and rank_a is null) as appeared,
    count(*) filter (where record is not null and operations_a <> operations_b) as operation_changed,
    count(*) filter (where record is not null and operations_a & operations_b & 2 > 0 and greatest(rank_a, rank_b) < 3)
        as updated_again
from records
