-- How many batches and bytes does each day take?
-- chart: stacked bars of bytes over day by kind
select last_at::date as day, kind, count(*) as batches, sum(rows) as rows, sum(bytes) as bytes
from batches
group by day, kind
order by day desc, kind
