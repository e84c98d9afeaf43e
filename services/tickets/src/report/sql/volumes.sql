-- What happened on each of the days that begin at the times of $1 but the last, which is the end; of department $2, or all.
select width_bucket(happened.at, $1::timestamptz[]) as "day!", t.kind as "kind!", t.department,
       opened_by(t.channel, t.cause_source) as "channel!",
       count(*) filter (where happened.state is null) as "opened!",
       count(*) filter (where next_state = 'resolved') as "resolved!",
       count(*) filter (where next_closure = 'verified') as "closed_verified!",
       count(*) filter (where next_closure = 'unverified') as "closed_unverified!",
       count(*) filter (where next_state = 'canceled') as "canceled!",
       count(*) filter (where next_state = 'merged') as "merged!",
       count(*) filter (where happened.state = 'resolved' and next_state not in ('closed', 'canceled', 'merged')) as "rejected!",
       count(*) filter (where happened.state = 'closed') as "reopened!",
       count(*) filter (where happened.state = 'merged') as "unmerged!"
from (
    select id, created_at as at, null as state, 'new' as next_state, null as next_closure
    from ticket where created_at >= ($1::timestamptz[])[1] and created_at < ($1::timestamptz[])[cardinality($1::timestamptz[])]
    union all
    select ticket_id, until, state, next_state, next_closure
    from ticket_stay where until >= ($1::timestamptz[])[1] and until < ($1::timestamptz[])[cardinality($1::timestamptz[])]
        and (state in ('resolved', 'closed', 'merged') or next_state in ('resolved', 'closed', 'canceled', 'merged'))
) as happened
join ticket t on t.id = happened.id
where $2::uuid is null or t.department = $2
group by 1, 2, 3, 4
order by 1, 2, 3, 4
