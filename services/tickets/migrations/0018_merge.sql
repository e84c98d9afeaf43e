-- Merges, splits and links of tickets, cases and problem records. Nothing that was said is moved or rewritten: a merged ticket leads to the one
-- that carries it on, and a ticket that was split off points at the messages that it took.

-- Who merged what, and what it was before: enough to undo it (TK54). A ticket is merged once at a time.
create table merge (
    id uuid not null,
    source_id uuid not null references ticket,
    target_id uuid not null references ticket,
    previous_state text not null,
    previous_assignee uuid,
    merged_at timestamptz not null,
    -- [{kind, round, own: [start, due] or null if it was begun, taken: [start, target]}]: what the target's clocks took over.
    taken_over jsonb not null default '[]',
    unmerged_at timestamptz,
    constraint merge_pkey primary key (id),
    constraint merge_not_into_itself check (source_id <> target_id)
);
create unique index merge_of_source on merge (source_id) where unmerged_at is null;

-- Messages that were meant for a ticket that had been merged, and landed on the one that carries it on (TK53). Append only.
create table message_redirect (
    message_id uuid not null references message,
    -- Whom it was meant for.
    source_id uuid not null references ticket,
    constraint message_redirect_pkey primary key (message_id)
);
create index message_redirect_source on message_redirect (source_id);
create trigger message_redirect_append_only before update or delete on message_redirect
    for each row execute function refuse_change();

-- Messages that a ticket took when it was split off; they stay where they were said, and go to one ticket at most (TK55). Append only.
create table message_taken (
    message_id uuid not null references message,
    taken_by uuid not null references ticket,
    constraint message_taken_once primary key (message_id)
);
create index message_taken_by on message_taken (taken_by);
create trigger message_taken_append_only before update or delete on message_taken
    for each row execute function refuse_change();

-- The ticket that carries one on in the end: itself, unless it is merged. Targets are never merged when something is merged into them, so there
-- are no circles (TK50).
create function carrier_of(p_ticket uuid) returns uuid
language sql stable as $$
    with recursive way (id, next) as (
        select id, merged_into from ticket where id = p_ticket
        union all
        select t.id, t.merged_into from way w join ticket t on t.id = w.next
    )
    select id from way where next is null
$$;

-- A ticket and all that are carried on in it.
create function carried_by(p_ticket uuid) returns setof uuid
language sql stable as $$
    with recursive carried (id) as (
        values (p_ticket)
        union
        select t.id from carried c join ticket t on t.merged_into = c.id
    )
    select id from carried
$$;

-- The messages of a conversation: what was said in the ticket and in those that it carries on, and what they took when they were split off.
create function spoken_in(p_ticket uuid) returns setof uuid
language sql stable as $$
    select m.id from carried_by(p_ticket) as c (id) join message m on m.ticket_id = c.id
    union
    select m.message_id from carried_by(p_ticket) as c (id) join message_taken m on m.taken_by = c.id
$$;

-- A clock may take over an earlier start and a stricter due time when a ticket is merged into its own (TK51).
alter table clock_event
    drop constraint clock_event_step_known,
    add constraint clock_event_step_known check (step in (
        'started', 'paused', 'resumed', 'retargeted', 'inherited', 'met', 'warned_50', 'warned_80', 'breached', 'canceled'
    ));

