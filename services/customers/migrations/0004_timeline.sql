-- What happened to a customer, newest first: a read model of this service's own events and of messages.

create table timeline_entry (
    customer_id uuid not null references customer,
    occurred_at timestamptz not null,
    -- The event's id: the same event is entered once.
    event_id uuid not null,
    kind text not null,
    subject text not null,
    type text not null,
    label text not null,
    details jsonb not null default '{}',
    -- Counts the subject's events: a read model of states writes only over an older one.
    sequence bigint not null,
    constraint timeline_entry_pkey primary key (customer_id, occurred_at, event_id),
    constraint timeline_entry_kind_known check (kind in ('customer', 'order', 'invoice', 'message'))
);
create index timeline_entry_kind on timeline_entry (customer_id, kind, occurred_at, event_id);
-- A message is one entry that shows its newest state.
create unique index timeline_entry_message on timeline_entry (customer_id, subject) where kind = 'message';

-- Entries under the names that lists use.
create view timeline_in_order as
select event_id as id, customer_id, occurred_at, kind, subject, type, label, details from timeline_entry;

-- How far the read models of other services' events have come: the business time of the newest event applied.
create table read_model_progress (
    source text not null,
    occurred_at timestamptz not null,
    constraint read_model_progress_pkey primary key (source)
);
