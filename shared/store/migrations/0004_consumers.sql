-- How far this service has read other services' feeds, and what it could not apply.

create table consumer_cursor (
    consumer text not null,
    source text not null,
    feed_no bigint not null,
    -- The feed's epoch in which `feed_no` was read; null before the first batch.
    epoch text,
    -- Grows with every taking of the lease: an effect of an older one is refused.
    generation bigint not null default 0,
    owner uuid,
    -- Machine time.
    expires_at timestamptz not null default '-infinity',
    constraint consumer_cursor_pkey primary key (consumer, source)
);

create table dead_letter (
    id uuid not null,
    consumer text not null,
    source text not null,
    feed_no bigint not null,
    event_id uuid not null,
    subject text not null,
    state text not null,
    event bytea not null,
    error text not null,
    traceparent text,
    attempts integer not null,
    created_at timestamptz not null,
    constraint dead_letter_pkey primary key (id),
    constraint dead_letter_once unique (consumer, source, event_id),
    constraint dead_letter_state_known check (state in ('dead', 'parked'))
);
create index dead_letter_subject on dead_letter (consumer, source, subject, feed_no);
