-- What became of each resolution from $1 to $2; of department $3, or all.
select t.department, t.kind as "kind!",
       count(*) as "resolutions!",
       count(*) filter (where outcome = 'verified') as "verified!",
       count(*) filter (where outcome = 'unverified') as "unverified!",
       count(*) filter (where outcome = 'rejected') as "rejected!",
       count(*) filter (where outcome = 'merged') as "merged!",
       count(*) filter (where outcome = 'waiting') as "waiting!",
       count(distinct t.id) as "tickets!",
       count(distinct t.id) filter (where t.reopen_count = 1) as "reopened_once!",
       count(distinct t.id) filter (where t.reopen_count > 1) as "reopened_again!"
from (
    select ticket_id as id, coalesce(next_closure, case when next_state = 'merged' then 'merged' else 'rejected' end) as outcome
    from ticket_stay where state = 'resolved' and since >= $1 and since < $2
    union all
    select id, 'waiting' from ticket
    where state = 'resolved' and coalesce(state_since, created_at) >= $1 and coalesce(state_since, created_at) < $2
) as resolution
join ticket t on t.id = resolution.id
where $3::uuid is null or t.department = $3
group by 1, 2
order by 1, 2
