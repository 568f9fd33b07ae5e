-- How many batches and bytes does each day take? Batches without actions count on the day they came.
-- chart: stacked bars of bytes over day by kind
select
    coalesce(last_at, uuid_extract_timestamp(batch_id::uuid))::date as day,
    kind,
    count(*) as batches, sum(rows) as rows, sum(bytes) as bytes
from batches
group by day, kind
order by day desc, kind
