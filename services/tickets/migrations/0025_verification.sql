-- Whether it is solved is asked on several channels, within the customer's hours; every attempt is kept, and why one was given up.

-- Until the customers service tells of a customer again they can be written to, as was taken for granted so far.
alter table recipient
    add column has_email boolean not null default true,
    add column has_phone boolean not null default false;

alter table ticket
    -- Every attempt, oldest first: resolution, channel, time, who called, outcome. Few: at most ten for a resolution.
    add column verification jsonb not null default '[]',
    -- From then on a person has to call, until `verification_due_at` (TK142).
    add column verification_call_from timestamptz,
    -- Null for what was closed before it was recorded.
    add column unverified_reason text,
    add constraint ticket_called_while_resolved check (verification_call_from is null or state = 'resolved'),
    add constraint ticket_unverified_says_why check (unverified_reason is null or (state = 'closed' and closure = 'unverified')),
    add constraint ticket_unverified_reason_known
        check (unverified_reason in ('unanswered', 'no_second_channel', 'no_channel', 'not_called'));

-- Whom to call.
create index ticket_call on ticket (created_at, id) where verification_call_from is not null;
