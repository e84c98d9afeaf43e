-- Clocks that come again: the next response, the cadence of news, hand-offs and promises have a round each; a clock is (ticket, kind, round).
-- A breach of an earlier round stays in its row (TK23).

alter table clock
    add column round integer not null default 1,
    add column target_us bigint,
    -- Up to which share of its working time it was warned of, in percent.
    add column warned smallint not null default 0,
    -- When it has to be looked at next: for a warning, or because it is due. Null unless it runs.
    add column next_at timestamptz,
    drop constraint clock_pkey,
    drop constraint clock_kind_known,
    drop constraint clock_first_response_not_paused;
update clock
set target_us = target_minutes * 60000000::bigint,
    next_at = case when state = 'running' and breached_at is null then due_at end;
alter table clock
    drop column target_minutes,
    alter column target_us set not null,
    add constraint clock_pkey primary key (ticket_id, kind, round),
    add constraint clock_kind_known check (kind in (
        'first_response', 'next_response', 'update_cadence', 'resolution_first', 'resolution_total', 'handoff_ack', 'handoff_done',
        'promise', 'verification'
    )),
    -- TK21
    add constraint clock_pauses check (
        state <> 'paused' or kind in ('resolution_first', 'resolution_total', 'update_cadence')
    ),
    -- TK28: of what comes again one round runs at a time; hand-offs and promises may run beside each other.
    add constraint clock_warned_known check (warned in (0, 50, 80)),
    add constraint clock_looked_at check (next_at is null or (state = 'running' and breached_at is null));
create unique index clock_one_round on clock (ticket_id, kind)
    where state in ('running', 'paused') and kind not in ('handoff_ack', 'handoff_done', 'promise');
-- The schedule of warnings and breaches.
drop index clock_due;
create index clock_next on clock (next_at) where next_at is not null;

alter table clock_event
    add column round integer not null default 1,
    add column target_us bigint,
    drop constraint clock_event_pkey,
    drop constraint clock_event_step_known;
alter table clock_event disable trigger clock_event_append_only;
update clock_event set target_us = target_minutes * 60000000::bigint;
alter table clock_event enable trigger clock_event_append_only;
alter table clock_event
    drop column target_minutes,
    alter column target_us set not null,
    add constraint clock_event_pkey primary key (ticket_id, clock, round, number),
    add constraint clock_event_step_known check (step in (
        'started', 'paused', 'resumed', 'retargeted', 'met', 'warned_50', 'warned_80', 'breached', 'canceled'
    ));

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
    set state = excluded.state, target_us = excluded.target_us, paused_us = excluded.paused_us,
        stopped_at = excluded.stopped_at, due_at = excluded.due_at, warned = excluded.warned, next_at = excluded.next_at,
        breached_at = excluded.breached_at, met_at = excluded.met_at, events = excluded.events, changed_at = excluded.changed_at;
    insert into clock_event (ticket_id, clock, round, number, step, at, due_at, target_us)
    select p_ticket, clock, round, number, step, at, due_at, target_us
    from jsonb_to_recordset(p_writes -> 'events') as t (
        clock text, round integer, number integer, step text, at timestamptz, due_at timestamptz, target_us bigint
    );
end $$;

-- What the policy says besides: targets of what comes again, of hand-offs, what pauses, and how long a closed ticket can be opened again.
-- A department may have targets of its own.
alter table policy add column created_at timestamptz, add column created_by text;
alter table policy_target
    add column department uuid,
    add column next_response_minutes integer,
    add column update_cadence_minutes integer,
    add column handoff_ack_minutes integer,
    add column handoff_done_minutes integer,
    add column pauses_while_external boolean not null default false,
    add column pauses_while_scheduled boolean not null default true,
    add column reopen_days integer not null default 30,
    drop constraint policy_target_once;
-- A customer of special importance is one whatever it is about: at least as fast, and opened again for as long.
insert into policy_target (
    version, kind, tier, priority, first_response_minutes, resolution_first_minutes, resolution_total_minutes
) values
    (1, null, 'vip', 'urgent', 30, 240, 1440),
    (1, 'complaint_staff', 'vip', 'normal', 60, 480, 1620),
    (1, 'complaint_staff', 'vip', 'low', 60, 480, 1620),
    (1, 'complaint_service', 'vip', 'normal', 60, 480, 1620),
    (1, 'complaint_service', 'vip', 'low', 60, 960, 2700);
update policy_target
set next_response_minutes = first_response_minutes,
    -- Three working days without a word are too long, one for what is urgent.
    update_cadence_minutes = case priority when 'urgent' then 540 when 'high' then 1080 else 1620 end,
    handoff_ack_minutes = least(first_response_minutes, 240),
    handoff_done_minutes = resolution_first_minutes,
    reopen_days = case tier when 'vip' then 60 else 30 end;
alter table policy_target
    alter column next_response_minutes set not null,
    alter column update_cadence_minutes set not null,
    alter column handoff_ack_minutes set not null,
    alter column handoff_done_minutes set not null,
    alter column pauses_while_external drop default,
    alter column pauses_while_scheduled drop default,
    alter column reopen_days drop default,
    add constraint policy_target_once unique nulls not distinct (version, kind, department, tier, priority),
    add constraint policy_target_positive check (
        next_response_minutes > 0 and update_cadence_minutes > 0 and handoff_ack_minutes > 0
        and handoff_done_minutes >= handoff_ack_minutes and reopen_days >= 0
    );

-- What holds for a ticket, as the policy said when it was opened or its priority, kind or department last changed.
alter table ticket
    add column tier text not null default 'standard',
    add column targets jsonb;
update ticket t
set tier = coalesce((select r.tier from recipient r where r.customer_id = t.customer_id), 'standard'),
    targets = (
        select jsonb_build_object(
            'first_response', p.first_response_minutes, 'next_response', p.next_response_minutes,
            'update_cadence', p.update_cadence_minutes, 'resolution_first', p.resolution_first_minutes,
            'resolution_total', p.resolution_total_minutes, 'handoff_ack', p.handoff_ack_minutes,
            'handoff_done', p.handoff_done_minutes, 'pauses_while_external', p.pauses_while_external,
            'pauses_while_scheduled', p.pauses_while_scheduled, 'reopen_days', p.reopen_days
        )
        from policy_target p where p.version = 1 and p.kind is null and p.tier is null and p.priority is null
    );
alter table ticket
    alter column tier drop default,
    alter column targets set not null,
    add constraint ticket_tier_known check (tier in ('standard', 'loyal', 'vip'));
