-- Who is asked, and who is not and why; what that is decided from; and how often each customer was asked.

-- Customers as far as decisions need to know, told by the customers service's events; no name, no address.
create table recipient (
    customer_id uuid not null,
    -- Of the event that told it; an older one is not written over it.
    sequence bigint not null,
    language text not null,
    has_email boolean not null,
    -- Mail of the purpose survey was not refused.
    can_be_asked boolean not null,
    constraint recipient_pkey primary key (customer_id)
);

-- Tickets as far as decisions need to know: a customer who has an open one is not asked how it went.
create table known_ticket (
    ticket_id uuid not null,
    customer_id uuid not null,
    sequence bigint not null,
    is_open boolean not null,
    constraint known_ticket_pkey primary key (ticket_id)
);
create index known_ticket_open on known_ticket (customer_id) where is_open;

create table invitation (
    id uuid not null,
    -- Counts the invitation's events.
    version bigint not null,
    programme_id uuid not null references programme,
    trigger text not null,
    customer_id uuid not null,
    subject text not null,
    -- Of the subject's event that triggered it: only what came after that calls it off.
    triggered_by bigint not null,
    -- Of the survey; from the decision to ask on, never changed (SU4).
    survey_id uuid,
    survey_number integer,
    state text not null,
    suppress_reason text,
    -- As it was when it was triggered; never changed (SU10).
    staff_member_id uuid,
    inclusion_probability double precision not null,
    -- The ticket came from a low score.
    from_low_score boolean not null,
    language text,
    next_eligible_at timestamptz,
    -- When it is to be decided, then: when it was.
    decide_at timestamptz not null,
    sent_at timestamptz,
    expire_at timestamptz,
    -- Of the link: raising it ends all links that were made before.
    link_generation integer not null default 1,
    response_id uuid,
    -- Counts the saves of its response: who saves has to name the present one.
    revision integer not null default 0,
    -- The schedule: of the decision while it is held, then of the next look at what was answered low, or of the end of the time to answer;
    -- null: nothing is to come.
    due_at timestamptz,
    -- Until when a process looks after what is due, in machine time; null: none does.
    leased_until timestamptz,
    correlation_id text not null,
    causation_id text not null,
    hops smallint not null,
    traceparent text,
    created_at timestamptz not null,
    constraint invitation_pkey primary key (id),
    -- SU11: what was closed, opened again and closed once more came to pass twice.
    constraint invitation_occasion_once unique (programme_id, subject, triggered_by),
    constraint invitation_state_known check (
        state in ('held', 'queued', 'sent', 'started', 'completed', 'suppressed', 'undeliverable', 'expired')
    ),
    -- SU3
    constraint invitation_probability check (inclusion_probability > 0 and inclusion_probability <= 1),
    constraint invitation_reason_of_suppressed check ((suppress_reason is not null) = (state = 'suppressed')),
    constraint invitation_waits_with_time check ((due_at is not null) = (state in ('held', 'queued', 'sent', 'started'))),
    -- SU4
    constraint invitation_asked_with_version check (
        state in ('held', 'suppressed') or (survey_id is not null and survey_number is not null and expire_at is not null)
    )
) with (fillfactor = 70);
create index invitation_to_decide on invitation (due_at) where state = 'held';
create index invitation_to_expire on invitation (due_at) where state in ('queued', 'sent', 'started');
create index invitation_held on invitation (customer_id, due_at) where state = 'held';
create index invitation_held_subject on invitation (subject) where state = 'held';
create index invitation_created_at on invitation (created_at, id);
create index invitation_programme on invitation (programme_id, created_at, id);
create index invitation_customer on invitation (customer_id, created_at, id);
create index invitation_state on invitation (state, created_at, id);
-- Scores count by the week in which it was decided.
create index invitation_programme_decided on invitation (programme_id, decide_at);

-- Invitations that count against a customer's pauses: accepted for sending, and not found undeliverable (SU2).
create table throttle_entry (
    invitation_id uuid not null references invitation,
    programme_id uuid not null,
    customer_id uuid not null,
    asked_at timestamptz not null,
    constraint throttle_entry_pkey primary key (invitation_id)
);
create index throttle_entry_customer on throttle_entry (customer_id, asked_at);
