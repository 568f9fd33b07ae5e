-- How many records of two runs differ in which way?
-- A record is the source by its id, else the target by its id, else whichever of them has a name.
-- parameters: files; a, b: ids of the earlier and of the later run
-- columns: in_a, in_b, in_both: records; named_only: those without an id; unnamed_a, unnamed_b: actions that name no record;
--   failing_now … updated_again: records of each difference, see compare.list_records
with ranked as (
    select
        is_b, record_type, record, has_id,
        case status when 'ERROR' then 3 when 'WARNING' then 2 when 'INFO' then 1 else 0 end as rank,
        case operation when 'CREATE' then 1 when 'UPDATE' then 2 when 'DELETE' then 4 else 8 end as operation
    from touched_in($files, $a, $b)
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
