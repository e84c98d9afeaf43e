-- What customers were promised: by whom, by when, and what became of it. A promise is never deleted, and one that is broken stays so.

create table promise (
    id uuid not null,
    version bigint not null,
    ticket_id uuid not null references ticket,
    customer_id uuid not null,
    -- The department that the ticket was with when it was made.
    department_id uuid,
    -- Who answers for it; null: it waits for somebody in the queue of its department's lead (TK41).
    owner_id uuid,
    state text not null,
    -- What the customer was told: personal data. Empty once the message that told it is taken back (TK6).
    words text not null,
    message_id uuid,
    due_at timestamptz not null,
    -- When it was due as it was made.
    first_due_at timestamptz not null,
    renewals integer not null default 0,
    -- The round of the ticket's clock that counts to it.
    round integer not null,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    kept_at timestamptz,
    broken_at timestamptz,
    withdrawn_at timestamptz,
    -- When the customer was told that we are sorry.
    apologized_at timestamptz,
    constraint promise_pkey primary key (id),
    constraint promise_state_known check (state in ('open', 'kept', 'broken', 'kept_late', 'withdrawn')),
    -- TK42
    constraint promise_kept_has_time check ((state in ('kept', 'kept_late')) = (kept_at is not null)),
    constraint promise_broken_has_time check ((state in ('broken', 'kept_late')) = (broken_at is not null)),
    constraint promise_kept_in_time check (state <> 'kept' or kept_at < due_at),
    constraint promise_withdrawn_has_time check ((state = 'withdrawn') = (withdrawn_at is not null)),
    -- TK43
    constraint promise_renewed_to_later check (
        renewals >= 0 and (renewals > 0) = (due_at > first_due_at) and first_due_at > created_at
    ),
    constraint promise_sorry_for_what_is_broken check (apologized_at is null or broken_at is not null)
) with (fillfactor = 80);
-- Lists by due time, and the period of a rate.
create index promise_due on promise (due_at, id);
create index promise_ticket on promise (ticket_id, due_at, id);
create index promise_owner on promise (owner_id, due_at, id);
create index promise_department on promise (department_id, due_at, id);
-- What is taken back with a message.
create index promise_message on promise (message_id);
-- The schedule of what is due, and the work that is open.
create index promise_state on promise (state, due_at, id);
-- What waits for somebody to answer for it.
create index promise_without_owner on promise (due_at, id) where state = 'open' and owner_id is null;
-- TK45
create trigger promise_not_deleted before delete on promise for each row execute function refuse_change();

-- What is owed: what is promised and not due yet, and an apology for what was broken (TK44).
create function promise_holds_ticket() returns trigger
language plpgsql as $$
begin
    perform hold_ticket(
        new.ticket_id, 'promise', new.id, new.state = 'open' or (new.broken_at is not null and new.apologized_at is null)
    );
    return null;
end $$;
create trigger promise_holds_ticket after insert or update of state, apologized_at on promise
    for each row execute function promise_holds_ticket();

-- When a customer wants to be interrupted, as far as it was told since; null: at any time.
alter table recipient add column availability jsonb;
