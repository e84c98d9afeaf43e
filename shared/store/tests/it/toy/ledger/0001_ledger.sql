-- What another service makes of the accounts' events.

-- Every application of an event, without a key: doing twice shows.
create table application (
    number bigint generated always as identity,
    event_id uuid not null,
    subject text not null,
    sequence bigint not null,
    constraint application_pkey primary key (number)
);

-- An effect that creates: keyed by the event.
create table entry (
    event_id uuid not null,
    subject text not null,
    amount bigint not null,
    constraint entry_pkey primary key (event_id),
    constraint entry_amount_believable check (amount < 1000000)
);

-- A projection: only a newer sequence overwrites.
create table projection (
    subject text not null,
    sequence bigint not null,
    balance bigint not null,
    constraint projection_pkey primary key (subject)
);
