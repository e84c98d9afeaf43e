-- Sorts of messages, and which of them customers want.

create table category (
    key text not null,
    version bigint not null,
    class text not null,
    -- Waits for the customer's hours.
    interruptive boolean not null,
    duplicate_policy text not null,
    time_to_live_seconds bigint not null,
    constraint category_pkey primary key (key),
    constraint category_class_known check (class in ('transactional', 'service', 'marketing')),
    constraint category_duplicate_policy_known check (duplicate_policy in ('at_most_once', 'at_least_once')),
    constraint category_time_to_live_positive check (time_to_live_seconds > 0)
);

insert into category (key, version, class, interruptive, duplicate_policy, time_to_live_seconds) values
    ('order_updates', 1, 'transactional', false, 'at_least_once', 3 * 86400),
    -- Where a parcel is tells little two days later.
    ('delivery', 1, 'transactional', false, 'at_least_once', 2 * 86400),
    ('billing', 1, 'transactional', false, 'at_least_once', 7 * 86400),
    -- A welcome that comes twice is worse than one that does not come.
    ('welcome', 1, 'service', false, 'at_most_once', 7 * 86400);

create table preference (
    customer_id uuid not null,
    category text not null references category,
    version bigint not null,
    wanted boolean not null,
    set_at timestamptz not null,
    constraint preference_pkey primary key (customer_id, category)
);

-- Append only: every wish, with how it was given.
create table preference_change (
    customer_id uuid not null,
    category text not null,
    number bigint not null,
    wanted boolean not null,
    evidence text not null,
    actor text not null,
    set_at timestamptz not null,
    constraint preference_change_pkey primary key (customer_id, category, number)
);
