-- Which refused lines match, newest first, after the place where the last page ended?
-- parameters: files; source, run_id, code, field, since, until, q, ids (batch_id.row): or null;
--   claims: keys that replays took lately; is_replayed: true or false for those that were or were not replayed, or null;
--   after_at, after_batch, after_row: the last reject of that page, or null; shown: characters of raw; limit
-- columns: those of a reject, received_at as received_us: microseconds since 1970; raw_length; replayed_us
with
replays as (
    select replayed, min(epoch_us(received_at)) as replayed_us
    from rejects_in($files)
    where replayed is not null
    group by replayed
),
lines as (
    select
        batch_id, row, received_at, source, run_id, line, field, code, message, raw, given,
        batch_id || '.' || row as reject_id
    from rejects_in($files)
    where
        replayed is null
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
        and ($after_at is null or (received_at, batch_id, row) < ($after_at, $after_batch, $after_row))
)
select
    lines.batch_id, lines.row, epoch_us(lines.received_at) as received_us, lines.source, lines.run_id, lines.line,
    lines.field, lines.code, lines.message, left(lines.raw, $shown) as raw, length(lines.raw) as raw_length,
    lines.given, coalesce(replays.replayed_us, case when list_contains($claims, 'reject ' || reject_id) then 0 end)
        as replayed_us
from lines left join replays on lines.reject_id = replays.replayed
where
    ($ids is null or list_contains($ids, reject_id))
    and (
        $is_replayed is null
        or $is_replayed = (replays.replayed is not null or coalesce(list_contains($claims, 'reject ' || reject_id), false))
    )
order by lines.received_at desc, lines.batch_id desc, lines.row desc
limit $limit
