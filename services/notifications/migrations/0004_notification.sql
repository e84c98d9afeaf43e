-- What customers are told, or not told with a reason. The row is the schedule of its dispatch.

create table notification (
    id uuid not null,
    -- Counts the decisions; every decision is an event.
    version bigint not null,
    customer_id uuid not null,
    -- Milestone, subject and occasion together are the reason for which a customer is told once.
    milestone text not null,
    subject text not null,
    -- What makes it another reason for the same milestone and subject: a promised date, a count of failures. Empty: nothing does.
    occasion text not null,
    category text not null references category,
    state text not null,
    -- Of the last decision.
    reason text not null,
    channel text not null,
    language text,
    language_fell_back boolean not null,
    template_number integer,
    template_hash bytea,
    -- What it says becomes untrue by newer facts of this topic; null: it stays true.
    topic text,
    rank integer not null,
    -- Of the subject's event that caused it.
    sequence bigint not null,
    -- Values of the template's placeholders that the event brought; names and addresses are never stored.
    variables jsonb not null,
    cause_event_id uuid not null,
    correlation_id text not null,
    hops smallint not null,
    traceparent text,
    -- Hand-overs that were tried.
    handovers integer not null,
    -- Claims; whoever finishes has to name the present one.
    attempt integer not null,
    -- Machine time.
    leased_until timestamptz,
    -- The claim before this one ended without a word.
    lapsed boolean not null,
    -- Business time; null once it is final.
    due_at timestamptz,
    expire_at timestamptz not null,
    sent_at timestamptz,
    created_at timestamptz not null,
    constraint notification_pkey primary key (id),
    -- NO1
    constraint notification_reason_once unique (customer_id, milestone, subject, occasion),
    constraint notification_state_known check (
        state in ('queued', 'deferred', 'sending', 'sent', 'skipped', 'superseded', 'expired', 'canceled', 'failed')
    ),
    -- NO3
    constraint notification_waits_with_time check (
        (due_at is not null) = (state in ('queued', 'deferred', 'sending'))
    )
);
create index notification_due on notification (due_at) where due_at is not null;
create index notification_waiting on notification (subject) where state in ('queued', 'deferred');
create index notification_created_at on notification (created_at, id);
create index notification_customer on notification (customer_id, created_at, id);
create index notification_subject on notification (subject, created_at, id);
-- Without what is being sent: that passes quickly, and its dead entries would lie in the way of every claim's end.
create index notification_state on notification (state, created_at, id) where state <> 'sending';
-- Rows are updated several times and soon: leave room for it beside them.
alter table notification set (fillfactor = 70);

-- Append only: how each notification came to its state.
create table decision (
    notification_id uuid not null references notification,
    number bigint not null,
    state text not null,
    reason text not null,
    detail text not null,
    -- Business time.
    decided_at timestamptz not null,
    constraint decision_pkey primary key (notification_id, number)
);

-- The newest that is known about a subject's topic: what is older or lower is never told.
create table known_truth (
    customer_id uuid not null,
    subject text not null,
    topic text not null,
    rank integer not null,
    sequence bigint not null,
    constraint known_truth_pkey primary key (subject, topic, customer_id)
);
