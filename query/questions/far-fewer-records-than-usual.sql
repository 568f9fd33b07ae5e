-- Which runs had far fewer records than the ten runs before them usually had?
with compared as (
    select
        run_id, integration, configuration, trigger, begun_at, status, processed,
        progress in ('FINISHED', 'ABORTED') or heard_at < now() - interval 1 hour as is_over,
        count(*) over before as runs_before,
        median(processed) over before as usual
    from runs
    window before as (
        partition by integration, configuration, trigger
        order by begun_at
        rows between 10 preceding and 1 preceding
    )
)
select
    run_id, integration, configuration, trigger, begun_at, status, processed, usual,
    round(100 * processed / usual, 1) as percent_of_usual
from compared
where is_over and runs_before >= 2 and processed < 0.7 * usual
order by percent_of_usual, begun_at desc
limit 200
