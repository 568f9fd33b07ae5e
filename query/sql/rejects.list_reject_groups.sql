-- Which refused lines are alike, those refused last first?
-- parameters: files; source, run_id, code, field, since, until, q: or null; claims: keys that replays took lately;
--   is_replayed: true or false for those that were or were not replayed, or null; limit
-- columns: source, code, field; count; runs: how many different ones; first_us, last_us; message: of the last of them
with replays as (
    select replayed as reject_id
    from rejects_in($files)
    where replayed is not null
    union
    select substr(unnest($claims), 8) as reject_id
)
select
    lines.source, lines.code, lines.field, count(*) as count, count(distinct lines.run_id) as runs,
    min(epoch_us(lines.received_at)) as first_us, max(epoch_us(lines.received_at)) as last_us,
    arg_max(lines.message, lines.received_at) as message
from rejects_in($files) as lines left join replays on lines.batch_id || '.' || lines.row = replays.reject_id
where
    is_wanted_line($source, $run_id, $code, $field, $since, $until, $q)
    and ($is_replayed is null or $is_replayed = (replays.reject_id is not null))
group by lines.source, lines.code, lines.field
order by last_us desc, count desc, lines.source, lines.code, lines.field
limit $limit
