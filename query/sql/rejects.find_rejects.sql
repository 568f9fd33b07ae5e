-- Which refused lines match, newest first, after the place where the last page ended?
-- parameters: files; source, run_id, code, field, since, until, q: or null; ids: batch_id.row, or null;
--   claims: keys that replays took lately; is_replayed: true or false for those that were or were not replayed, or null;
--   after_at, after_batch, after_row: the last reject of that page, or null; shown: characters of raw; limit
-- columns: those of a reject, received_at as received_us: microseconds since 1970; raw_length; replayed_us: 0 where
--   nobody has noted yet when
with
told as (
    select replayed as reject_id, epoch_us(received_at) as replayed_us
    from rejects_in($files)
    where replayed is not null
    union all
    select substr(unnest($claims), 8) as reject_id, 0 as replayed_us
),
replays as (
    select reject_id, max(replayed_us) as replayed_us
    from told
    group by reject_id
)
select
    lines.batch_id, lines.row, epoch_us(lines.received_at) as received_us, lines.source, lines.run_id, lines.line,
    lines.field, lines.code, lines.message, left(lines.raw, $shown) as raw, length(lines.raw) as raw_length,
    lines.given, replays.replayed_us
from rejects_in($files) as lines left join replays on lines.batch_id || '.' || lines.row = replays.reject_id
where
    is_wanted_line($source, $run_id, $code, $field, $since, $until, $q)
    and ($ids is null or list_contains($ids, lines.batch_id || '.' || lines.row))
    and ($is_replayed is null or $is_replayed = (replays.reject_id is not null))
    and (
        $after_at is null
        or (lines.received_at, lines.batch_id, lines.row) < ($after_at, $after_batch, $after_row)
    )
order by lines.received_at desc, lines.batch_id desc, lines.row desc
limit $limit
