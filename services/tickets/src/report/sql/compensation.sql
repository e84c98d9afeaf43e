-- What was given for tickets that were resolved from $1 to $2, by their root problem and by currency; of department $3, or all.
select t.root_cause as "cause!", t.root_rule as handbook_rule, g.currency as "currency!",
       count(*) filter (where g.reverses is null) as "grants!",
       (coalesce(sum(g.amount) filter (where g.reverses is null), 0))::bigint as "given!",
       (coalesce(sum(g.amount) filter (where g.reverses is not null), 0))::bigint as "taken_back!"
from (select distinct ticket_id as id from ticket_stay where until >= $1 and until < $2 and next_state = 'resolved') as resolved
join ticket t on t.id = resolved.id
join compensation_grant g on g.ticket_id = t.id and g.state = 'settled'
where t.root_cause is not null and ($3::uuid is null or t.department = $3)
group by 1, 2, 3
order by 1, 2, 3
