-- Who serves, as the staff service tells it; customers, as the customers service does; and who has how many tickets.

-- Customers without name and without address.
create table recipient (
    customer_id uuid not null,
    -- Of the event that was written last: an older one does not overwrite it. So everywhere below.
    sequence bigint not null,
    -- The one that the customer prefers, BCP 47.
    language text not null,
    tier text not null,
    zone text not null,
    provisional boolean not null,
    constraint recipient_pkey primary key (customer_id),
    constraint recipient_tier_known check (tier in ('standard', 'loyal', 'vip'))
);

create table department (
    id uuid not null,
    sequence bigint not null,
    key text not null,
    -- The newest version of its calendar.
    calendar_version bigint not null,
    -- Kinds of tickets that come to it.
    ticket_kinds text[] not null,
    constraint department_pkey primary key (id)
);

-- Append only: clocks keep to the version under which they started.
create table department_calendar (
    department_id uuid not null references department,
    version bigint not null,
    calendar jsonb not null,
    constraint department_calendar_pkey primary key (department_id, version),
    -- 0 is every hour of every day.
    constraint department_calendar_version_positive check (version > 0)
);

create table staff_member (
    id uuid not null,
    sequence bigint not null,
    -- The subject of the member's tokens.
    user_subject text not null,
    role text not null,
    department_id uuid,
    languages text[] not null,
    skills text[] not null,
    -- Null in JSON: never.
    shifts jsonb not null,
    presence text not null,
    capacity integer not null,
    state text not null,
    handbook_current boolean not null,
    -- Kept by `keep_places` alone: tickets that the member has and that are open or wait for their customer (TK30).
    open_tickets integer not null default 0,
    -- Grows with every assignment to anybody; 0: none yet. Who has waited longest has the least.
    last_assignment bigint not null default 0,
    -- When the queue has to be looked through for the member; the epoch: at once. Null: nothing has changed for them since the last look.
    offer_at timestamptz,
    constraint staff_member_pkey primary key (id),
    constraint staff_member_role_known check (role in ('agent', 'lead', 'manager', 'hr')),
    constraint staff_member_presence_known check (presence in ('present', 'away')),
    constraint staff_member_state_known check (state in ('active', 'left')),
    constraint staff_member_open_tickets_counted check (open_tickets >= 0)
) with (fillfactor = 80);
create index staff_member_department on staff_member (department_id, id) where state = 'active';
create index staff_member_user on staff_member (user_subject);
create index staff_member_offer on staff_member (offer_at) where offer_at is not null;
-- Whoever left and still has tickets: they go back to the queue at once (TK32).
create index staff_member_handing_back on staff_member (id) where state = 'left' and open_tickets > 0;

create sequence assignment;

-- Counts places with the tickets that hold them, whichever statement changes a ticket, and refuses one that is not free (TK30): the
-- member's row is locked before it is counted, so of many who want the last place one has it.
--
-- Everybody locks tickets before members, and members by id: then nobody waits for somebody who waits for them.
create function keep_places() returns trigger
language plpgsql as $$
declare
    v_before uuid := case when old.state in ('open', 'pending_customer') then old.assignee end;
    v_after uuid := case when new.state in ('open', 'pending_customer') then new.assignee end;
begin
    if v_before is not distinct from v_after then
        return null;
    end if;
    perform from staff_member where id in (v_before, v_after) order by id for update;
    update staff_member
    set open_tickets = open_tickets - 1,
        offer_at = case when state = 'active' and department_id is not null then timestamptz 'epoch' end
    where id = v_before;
    if v_after is not null then
        update staff_member
        set open_tickets = open_tickets + 1, last_assignment = nextval('assignment')
        where id = v_after and state = 'active' and (open_tickets < capacity or new.over_limits);
        if not found then
            raise exception 'no free place' using errcode = 'check_violation', constraint = 'staff_member_place_free';
        end if;
    end if;
    return null;
end $$;

create trigger ticket_inserted_with_place after insert on ticket
for each row when (new.assignee is not null) execute function keep_places();
create trigger ticket_place after update on ticket
for each row when (old.assignee is distinct from new.assignee or old.state is distinct from new.state) execute function keep_places();

-- The tickets of a member who goes.
create index ticket_place_held on ticket (assignee, id) where state in ('open', 'pending_customer');
-- The queue of a department, by what decides who can take a ticket. Waiting for nobody in particular is state new.
create index ticket_queue on ticket (department, kind, language, priority, created_at, id) where state = 'new';
-- The schedule of routing: new tickets at once, others when the next one who fits comes on shift.
create index ticket_route on ticket (route_at) where state = 'new' and route_at is not null;
