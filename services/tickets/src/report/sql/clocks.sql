-- The clocks of ours of tickets that were opened from $1 to $2, as they stand at $4; of department $3, or all. What was called off counts for
-- nothing, unless it had been late before: that stays so, whatever comes.
with opened as materialized (
    select id, department, priority from ticket
    where created_at >= $1 and created_at < $2 and ($3::uuid is null or department = $3)
), counted as (
    select t.department, c.kind, t.priority, c.state, c.taken_us,
           c.breached_at is not null or (c.state = 'running' and c.due_at <= $4::timestamptz) as is_late
    from opened t
    join clock c on c.ticket_id = t.id and (c.state <> 'canceled' or c.breached_at is not null) and c.kind <> 'verification'
)
select department, kind as "kind!", priority as "priority!",
       count(*) as "counted!",
       count(*) filter (where state = 'met' and not is_late) as "met_in_time!",
       count(*) filter (where state = 'met' and is_late) as "met_late!",
       count(*) filter (where state <> 'met' and is_late) as "overdue!",
       count(*) filter (where state <> 'met' and not is_late) as "under_way!",
       count(taken_us) as "measured!",
       percentile_disc(0.5) within group (order by taken_us) as p50,
       percentile_disc(0.9) within group (order by taken_us) as p90
from counted
group by 1, 2, 3
order by 1, 2, 3
