-- What other systems pushed: identities for 90 days, and the raw bodies of what was refused.

create table intake_event (
    source text not null,
    id text not null,
    hash bytea not null,
    outcome text not null,
    subject text not null,
    -- Machine time.
    received_at timestamptz not null,
    constraint intake_event_pkey primary key (source, id)
);
create index intake_event_received_at on intake_event using brin (received_at);

-- The only place where a raw body is kept; the customer's foreign id lets erasure find it.
create table intake_quarantine (
    id uuid not null,
    source text not null,
    event_id text not null,
    reason text not null,
    foreign_customer_id text,
    -- SHA-256 of the whole event: one that is pushed again and again is kept once.
    hash bytea not null,
    -- The encoded event; of an oversized one its first 64 KiB.
    body bytea not null,
    received_at timestamptz not null,
    constraint intake_quarantine_pkey primary key (id),
    constraint intake_quarantine_once unique (source, event_id, hash)
);
create index intake_quarantine_received_at on intake_quarantine using brin (received_at);
create index intake_quarantine_customer on intake_quarantine (source, foreign_customer_id) where foreign_customer_id is not null;

create table api_key (
    id uuid not null,
    version bigint not null,
    display_name text not null,
    secret_sha256 bytea not null,
    sources text[] not null,
    expires_at timestamptz,
    revoked_at timestamptz,
    created_at timestamptz not null,
    constraint api_key_pkey primary key (id)
);
