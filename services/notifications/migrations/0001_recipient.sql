-- What decisions need to know of a customer, from the customers service's events: without name and without address.

create table recipient (
    customer_id uuid not null,
    -- Of the event that was written last: an older one does not overwrite it.
    sequence bigint not null,
    -- In order of preference.
    languages jsonb not null,
    availability jsonb not null,
    has_email boolean not null,
    has_phone boolean not null,
    tier text not null,
    -- The newest word per purpose and channel.
    consents jsonb not null,
    constraint recipient_pkey primary key (customer_id)
);
