-- Orders and invoices as other systems report them.

create table customer_order (
    id uuid not null,
    version bigint not null,
    customer_id uuid not null references customer,
    source text not null,
    order_number text not null,
    state text not null,
    total_minor_units bigint,
    total_currency text,
    -- When each step became true, by the step's name.
    steps jsonb not null,
    first_promised_date date,
    current_promised_date date,
    promised_zone text,
    actual_delivery_time timestamptz,
    promised_date_outcome text,
    delay_reason text not null default '',
    carrier text not null default '',
    tracking_number text not null default '',
    tracking_link text not null default '',
    source_sequence bigint not null,
    observed_at timestamptz not null,
    fresh_until timestamptz not null,
    -- Which findings of the clock were made for the current promised date: none, at_risk, missed.
    promised_day_found text not null default 'none',
    -- The schedule of the next finding, in business time; null: none is to be made.
    due_at timestamptz,
    attempt integer not null default 0,
    -- Machine time.
    leased_until timestamptz not null default '-infinity',
    created_at timestamptz not null,
    constraint customer_order_pkey primary key (id),
    constraint customer_order_number_once unique (source, order_number)
);
create index customer_order_due on customer_order (due_at) where due_at is not null;
create index customer_order_customer on customer_order (customer_id, created_at, id);
create index customer_order_created_at on customer_order (created_at, id);

-- Append-only history of what was promised.
create table promised_date (
    order_id uuid not null references customer_order,
    number integer not null,
    promised_date date not null,
    zone text not null,
    reason text not null,
    promised_at timestamptz not null,
    constraint promised_date_pkey primary key (order_id, number)
);

create table invoice (
    id uuid not null,
    version bigint not null,
    customer_id uuid not null references customer,
    source text not null,
    invoice_number text not null,
    order_number text not null default '',
    state text not null,
    amount_minor_units bigint,
    paid_minor_units bigint not null default 0,
    refunded_minor_units bigint not null default 0,
    currency text,
    failed_payments integer not null default 0,
    due_date date,
    due_zone text,
    source_sequence bigint not null,
    observed_at timestamptz not null,
    created_at timestamptz not null,
    constraint invoice_pkey primary key (id),
    constraint invoice_number_once unique (source, invoice_number)
);
create index invoice_customer on invoice (customer_id, created_at, id);
