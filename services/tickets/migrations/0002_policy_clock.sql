-- How long something may take, and the clocks that count it.
--
-- A clock is a fold of its events (TK20); its row is what the fold answers, kept so that due clocks are found by an index. Rows and events
-- are written by `save_clocks` alone, in the statement that writes the ticket.

-- Versions of the service-level policy. A version never changes: clocks keep to the one under which they started.
create table policy (
    version integer not null,
    constraint policy_pkey primary key (version)
);

-- Targets in working minutes. A dimension that is null matches all; of the rows that match, the most specific one holds.
create table policy_target (
    version integer not null references policy,
    kind text,
    tier text,
    priority text,
    first_response_minutes integer not null,
    resolution_first_minutes integer not null,
    resolution_total_minutes integer not null,
    constraint policy_target_once unique nulls not distinct (version, kind, tier, priority),
    constraint policy_target_ascending check (
        first_response_minutes > 0 and resolution_first_minutes >= first_response_minutes
        and resolution_total_minutes >= resolution_first_minutes
    )
);

-- A working day is nine hours here. A very important customer is served as if the matter were one step more urgent, and a complaint about
-- somebody is answered within the hour.
insert into policy (version) values (1);
insert into policy_target (
    version, kind, tier, priority, first_response_minutes, resolution_first_minutes, resolution_total_minutes
) values
    (1, null, null, null, 240, 960, 2700),
    (1, null, null, 'urgent', 30, 240, 1440),
    (1, null, null, 'high', 60, 480, 1620),
    (1, null, null, 'normal', 240, 960, 2700),
    (1, null, null, 'low', 480, 2400, 5400),
    (1, null, 'vip', 'high', 30, 240, 1440),
    (1, null, 'vip', 'normal', 60, 480, 1620),
    (1, null, 'vip', 'low', 240, 960, 2700),
    (1, 'complaint_staff', null, 'normal', 60, 480, 1620),
    (1, 'complaint_staff', null, 'low', 60, 480, 1620),
    (1, 'complaint_service', null, 'normal', 60, 960, 2700),
    (1, 'complaint_service', null, 'low', 60, 960, 2700);

create table clock (
    ticket_id uuid not null references ticket,
    kind text not null,
    state text not null,
    started_at timestamptz not null,
    target_minutes integer not null,
    -- Working time of the pauses that are over, in microseconds.
    paused_us bigint not null,
    -- Since when it does not count: paused, or met.
    stopped_at timestamptz,
    -- As if it ran on from its last event.
    due_at timestamptz not null,
    -- The due time that passed; never taken back (TK23).
    breached_at timestamptz,
    met_at timestamptz,
    policy_version integer not null references policy,
    -- The calendar that it keeps to: a version of a department's, or none and 0: every hour counts.
    calendar_department uuid,
    calendar_version bigint not null,
    -- How many events it folds.
    events integer not null,
    changed_at timestamptz not null,
    constraint clock_pkey primary key (ticket_id, kind),
    constraint clock_kind_known check (kind in ('first_response', 'resolution_first', 'resolution_total')),
    constraint clock_state_known check (state in ('running', 'paused', 'met', 'canceled')),
    -- TK21
    constraint clock_first_response_not_paused check (kind <> 'first_response' or state <> 'paused'),
    constraint clock_met_has_time check ((state = 'met') = (met_at is not null)),
    constraint clock_stopped_unless_running check ((state = 'running') = (stopped_at is null)),
    constraint clock_calendar_of_department check ((calendar_department is null) = (calendar_version = 0))
) with (fillfactor = 80);
-- The schedule of breaches.
create index clock_due on clock (due_at) where state = 'running' and breached_at is null;

-- Append only.
create table clock_event (
    ticket_id uuid not null references ticket,
    clock text not null,
    -- Counts the clock's events from 1. Two writers of one clock cannot both have the next number.
    number integer not null,
    step text not null,
    -- Business time; of breached: the due time.
    at timestamptz not null,
    due_at timestamptz not null,
    target_minutes integer not null,
    constraint clock_event_pkey primary key (ticket_id, clock, number),
    constraint clock_event_step_known check (step in (
        'started', 'paused', 'resumed', 'retargeted', 'met', 'breached', 'canceled'
    ))
);

-- Writes the clocks that changed and appends their events. Called from the statement that writes the ticket, over its RETURNING rows: then
-- it happens when the ticket's write does, and only then.
create function save_clocks(p_ticket uuid, p_writes jsonb) returns void
language plpgsql as $$
begin
    insert into clock (
        ticket_id, kind, state, started_at, target_minutes, paused_us, stopped_at, due_at, breached_at, met_at,
        policy_version, calendar_department, calendar_version, events, changed_at
    )
    select
        p_ticket, kind, state, started_at, target_minutes, paused_us, stopped_at, due_at, breached_at, met_at,
        policy_version, calendar_department, calendar_version, events, changed_at
    from jsonb_to_recordset(p_writes -> 'clocks') as t (
        kind text, state text, started_at timestamptz, target_minutes integer, paused_us bigint, stopped_at timestamptz,
        due_at timestamptz, breached_at timestamptz, met_at timestamptz, policy_version integer, calendar_department uuid,
        calendar_version bigint, events integer, changed_at timestamptz
    )
    on conflict on constraint clock_pkey do update
    set state = excluded.state, target_minutes = excluded.target_minutes, paused_us = excluded.paused_us,
        stopped_at = excluded.stopped_at, due_at = excluded.due_at, breached_at = excluded.breached_at, met_at = excluded.met_at,
        events = excluded.events, changed_at = excluded.changed_at;
    insert into clock_event (ticket_id, clock, number, step, at, due_at, target_minutes)
    select p_ticket, clock, number, step, at, due_at, target_minutes
    from jsonb_to_recordset(p_writes -> 'events') as t (
        clock text, number integer, step text, at timestamptz, due_at timestamptz, target_minutes integer
    );
end $$;
