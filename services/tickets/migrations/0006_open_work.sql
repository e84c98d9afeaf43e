-- What hinders a ticket from being resolved: promises, hand-offs, returns and grants that are under way (TK11).
--
-- Whatever opens such a thing locks the ticket's row by counting here, and whatever ends a ticket asks for the count: of a promise and a
-- resolution at once one comes first, and the other is refused.
create table open_work (
    ticket_id uuid not null references ticket,
    -- What it is, such as `promise`.
    kind text not null,
    id uuid not null,
    constraint open_work_pkey primary key (ticket_id, kind, id)
);

alter table ticket add column open_work integer not null default 0;
alter table ticket add constraint ticket_open_work_counted check (open_work >= 0);
-- TK11
alter table ticket add constraint ticket_without_open_work check (
    open_work = 0 or state not in ('resolved', 'closed', 'canceled', 'merged')
);

-- Something of a ticket opens, or is over. Saying so again changes nothing.
create function hold_ticket(p_ticket uuid, p_kind text, p_id uuid, p_open boolean) returns void
language plpgsql as $$
begin
    if p_open then
        insert into open_work (ticket_id, kind, id) values (p_ticket, p_kind, p_id) on conflict do nothing;
    else
        delete from open_work where ticket_id = p_ticket and kind = p_kind and id = p_id;
    end if;
    if found then
        update ticket set open_work = open_work + case when p_open then 1 else -1 end where id = p_ticket;
    end if;
end $$;
