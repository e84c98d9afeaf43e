-- What became of the mails by which notifications tells customers of what is said to them.

-- The reason for which a customer is told of a message once, as notifications names it ({subject}/{milestone}/{occasion}), where that is not the
-- message itself: of a resolution, and of what gives a promise another day. Null for all else, and for what was said before this was recorded.
alter table message add column told_as text;
create unique index message_told_as_once on message (told_as) where told_as is not null;

-- The last word on the mail of each message that has one: without a row nothing was heard of any. It holds ids.
create table message_delivery (
    message_id uuid not null references message,
    notification_id uuid not null,
    -- Counts the decisions about the notification: an older one never takes the place of a newer one (TK149).
    sequence bigint not null,
    state text not null,
    -- In notifications' word, such as `bad_address`: there may be more of them one day.
    reason text not null,
    -- Business time.
    decided_at timestamptz not null,
    constraint message_delivery_pkey primary key (message_id),
    constraint message_delivery_state_known check (
        state in ('queued', 'deferred', 'sending', 'sent', 'skipped', 'superseded', 'expired', 'canceled', 'failed')
    )
) with (fillfactor = 80);