-- As in the migration that made it, with the start, which may be taken over.
create or replace function save_clocks(p_ticket uuid, p_writes jsonb) returns void
language plpgsql as $$
begin
    insert into clock (
        ticket_id, kind, round, state, started_at, target_us, paused_us, stopped_at, due_at, warned, next_at, breached_at, met_at,
        policy_version, calendar_department, calendar_version, events, changed_at
    )
    select
        p_ticket, kind, round, state, started_at, target_us, paused_us, stopped_at, due_at, warned, next_at, breached_at, met_at,
        policy_version, calendar_department, calendar_version, events, changed_at
    from jsonb_to_recordset(p_writes -> 'clocks') as t (
        kind text, round integer, state text, started_at timestamptz, target_us bigint, paused_us bigint, stopped_at timestamptz,
        due_at timestamptz, warned smallint, next_at timestamptz, breached_at timestamptz, met_at timestamptz, policy_version integer,
        calendar_department uuid, calendar_version bigint, events integer, changed_at timestamptz
    )
    on conflict on constraint clock_pkey do update
    set state = excluded.state, started_at = excluded.started_at, target_us = excluded.target_us, paused_us = excluded.paused_us,
        stopped_at = excluded.stopped_at, due_at = excluded.due_at, warned = excluded.warned, next_at = excluded.next_at,
        breached_at = excluded.breached_at, met_at = excluded.met_at, events = excluded.events, changed_at = excluded.changed_at;
    insert into clock_event (ticket_id, clock, round, number, step, at, due_at, target_us)
    select p_ticket, clock, round, number, step, at, due_at, target_us
    from jsonb_to_recordset(p_writes -> 'events') as t (
        clock text, round integer, number integer, step text, at timestamptz, due_at timestamptz, target_us bigint
    );
end $$;

-- How tickets belong together.
create table ticket_link (
    id uuid not null,
    from_id uuid not null references ticket,
    kind text not null,
    to_id uuid not null references ticket,
    created_at timestamptz not null,
    constraint ticket_link_pkey primary key (id),
    constraint ticket_link_once unique (from_id, to_id, kind),
    constraint ticket_link_kind_known check (kind in ('duplicate_of', 'follow_up_of', 'child_of', 'caused_by', 'relates')),
    constraint ticket_link_not_to_itself check (from_id <> to_id),
    -- What relates has no direction; it is kept once.
    constraint ticket_link_relates_once check (kind <> 'relates' or from_id < to_id)
);
-- A child has one parent (TK56).
create unique index ticket_link_one_parent on ticket_link (from_id) where kind = 'child_of';
create index ticket_link_to on ticket_link (to_id, kind);

-- Whether it holds its parent: it is neither resolved nor over.
create function is_unfinished(p_state text) returns boolean
language sql immutable parallel safe
return p_state not in ('resolved', 'closed', 'canceled', 'merged');

-- Parents form no circle and no chain of more than five (TK56): whoever writes such a link waits for whoever writes another one, and sees it. A
-- child that is not resolved holds its parent, which then cannot be resolved (TK11).
create function keep_parents() returns trigger
language plpgsql as $$
declare
    v_above integer;
    v_below integer;
begin
    if tg_op = 'DELETE' then
        perform hold_ticket(old.to_id, 'ticket', old.from_id, false);
        return null;
    end if;
    perform pg_advisory_xact_lock(hashtext('ticket_link.child_of'));
    with recursive above (id, depth) as (
        values (new.to_id, 1)
        union all
        select l.to_id, a.depth + 1 from above a join ticket_link l on l.from_id = a.id and l.kind = 'child_of'
        where a.depth <= 6 and a.id <> new.from_id
    )
    select max(depth), count(*) filter (where id = new.from_id) into v_above, v_below from above;
    if v_below > 0 then
        raise exception 'a circle' using errcode = 'check_violation', constraint = 'ticket_link_without_circle';
    end if;
    with recursive below (id, depth) as (
        values (new.from_id, 1)
        union all
        select l.from_id, b.depth + 1 from below b join ticket_link l on l.to_id = b.id and l.kind = 'child_of' where b.depth <= 6
    )
    select max(depth) into v_below from below;
    if v_above + v_below > 5 then
        raise exception 'too deep' using errcode = 'check_violation', constraint = 'ticket_link_depth';
    end if;
    -- Whoever resolves one of them meanwhile comes before or after.
    perform from ticket where id in (new.from_id, new.to_id) order by id for no key update;
    perform hold_ticket(new.to_id, 'ticket', new.from_id, true)
    from ticket where id = new.from_id and is_unfinished(state);
    return null;
end $$;
create trigger ticket_link_parent_made after insert on ticket_link
for each row when (new.kind = 'child_of') execute function keep_parents();
create trigger ticket_link_parent_taken after delete on ticket_link
for each row when (old.kind = 'child_of') execute function keep_parents();

