-- Who has a ticket and says nothing loses it; who is away for longer hands back what they have; and a ticket takes as much of somebody as the
-- policy says.

alter table ticket
    -- When it goes back to the queue, unless whoever has it says something first. Null: nothing is awaited of them.
    add column return_due_at timestamptz,
    -- Who has lost it so last: others come first when it is given out again.
    add column returned_from uuid,
    -- How often it came back so.
    add column return_count integer not null default 0,
    -- How much of a member's capacity it takes.
    add column weight integer not null default 1,
    add constraint ticket_weight_positive check (weight > 0),
    -- TK36
    add constraint ticket_return_of_somebody check (return_due_at is null or (assignee is not null and is_worked_on(state)));
-- The schedule of returns.
create index ticket_return on ticket (return_due_at) where return_due_at is not null;
-- TK34: by tier within a priority.
drop index ticket_queue;
create index ticket_queue on ticket (department, kind, language, priority, tier, weight, created_at, id) where state = 'new';

alter table policy_target
    -- 0: never.
    add column return_minutes integer not null default 0,
    add column weight integer not null default 1;
-- Half of the time in which the customer hears something first is for whoever got it, the other half for the next.
update policy_target set return_minutes = greatest(first_response_minutes / 2, 1);
alter table policy_target
    alter column return_minutes drop default,
    alter column weight drop default,
    add constraint policy_target_return_bounded check (return_minutes >= 0 and weight between 1 and 100);
update ticket set targets = targets || '{"return_after": 0, "weight": 1}';

alter table staff_member rename column open_tickets to open_weight;
alter table staff_member rename constraint staff_member_open_tickets_counted to staff_member_open_weight_counted;
alter table staff_member drop constraint staff_member_state_known;
alter table staff_member add constraint staff_member_state_known check (state in ('active', 'on_leave', 'suspended', 'left'));
-- Whoever does not serve and still has tickets: they go back to the queue at once (TK32).
drop index staff_member_handing_back;
create index staff_member_handing_back on staff_member (id) where state <> 'active' and open_weight > 0;

-- As in the migration that made it, by weight.
create or replace function keep_places() returns trigger
language plpgsql as $$
declare
    v_before uuid := case when is_worked_on(old.state) then old.assignee end;
    v_after uuid := case when is_worked_on(new.state) then new.assignee end;
begin
    if v_before is not distinct from v_after then
        -- What somebody has became heavier or lighter; they keep it.
        update staff_member set open_weight = open_weight + new.weight - old.weight where id = v_after and new.weight <> old.weight;
        return null;
    end if;
    perform from staff_member where id in (v_before, v_after) order by id for update;
    update staff_member
    set open_weight = open_weight - old.weight,
        offer_at = case when state = 'active' and department_id is not null then timestamptz 'epoch' end
    where id = v_before;
    if v_after is not null then
        update staff_member
        set open_weight = open_weight + new.weight, last_assignment = nextval('assignment')
        where id = v_after and state = 'active' and (open_weight + new.weight <= capacity or new.over_limits);
        if not found then
            raise exception 'no free place' using errcode = 'check_violation', constraint = 'staff_member_place_free';
        end if;
    end if;
    return null;
end $$;
drop trigger ticket_place on ticket;
create trigger ticket_place after update on ticket
for each row when (
    old.assignee is distinct from new.assignee or old.state is distinct from new.state or old.weight is distinct from new.weight
) execute function keep_places();
