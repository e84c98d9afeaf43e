-- Matters of customers, carried until they are solved, and what was said about them.

-- The numbers that people say; gaps do no harm.
create sequence ticket_number start 1001;

create table ticket (
    id uuid not null,
    version bigint not null,
    number bigint not null,
    customer_id uuid not null,
    kind text not null,
    priority text not null,
    state text not null,
    -- In the words of whoever opened it: personal data, which leaves this database in answers only.
    title text not null,
    stated_problem text not null,
    root_cause text,
    root_description text,
    -- What it follows from; null when a person asked for something of their own.
    matter_kind text,
    matter_subject text,
    matter_version text,
    department uuid,
    -- Kept when it is resolved or closed; a place is taken only while it is open or waits for the customer.
    assignee uuid,
    -- A person gave it to somebody who had no free place (TK2).
    over_limits boolean not null default false,
    wait_reason text,
    -- When routing looks at it; null: something has to happen first.
    route_at timestamptz,
    language text not null,
    -- Who resolved it last.
    resolver uuid,
    reopen_count integer not null default 0,
    -- How often it was resolved.
    resolution integer not null default 0,
    verification_attempts integer not null default 0,
    -- When the customer is asked again, or no more.
    verification_due_at timestamptz,
    -- What the customer answered last by link, and to which resolution.
    answered_resolution integer,
    answered_solved boolean,
    closure text,
    cancel_reason text,
    follow_up_of uuid,
    -- Raising it ends all links that were given out before.
    link_generation integer not null default 0,
    -- The event that it was opened by.
    cause_source text,
    cause_event_id uuid,
    -- The story that it belongs to: what happens to it later is told as part of it.
    correlation_id text not null,
    causation_id text not null,
    hops smallint not null,
    traceparent text,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    resolved_at timestamptz,
    closed_at timestamptz,
    constraint ticket_pkey primary key (id),
    constraint ticket_number_once unique (number),
    constraint ticket_cause_once unique (cause_source, cause_event_id),
    constraint ticket_state_known check (state in ('new', 'open', 'pending_customer', 'resolved', 'closed', 'canceled')),
    constraint ticket_priority_known check (priority in ('low', 'normal', 'high', 'urgent')),
    constraint ticket_closure_known check (closure in ('verified', 'unverified')),
    constraint ticket_cancel_reason_known check (cancel_reason in ('by_customer', 'duplicate', 'spam')),
    constraint ticket_matter_whole check (
        (matter_kind is null) = (matter_subject is null) and (matter_kind is null) = (matter_version is null)
    ),
    -- TK1
    constraint ticket_has_owner_or_queue check (
        case state when 'new' then assignee is null when 'open' then assignee is not null
        when 'pending_customer' then assignee is not null else true end
    ),
    -- TK3
    constraint ticket_resolved_has_root_problem check (state <> 'resolved' or root_cause is not null),
    -- TK5
    constraint ticket_closed_has_closure check ((state = 'closed') = (closure is not null)),
    constraint ticket_resolved_is_verified check ((state = 'resolved') = (verification_due_at is not null))
) with (fillfactor = 80);
-- TK7: one ticket that is not over for each matter.
create unique index ticket_matter_open on ticket (matter_kind, matter_subject, matter_version)
    where matter_kind is not null and state in ('new', 'open', 'pending_customer', 'resolved');
create index ticket_created_at on ticket (created_at, id);
create index ticket_updated_at on ticket (updated_at, id);
create index ticket_customer on ticket (customer_id, created_at, id);
create index ticket_assignee on ticket (assignee, created_at, id);
create index ticket_department on ticket (department, state, created_at, id);
create index ticket_state on ticket (state, created_at, id);
-- The schedule of verification.
create index ticket_verification on ticket (verification_due_at) where verification_due_at is not null;

-- Append only (TK6).
create table message (
    ticket_id uuid not null references ticket,
    id uuid not null,
    visibility text not null,
    author text not null,
    -- The member or the customer; null for the system, and for staff who are not known here.
    author_id uuid,
    medium text not null,
    -- Personal data, as above.
    text text not null,
    created_at timestamptz not null,
    constraint message_pkey primary key (id),
    constraint message_visibility_known check (visibility in ('public', 'internal')),
    constraint message_author_known check (author in ('staff', 'customer', 'system')),
    constraint message_medium_known check (medium in ('text', 'phone_call'))
);
create index message_ticket on message (ticket_id, created_at, id);