-- A child that is resolved or over lets its parent go, and one that is opened again holds it, unless that is resolved itself: what the customer
-- says is never refused because of it. A parent that is opened again is held by the children that are not resolved.
create function keep_children() returns trigger
language plpgsql as $$
declare
    v_parent uuid;
begin
    select l.to_id into v_parent from ticket_link l where l.from_id = new.id and l.kind = 'child_of';
    if v_parent is not null then
        perform from ticket where id = v_parent for no key update;
        perform hold_ticket(id, 'ticket', new.id, is_unfinished(new.state)) from ticket where id = v_parent and is_unfinished(state);
    end if;
    if is_unfinished(new.state) then
        perform hold_ticket(new.id, 'ticket', c.id, true)
        from ticket_link l join ticket c on c.id = l.from_id
        where l.to_id = new.id and l.kind = 'child_of' and is_unfinished(c.state);
    end if;
    return null;
end $$;
create trigger ticket_children after update on ticket
for each row when (is_unfinished(old.state) <> is_unfinished(new.state)) execute function keep_children();

-- Tickets of one matter of a customer that are looked after together, each with its own conversation.
create table ticket_case (
    id uuid not null,
    version bigint not null,
    customer_id uuid not null,
    -- Personal data.
    title text not null,
    state text not null,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    closed_at timestamptz,
    constraint ticket_case_pkey primary key (id),
    constraint ticket_case_state_known check (state in ('open', 'closed')),
    constraint ticket_case_closed_has_time check ((state = 'closed') = (closed_at is not null))
) with (fillfactor = 80);
create index ticket_case_created_at on ticket_case (created_at, id);
create index ticket_case_customer on ticket_case (customer_id, created_at, id);
create index ticket_case_state on ticket_case (state, created_at, id);

create table ticket_case_member (
    ticket_id uuid not null references ticket,
    case_id uuid not null references ticket_case,
    -- TK57
    constraint ticket_case_member_once primary key (ticket_id)
);
create index ticket_case_member_case on ticket_case_member (case_id, ticket_id);

-- One cause that many customers suffer from.
create table problem_record (
    id uuid not null,
    version bigint not null,
    title text not null,
    state text not null,
    -- What it is about, in the words of the goods: references, never anybody's words.
    product text not null,
    batch text not null,
    root_cause text,
    root_description text,
    root_rule text,
    -- What is said to each customer when it is fixed: by language.
    note jsonb,
    -- Tickets that are attached; of these: whose customers were asked, and which could not be resolved. Counted without a version.
    total integer not null default 0,
    resolved integer not null default 0,
    refused integer not null default 0,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    fixed_at timestamptz,
    closed_at timestamptz,
    constraint problem_record_pkey primary key (id),
    constraint problem_record_state_known check (state in ('open', 'known_cause', 'fixed', 'closed')),
    constraint problem_record_known_has_cause check (state = 'open' or (root_cause is not null and root_description is not null)),
    -- TK58
    constraint problem_record_fixed_has_note check (state not in ('fixed', 'closed') or (note is not null and fixed_at is not null)),
    constraint problem_record_counted check (resolved >= 0 and refused >= 0 and resolved + refused <= total)
) with (fillfactor = 80);
create index problem_record_created_at on problem_record (created_at, id);
create index problem_record_state on problem_record (state, created_at, id);

create table problem_ticket (
    ticket_id uuid not null references ticket,
    problem_id uuid not null references problem_record,
    -- When it is resolved with its problem; null: it is not fixed yet, or that was done.
    due_at timestamptz,
    result text,
    -- Why it could not be resolved: an invariant's id.
    refused_by text,
    -- TK58: a ticket has one cause.
    constraint problem_ticket_once primary key (ticket_id),
    constraint problem_ticket_result_known check (result in ('resolved', 'refused')),
    constraint problem_ticket_done_once check (due_at is null or result is null)
) with (fillfactor = 80);
create index problem_ticket_problem on problem_ticket (problem_id, ticket_id);
-- What may have another turn.
create index problem_ticket_refused on problem_ticket (problem_id, ticket_id) where refused_by = 'TK11';
-- The schedule of resolutions.
create index problem_ticket_due on problem_ticket (due_at, ticket_id) where due_at is not null;
