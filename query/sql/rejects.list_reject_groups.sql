-- Which refused lines are alike, those refused last first?
-- parameters: files; source, run_id, code, field, since, until, q: or null; claims: keys that replays took lately;
--   is_replayed: true or false for those that were or were not replayed, or null; limit
-- columns: source, code, field; count; runs: how many different ones; first_us, last_us; message: of the last of them
with replays as (
    select distinct replayed
    from rejects_in($files)
    where replayed is not null
)
select
    lines.source, lines.code, lines.field, count(*) as count, count(distinct lines.run_id) as runs,
    min(epoch_us(lines.received_at)) as first_us, max(epoch_us(lines.received_at)) as last_us,
    arg_max(lines.message, (lines.received_at, lines.batch_id, lines.row)) as message
from rejects_in($files) as lines left join replays on lines.batch_id || '.' || lines.row = replays.replayed
where
    lines.replayed is null
    and ($source is null or source = $source)
    and ($run_id is null or run_id = $run_id)
    and ($code is null or code = $code)
    and ($field is null or coalesce(field, '') = $field)
    and ($since is null or received_at >= $since)
    and ($until is null or received_at < $until)
    and (
        $q is null
        or contains(lower(raw), lower($q))
        or contains(lower(message), lower($q))
        or contains(lower(source), lower($q))
    )
    and (
        $is_replayed is null
        or $is_replayed = (
            replays.replayed is not null
            or coalesce(list_contains($claims, 'reject ' || lines.batch_id || '.' || lines.row), false)
        )
    )
group by lines.source, lines.code, lines.field
order by last_us desc, count desc, lines.source, lines.code, lines.field
limit $limit
