-- Orders and invoices as other systems report them.

create table customer_order (
    id uuid not null,
    -- Counts the order's events.
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
    first_promised_zone text,
    current_promised_date date,
    current_promised_zone text,
    -- Entries of promised_date.
    promised_dates integer not null,
    -- When the source named the current promised day.
    promised_at timestamptz,
    actual_delivery_at timestamptz,
    promised_date_outcome text,
    delay_reason text not null,
    carrier text not null,
    tracking_number text not null,
    tracking_link text,
    source_sequence bigint not null,
    observed_at timestamptz not null,
    fresh_until timestamptz not null,
    -- Which findings of the clock were made for the current promised day: nothing, at_risk, missed.
    found text not null,
    -- The schedule of the next finding, in business time; null: none is to be made.
    due_at timestamptz,
    attempt integer not null default 0,
    -- Machine time.
    leased_until timestamptz not null default '-infinity',
    created_at timestamptz not null,
    constraint customer_order_pkey primary key (id),
    constraint customer_order_number_once unique (source, order_number),
    constraint customer_order_state_known check (state in (
        'placed', 'confirmed', 'in_manufacture', 'handed_to_carrier', 'in_transit', 'out_for_delivery', 'delivered', 'canceled', 'unavailable'
    ))
) with (fillfactor = 80);
create index customer_order_due on customer_order (due_at) where due_at is not null;
create index customer_order_customer on customer_order (customer_id, created_at, id);
create index customer_order_created_at on customer_order (created_at, id);
-- Orders at a state or with an outcome are few among many, and are listed by age.
create index customer_order_state on customer_order (state, created_at, id);
create index customer_order_outcome on customer_order (promised_date_outcome, created_at, id);

-- Append-only history of what was promised (CU13).
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
    -- Counts the invoice's events.
    version bigint not null,
    customer_id uuid not null references customer,
    source text not null,
    invoice_number text not null,
    order_number text not null,
    state text not null,
    -- CU17: one currency for all amounts of an invoice.
    currency text not null,
    amount_minor_units bigint,
    paid_minor_units bigint not null,
    refunded_minor_units bigint not null,
    failed_payments integer not null,
    due_date date,
    due_zone text,
    source_sequence bigint not null,
    observed_at timestamptz not null,
    created_at timestamptz not null,
    constraint invoice_pkey primary key (id),
    constraint invoice_number_once unique (source, invoice_number),
    constraint invoice_state_known check (state in ('issued', 'payment_failed', 'paid', 'refunded')),
    -- CU16
    constraint invoice_refund_within_paid check (refunded_minor_units <= paid_minor_units)
) with (fillfactor = 80);
create index invoice_customer on invoice (customer_id, created_at, id);
