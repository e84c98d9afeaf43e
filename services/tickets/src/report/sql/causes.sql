-- What the root problem of tickets was that were resolved from $1 to $2; of department $3, or all.
select t.root_cause as "cause!", t.root_rule as handbook_rule, t.department,
       count(*) as "tickets!",
       count(*) filter (where t.reopen_count > 0) as "reopened!"
from (select distinct ticket_id as id from ticket_stay where until >= $1 and until < $2 and next_state = 'resolved') as resolved
join ticket t on t.id = resolved.id
where t.root_cause is not null and ($3::uuid is null or t.department = $3)
group by 1, 2, 3
order by 1, 2, 3
