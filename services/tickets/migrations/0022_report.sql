-- What reports count: how long a ticket was in which state before, how it came to us, and how much working time a clock took.
--
-- Reports are by day, and a ticket's row says only where it stands. So each stay in a state is written down when it is over, by whatever ends it
-- (TK130). Opening a ticket costs nothing of it.

create table ticket_stay (
    ticket_id uuid not null references ticket,
    state text not null,
    -- Business time. A stay begins when the one before it ended, the first one when the ticket was opened.
    since timestamptz not null,
    until timestamptz not null,
    -- What came then, and how it was closed if that was it.
    next_state text not null,
    next_closure text,
    constraint ticket_stay_forward check (since <= until),
    constraint ticket_stay_closed_has_closure check ((next_state = 'closed') = (next_closure is not null))
);
-- What happened in a period.
create index ticket_stay_until on ticket_stay (until);
create index ticket_stay_resolved on ticket_stay (since) where state = 'resolved';
-- Who was in a state at a moment: what was open, what waited in the queue.
create index ticket_stay_during on ticket_stay using gist (tstzrange(since, until, '(]'))
    where state not in ('closed', 'canceled', 'merged');
create trigger ticket_stay_append_only before update or delete on ticket_stay
    for each row execute function refuse_change();

-- Two processes' clocks may differ a little, and no stay ends before it began.
create or replace function keep_state_since() returns trigger
language plpgsql as $$
begin
    new.state_since := greatest(new.updated_at, coalesce(old.state_since, old.created_at));
    return new;
end $$;
create function write_stay() returns trigger
language plpgsql as $$
begin
    insert into ticket_stay (ticket_id, state, since, until, next_state, next_closure)
    values (old.id, old.state, coalesce(old.state_since, old.created_at), new.state_since, new.state, new.closure);
    return null;
end $$;
-- An import has a history of several stays; it writes them itself, and its ticket has one version.
create trigger ticket_stay_over after update on ticket
    for each row when (old.state is distinct from new.state and new.version > old.version) execute function write_stay();

-- What is known of those that there are: the last resolution and the end.
insert into ticket_stay (ticket_id, state, since, until, next_state, next_closure)
select id, 'open', created_at, greatest(created_at, coalesce(resolved_at, closed_at, merged_at, updated_at)),
       case when resolved_at is not null then 'resolved' else state end,
       case when resolved_at is null then closure end
from ticket where resolved_at is not null or state in ('closed', 'canceled', 'merged');
insert into ticket_stay (ticket_id, state, since, until, next_state, next_closure)
select id, 'resolved', greatest(created_at, resolved_at), greatest(created_at, resolved_at, closed_at, merged_at, state_since), state, closure
from ticket where resolved_at is not null and state <> 'resolved';

-- The way by which what opened it came, or that it came from another system; null: an event or a person of ours opened it.
alter table ticket
    add column channel text,
    add constraint ticket_channel_known check (channel in ('mail', 'web', 'sms', 'messaging', 'social', 'import'));
update ticket set channel = 'import' where id in (select ticket_id from ticket_import);

-- Everything that a report calls the channel of a ticket.
create function opened_by(p_channel text, p_cause text) returns text
language sql immutable parallel safe
return coalesce(p_channel, case when p_cause is null then 'staff' else 'event' end);

-- Working time from its start until it was met, without pauses; null: it is not met, or was met before this was written down.
alter table clock add column taken_us bigint;

-- As before, with the time taken, and of many tickets at once: each statement looks at the table's constraints anew, which takes longer than a row.
-- A clock stands once in it.
drop function save_clocks(uuid, jsonb);
create function save_clocks(p_tickets uuid[], p_writes jsonb[]) returns void
language plpgsql as $$
begin
    insert into clock (
        ticket_id, kind, round, state, started_at, target_us, paused_us, stopped_at, due_at, warned, next_at, breached_at, met_at, taken_us,
        policy_version, calendar_department, calendar_version, events, changed_at
    )
    select
        ticket, kind, round, state, started_at, target_us, paused_us, stopped_at, due_at, warned, next_at, breached_at, met_at, taken_us,
        policy_version, calendar_department, calendar_version, events, changed_at
    from unnest(p_tickets, p_writes) as w (ticket, writes), jsonb_to_recordset(w.writes -> 'clocks') as t (
        kind text, round integer, state text, started_at timestamptz, target_us bigint, paused_us bigint, stopped_at timestamptz,
        due_at timestamptz, warned smallint, next_at timestamptz, breached_at timestamptz, met_at timestamptz, taken_us bigint,
        policy_version integer, calendar_department uuid, calendar_version bigint, events integer, changed_at timestamptz
    )
    on conflict on constraint clock_pkey do update
    set state = excluded.state, started_at = excluded.started_at, target_us = excluded.target_us, paused_us = excluded.paused_us,
        stopped_at = excluded.stopped_at, due_at = excluded.due_at, warned = excluded.warned, next_at = excluded.next_at,
        breached_at = excluded.breached_at, met_at = excluded.met_at, taken_us = excluded.taken_us, events = excluded.events,
        changed_at = excluded.changed_at;
    insert into clock_event (ticket_id, clock, round, number, step, at, due_at, target_us)
    select ticket, clock, round, number, step, at, due_at, target_us
    from unnest(p_tickets, p_writes) as w (ticket, writes), jsonb_to_recordset(w.writes -> 'events') as t (
        clock text, round integer, number integer, step text, at timestamptz, due_at timestamptz, target_us bigint
    );
end $$;
-- Nothing else writes events, and it writes them beside their clock, which belongs to a ticket: to look that up again for each of them took as long
-- as all else.
alter table clock_event drop constraint clock_event_ticket_id_fkey;

-- What was said on a day: messages are appended in their order, so this costs next to nothing.
create index message_created_at on message using brin (created_at) with (autosummarize = on);
