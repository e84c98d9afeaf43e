-- What staff do again and again: macros, under one name; and automations, by themselves. What they do to a ticket is done all or none.

create table macro (
    id uuid not null,
    version bigint not null,
    -- By language.
    titles jsonb not null,
    -- Whose tickets it is for; null: for all.
    department uuid references department,
    -- In order; each a `seva.tickets.v1.TicketAction`.
    actions bytea[] not null,
    state text not null,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    constraint macro_pkey primary key (id),
    constraint macro_has_actions check (cardinality(actions) between 1 and 10),
    constraint macro_state_known check (state in ('active', 'retired'))
);
create index macro_created_at on macro (created_at, id);

-- Rules that are carried out by themselves.
create table automation (
    id uuid not null,
    version bigint not null,
    display_name text not null,
    -- Of several rules the lesser come first.
    weight integer not null,
    enabled boolean not null,
    -- Since when it is enabled as it is: what was before is not made up for.
    enabled_at timestamptz not null,
    -- A `seva.tickets.v1.AutomationRule`.
    rule bytea not null,
    rule_version integer not null,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    constraint automation_pkey primary key (id)
);
create index automation_created_at on automation (created_at, id);
create index automation_enabled on automation (weight, id) where enabled;

-- Append only: what came of a rule names the version of it.
create table automation_version (
    automation_id uuid not null references automation,
    number integer not null,
    rule bytea not null,
    creator text not null,
    created_at timestamptz not null,
    constraint automation_version_pkey primary key (automation_id, number)
);
create trigger automation_version_append_only before update or delete on automation_version
    for each row execute function refuse_change();

-- What came of a rule, once for each occasion.
create table automation_firing (
    id uuid not null,
    automation_id uuid not null references automation,
    rule_version integer not null,
    ticket_id uuid not null references ticket,
    -- The event that it was about, or the time: since when the ticket was in its state, or when it is due.
    event_id uuid,
    occasion_at timestamptz,
    outcome text not null,
    -- Of what was refused or held back: why, in words of ours.
    reason text,
    invariant text,
    description text,
    action smallint,
    -- The types of the events that tell what was done.
    told text[] not null,
    at timestamptz not null,
    constraint automation_firing_pkey primary key (id),
    constraint automation_firing_outcome_known check (outcome in ('done', 'refused', 'suppressed', 'unmet')),
    constraint automation_firing_has_occasion check ((event_id is null) <> (occasion_at is null)),
    constraint automation_firing_refused_why check ((outcome in ('refused', 'suppressed')) = (reason is not null))
);
-- TK124
create unique index automation_firing_once_for_event on automation_firing (automation_id, event_id) where event_id is not null;
create unique index automation_firing_once_for_time on automation_firing (automation_id, ticket_id, occasion_at) where occasion_at is not null;
-- What a rule did to a ticket last (TK125).
create index automation_firing_done on automation_firing (automation_id, ticket_id, at) where outcome = 'done';
create index automation_firing_at on automation_firing (at, id);
create index automation_firing_automation on automation_firing (automation_id, at, id);
create index automation_firing_ticket on automation_firing (ticket_id, at, id);

-- Since when a ticket is in its state; null: since it was opened.
alter table ticket add column state_since timestamptz;
update ticket set state_since = updated_at where state <> 'new';
create function keep_state_since() returns trigger
language plpgsql as $$
begin
    new.state_since := new.updated_at;
    return new;
end $$;
create trigger ticket_state_since before update of state on ticket
    for each row when (old.state is distinct from new.state) execute function keep_state_since();
-- The schedules of rules about time.
create index ticket_state_since on ticket (state, (coalesce(state_since, created_at)), id) where state not in ('closed', 'canceled', 'merged');
create index ticket_next_due_at on ticket (next_due_at, id) where next_due_at is not null;
