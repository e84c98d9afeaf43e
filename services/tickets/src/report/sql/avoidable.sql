-- Contacts of customers from $1 to $2 that something of ours has caused; of department $3, or all. A contact has the first reason that fits.
select distinct on (contact.at, t.id)
       contact.at as "at!", t.id as "ticket!", t.kind as "kind!", t.department, contact.reason as "reason!", contact.since
from (
    -- The customer says something while something of ours is late: until it is met, or called off as a promise is by its apology.
    select m.ticket_id as id, m.created_at as at, c.breached_at as since,
           case c.kind when 'promise' then 'promise_broken' when 'resolution_first' then 'resolution_overdue'
           when 'resolution_total' then 'resolution_overdue' else 'answer_overdue' end as reason,
           case c.kind when 'promise' then 2 when 'resolution_first' then 4 when 'resolution_total' then 4 else 3 end as rank
    from message m
    join clock c on c.ticket_id = m.ticket_id and c.breached_at < m.created_at
        and coalesce(c.met_at, case when c.state = 'canceled' then c.changed_at end, 'infinity') > m.created_at
        and c.kind in ('promise', 'first_response', 'next_response', 'update_cadence', 'resolution_first', 'resolution_total')
    where m.author = 'customer' and m.visibility = 'public' and m.created_at >= $1 and m.created_at < $2
    union all
    -- What we had called solved is not.
    select ticket_id, until, since, case state when 'resolved' then 'not_solved' else 'came_back' end, 1
    from ticket_stay
    where until >= $1 and until < $2 and state in ('resolved', 'closed') and next_state not in ('closed', 'canceled', 'merged')
    union all
    -- The same, too late to open it again.
    select n.id, n.created_at, f.closed_at, 'came_back', 1
    from ticket n join ticket f on f.id = n.follow_up_of
    where n.created_at >= $1 and n.created_at < $2 and n.cause_source is null
    union all
    -- The customer asks about what an event had told us before, and it was not over.
    select asked.id, asked.created_at, known.created_at, 'known_to_us', 5
    from ticket asked
    join lateral (
        select k.created_at from ticket k
        where k.customer_id = asked.customer_id and k.created_at < asked.created_at and k.cause_source is not null
            and k.matter_kind in ('promised_day_missed', 'payment_failed')
            and coalesce(k.closed_at, case when k.state in ('canceled', 'merged') then k.updated_at end, 'infinity') > asked.created_at
        order by k.created_at desc limit 1
    ) as known on true
    where asked.created_at >= $1 and asked.created_at < $2 and asked.cause_source is null
        and asked.kind in ('question', 'delivery', 'billing')
) as contact
join ticket t on t.id = contact.id
where $3::uuid is null or t.department = $3
order by contact.at, t.id, contact.rank, contact.since
