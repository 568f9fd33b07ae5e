-- Which records of two runs differ in one way, or in any, by type and id, after the record where the last page ended?
-- A record is the source by its id, else the target by its id, else whichever of them has a name.
-- parameters: files; a, b: ids of the earlier and of the later run; difference: one of those below, or null for any;
--   after_type, after_record, after_id: the last record of that page, or null; limit: or null
-- columns: record_type, record_id; record_name: what the later run calls it, else the earlier; differences: words with a blank between;
--   of each run, null where the record is not in it: status_a: the worst; operations_a: words with a blank between;
--   code_a, message_a, action_a: of the first of the worst, the message cut to what a page could show
with ranked as (
    select
        is_b, record_type, record, has_id,
        case status when 'ERROR' then 3 when 'WARNING' then 2 when 'INFO' then 1 else 0 end as rank,
        case operation when 'CREATE' then 1 when 'UPDATE' then 2 when 'DELETE' then 4 else 8 end as operation
    from touched_in($files, $a, $b)
    where record is not null
),
records as (
    select
        record_type, record, has_id,
        max(rank) filter (where not is_b) as rank_a,
        max(rank) filter (where is_b) as rank_b,
        bit_or(operation) filter (where not is_b) as operations_a,
        bit_or(operation) filter (where is_b) as operations_b
    from ranked
    group by record_type, record, has_id
),
differing as (
    select
        record_type, record, has_id, rank_a, rank_b, operations_a, operations_b,
        concat_ws(
            ' ',
            if(rank_b = 3 and rank_a is distinct from 3, 'failing-now', null),
            if(rank_a = 3 and rank_b is distinct from 3, 'failing-then', null),
            if(rank_a = 3 and rank_b = 3, 'failing-both', null),
            if(rank_b is null, 'vanished', null),
            if(rank_a is null, 'appeared', null),
            if(operations_a <> operations_b, 'operation-changed', null),
            if(operations_a & operations_b & 2 > 0 and greatest(rank_a, rank_b) < 3, 'updated-again', null)
        ) as differences
    from records
),
chosen as materialized (
    select record_type, record, has_id, rank_a, rank_b, operations_a, operations_b, differences
    from differing
    where
        differences <> ''
        and contains(differences, coalesce($difference, ''))  -- no word is part of another
        and (
            $after_record is null
            or (coalesce(record_type, ''), record, has_id) > (coalesce($after_type, ''), $after_record, $after_id)
        )
    order by coalesce(record_type, ''), record, has_id
    limit $limit
),
told as (
    -- Two scans, as in touched_in: where every source has an id, the second reads nothing, and the first no target.
    select
        run_id = $b as is_b,
        source_type as record_type,
        source_id as record,
        true as has_id,
        source_name as name,
        case status when 'ERROR' then 3 when 'WARNING' then 2 when 'INFO' then 1 else 0 end as rank,
        happened_at, batch_id, row, code,
        left(message, 4000) as message
    from actions_in($files)
    where run_id in ($a, $b) and source_id in (select record from chosen)
    union all
    select
        run_id = $b,
        if(target_id is null and source_name is not null, source_type, target_type),
        coalesce(target_id, source_name, target_name),
        target_id is not null,
        if(target_id is null, source_name, target_name),
        case status when 'ERROR' then 3 when 'WARNING' then 2 when 'INFO' then 1 else 0 end,
        happened_at, batch_id, row, code,
        left(message, 4000)
    from actions_in($files)
    where run_id in ($a, $b) and source_id is null
),
gathered as (
    select
        chosen.record_type, chosen.record, chosen.has_id, rank_a, rank_b, operations_a, operations_b, differences,
        arg_min(
            {'name': name, 'code': code, 'message': message, 'action_id': batch_id || '.' || row},
            (-rank, happened_at, batch_id, row)
        ) filter (not is_b) as told_a,
        arg_min(
            {'name': name, 'code': code, 'message': message, 'action_id': batch_id || '.' || row},
            (-rank, happened_at, batch_id, row)
        ) filter (is_b) as told_b
    from chosen
    join told
        on told.record = chosen.record
        and told.has_id = chosen.has_id
        and told.record_type is not distinct from chosen.record_type
    group by all
)
select
    record_type,
    if(has_id, record, null) as record_id,
    if(has_id, coalesce(told_b.name, told_a.name), record) as record_name,
    differences,
    ['OK', 'INFO', 'WARNING', 'ERROR'][rank_a + 1] as status_a,
    ['OK', 'INFO', 'WARNING', 'ERROR'][rank_b + 1] as status_b,
    concat_ws(
        ' ',
        if(operations_a & 1 > 0, 'CREATE', null),
        if(operations_a & 2 > 0, 'UPDATE', null),
        if(operations_a & 4 > 0, 'DELETE', null),
        if(operations_a & 8 > 0, 'NONE', null)
    ) as operations_a,
    concat_ws(
        ' ',
        if(operations_b & 1 > 0, 'CREATE', null),
        if(operations_b & 2 > 0, 'UPDATE', null),
        if(operations_b & 4 > 0, 'DELETE', null),
        if(operations_b & 8 > 0, 'NONE', null)
    ) as operations_b,
    told_a.code as code_a,
    told_b.code as code_b,
    told_a.message as message_a,
    told_b.message as message_b,
    told_a.action_id as action_a,
    told_b.action_id as action_b
from gathered
order by coalesce(record_type, ''), record, has_id
