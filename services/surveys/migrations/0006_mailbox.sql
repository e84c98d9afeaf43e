-- Who shares a mailbox is asked as rarely as one person is (SU2), and nobody is asked so soon after contact about something else (SU33).

-- Names the customer's mailbox without telling its address; null without one, and of customers of whom nothing was heard since this was kept.
alter table recipient add column mailbox_id uuid;

-- Where the question went.
alter table throttle_entry add column mailbox_id uuid;
create index throttle_entry_mailbox on throttle_entry (mailbox_id, asked_at) where mailbox_id is not null;

-- When the customer and staff last heard of each other about it, in business time.
alter table known_ticket add column contacted_at timestamptz;
create index known_ticket_contacted on known_ticket (customer_id, contacted_at);
