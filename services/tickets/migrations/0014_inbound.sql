-- Messages that came in, whichever way: kept before they are answered (TK91), and 90 days after that.

create table inbound_message (
    id uuid not null,
    -- The adapter's, and the message's id there.
    source text not null,
    external_id text not null,
    -- SHA-256 of the message as it was pushed.
    hash bytea not null,
    -- The key or user that pushed it.
    pushed_by text not null,
    channel text not null,
    posted_publicly boolean not null,
    -- Personal data, as the name, the subject, the body and the attachments are.
    sender_kind text not null,
    sender_address text not null,
    sender_name text not null,
    sender_proof text not null,
    language text,
    subject text not null,
    body text not null,
    attachments jsonb not null,
    automation jsonb not null,
    -- Of a ticket that it opens.
    kind text not null,
    in_reply_to text[] not null,
    thread_id text not null,
    sent_at timestamptz,
    traceparent text,
    state text not null,
    reason text,
    -- Somebody has looked at it: nothing is asked of it any more.
    released boolean not null default false,
    -- Lets erasure find what a customer wrote.
    customer_id uuid,
    ticket_id uuid references ticket,
    message_id uuid,
    -- Business time.
    received_at timestamptz not null,
    -- Machine time, by which it is forgotten.
    recorded_at timestamptz not null,
    constraint inbound_message_pkey primary key (id),
    -- TK90
    constraint inbound_message_once unique (source, external_id),
    constraint inbound_message_channel_known check (channel in ('mail', 'web', 'sms', 'messaging', 'social')),
    constraint inbound_message_public_on_social check (channel = 'social' or not posted_publicly),
    constraint inbound_message_sender_kind_known check (sender_kind in ('email', 'phone', 'handle')),
    constraint inbound_message_state_known check (state in ('pending', 'delivered', 'ignored', 'held')),
    constraint inbound_message_reason_of_state check ((state in ('ignored', 'held')) = (reason is not null)),
    -- TK91
    constraint inbound_message_delivered_whole check (
        (state = 'delivered') = (message_id is not null) and (state <> 'delivered' or (ticket_id is not null and customer_id is not null))
    )
) with (fillfactor = 80);
-- TK91: what was said is said once.
create unique index inbound_message_message on inbound_message (message_id) where message_id is not null;
create index inbound_message_received_at on inbound_message (received_at, id);
create index inbound_message_state on inbound_message (state, received_at, id);
create index inbound_message_customer on inbound_message (customer_id, received_at, id);
create index inbound_message_ticket on inbound_message (ticket_id, received_at, id);
-- How many of a sender were let in of late (TK94).
create index inbound_message_sender on inbound_message (sender_kind, sender_address, received_at) where state in ('pending', 'delivered');
create index inbound_message_thread on inbound_message (source, thread_id, id) where thread_id <> '';
-- The same of one customer: many may write in one conversation.
create index inbound_message_thread_customer on inbound_message (source, thread_id, customer_id, id) where thread_id <> '';
create index inbound_message_pending on inbound_message (id) where state = 'pending';
create index inbound_message_recorded_at on inbound_message using brin (recorded_at);

-- The tickets that follow a closed one.
create index ticket_follow_up on ticket (follow_up_of) where follow_up_of is not null;

alter table message drop constraint message_medium_known;
alter table message add constraint message_medium_known check (medium in (
    'text', 'phone_call', 'email', 'web', 'sms', 'messaging', 'social', 'social_post'
));
