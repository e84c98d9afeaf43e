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
    constraint timeline_entry_pkey primary key (customer_id, occurred_at, event_id)
);
create index timeline_entry_kind on timeline_entry (customer_id, kind, occurred_at, event_id);
-- A message is one entry that shows its newest state.
create unique index timeline_entry_message on timeline_entry (customer_id, subject) where kind = 'message';
