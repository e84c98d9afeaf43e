-- What waited in the queue at each of the times of $1, which ascend; of department $2, or all.
with waiting as materialized (
    select stay.since, stay.until, t.department
    from (
        select ticket_id as id, since, until from ticket_stay
        where state = 'new' and tstzrange(since, until, '(]')
            && tstzrange(($1::timestamptz[])[1], ($1::timestamptz[])[cardinality($1::timestamptz[])], '[]')
        union all
        select id, coalesce(state_since, created_at), 'infinity' from ticket
        where state = 'new' and coalesce(state_since, created_at) < ($1::timestamptz[])[cardinality($1::timestamptz[])]
    ) as stay
    join ticket t on t.id = stay.id
    where $2::uuid is null or t.department = $2
)
select (hour.place - 1) as "hour!", w.department, count(*) as "waiting!", min(w.since) as "longest_since!"
from unnest($1::timestamptz[]) with ordinality as hour (at, place)
join waiting w on w.since < hour.at and w.until >= hour.at
group by 1, 2
order by 1, 2
