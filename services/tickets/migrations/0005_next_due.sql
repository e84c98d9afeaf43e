-- When the soonest due of a ticket's running clocks is due, so that queues show it without looking at clocks: written by whatever writes clocks
-- (TK27). Null while none runs.
alter table ticket add column next_due_at timestamptz;
update ticket t
set next_due_at = (select min(c.due_at) from clock c where c.ticket_id = t.id and c.state = 'running');
