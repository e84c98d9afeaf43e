-- The rest of the machine: what waits for a department, for somebody outside or for a day; what was merged into another ticket.
alter table ticket
    -- When it goes on by itself: the expected date of somebody outside, or the day it is scheduled for.
    add column wait_until timestamptz,
    -- Whom it waits for outside, in words.
    add column wait_party text,
    add column merged_into uuid references ticket,
    add column merged_at timestamptz,
    drop constraint ticket_state_known,
    drop constraint ticket_has_owner_or_queue;
alter table ticket
    add constraint ticket_state_known check (state in (
        'new', 'open', 'pending_customer', 'pending_department', 'pending_external', 'scheduled', 'resolved', 'closed', 'canceled', 'merged'
    )),
    -- TK1
    add constraint ticket_has_owner_or_queue check (
        case when state = 'new' then assignee is null
        when state in ('open', 'pending_customer', 'pending_department', 'pending_external', 'scheduled') then assignee is not null
        else true end
    ),
    -- A question may be older than what reminds of it.
    add constraint ticket_waits_for_a_day check (
        case when wait_until is null then state not in ('pending_external', 'scheduled')
             else state in ('pending_customer', 'pending_external', 'scheduled') end
    ),
    add constraint ticket_waits_for_somebody check ((state = 'pending_external') = (wait_party is not null)),
    add constraint ticket_merged_has_target check ((state = 'merged') = (merged_into is not null and merged_at is not null)),
    add constraint ticket_not_into_itself check (merged_into <> id);
create index ticket_merged_into on ticket (merged_into) where merged_into is not null;
-- The schedule of what goes on by itself.
create index ticket_wait_until on ticket (wait_until) where wait_until is not null;

-- States in which somebody has the ticket and it takes a place.
create function is_worked_on(p_state text) returns boolean
language sql immutable parallel safe
return p_state in ('open', 'pending_customer', 'pending_department', 'pending_external', 'scheduled');

-- As in the migration that made it, for every state in which somebody has the ticket.
create or replace function keep_places() returns trigger
language plpgsql as $$
declare
    v_before uuid := case when is_worked_on(old.state) then old.assignee end;
    v_after uuid := case when is_worked_on(new.state) then new.assignee end;
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
drop index ticket_place_held;
create index ticket_place_held on ticket (assignee, id) where is_worked_on(state);
-- TK7
drop index ticket_matter_open;
create unique index ticket_matter_open on ticket (matter_kind, matter_subject, matter_version)
    where matter_kind is not null and (state in ('new', 'resolved') or is_worked_on(state));
