-- How many tickets were not over just before $1, by kind, department ($2, or all) and channel.
select t.kind as "kind!", t.department, opened_by(t.channel, t.cause_source) as "channel!", count(*) as "tickets!"
from (
    select ticket_id as id from ticket_stay
    where state not in ('closed', 'canceled', 'merged') and tstzrange(since, until, '(]') @> $1::timestamptz
    union all
    select id from ticket where state not in ('closed', 'canceled', 'merged') and coalesce(state_since, created_at) < $1
) as open
join ticket t on t.id = open.id
where $2::uuid is null or t.department = $2
group by 1, 2, 3
order by 1, 2, 3
