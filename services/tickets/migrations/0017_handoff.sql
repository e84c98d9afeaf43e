-- What one department hands to another: offered, taken or refused, done and confirmed. Each row is one department's turn; what it passes on
-- to another one is a row of its own that follows it.

create table handoff (
    id uuid not null,
    version bigint not null,
    ticket_id uuid not null references ticket,
    -- Who asks: the ticket's department when it was offered, and the member.
    from_department_id uuid,
    sender_id uuid not null,
    -- Who is asked.
    department_id uuid not null,
    state text not null,
    -- Who of the department took it, or refused it.
    member_id uuid,
    -- What is wanted, and the last word about it: personal data. Empty once the messages that say so are taken back (TK6).
    wanted text not null,
    answer text not null default '',
    wanted_by uuid,
    answered_by uuid,
    -- How often it was sent on instead of being done, in all turns (TK47).
    bounces integer not null,
    -- The hand-off that it follows, when a department passed that on.
    follows uuid references handoff,
    -- The rounds of the ticket's clocks.
    ack_round integer not null,
    done_round integer not null,
    -- What its clocks said when it was answered, and when there was a result: what was late stays so (TK23).
    ack_breached boolean not null default false,
    done_breached boolean not null default false,
    ack_due_at timestamptz not null,
    done_due_at timestamptz not null,
    -- Working time of the department from the offer to its answer, and to its last result.
    ack_us bigint,
    done_us bigint,
    offered_at timestamptz not null,
    updated_at timestamptz not null,
    answered_at timestamptz,
    done_at timestamptz,
    ended_at timestamptz,
    constraint handoff_pkey primary key (id),
    constraint handoff_state_known check (state in ('offered', 'accepted', 'done', 'confirmed', 'refused', 'withdrawn')),
    constraint handoff_to_another check (department_id <> from_department_id),
    constraint handoff_answered check (
        case when state = 'offered' then answered_at is null
        when state = 'withdrawn' then true
        else answered_at is not null and member_id is not null end
    ),
    constraint handoff_done check (
        (state not in ('done', 'confirmed') or done_at is not null) and (done_us is null) = (done_at is null)
        and (ack_us is null) = (answered_at is null)
    ),
    constraint handoff_ended check ((state in ('confirmed', 'refused', 'withdrawn')) = (ended_at is not null)),
    constraint handoff_bounces_counted check (bounces >= 0)
) with (fillfactor = 80);
-- TK48: a ticket waits for one department at a time. Not partial: inboxes would be read through it, and sorted.
create unique index handoff_under_way on handoff ((case when state in ('offered', 'accepted') then ticket_id end));
-- A hand-off is passed on once.
create unique index handoff_follows on handoff (follows) where follows is not null;
-- Lists by what is due, such as a department's inbox.
create index handoff_ack_due on handoff (ack_due_at, id);
create index handoff_done_due on handoff (done_due_at, id);
create index handoff_department on handoff (department_id, ack_due_at, id);
create index handoff_department_done on handoff (department_id, done_due_at, id);
create index handoff_inbox on handoff (department_id, state, ack_due_at, id);
create index handoff_inbox_done on handoff (department_id, state, done_due_at, id);
create index handoff_outbox on handoff (from_department_id, ack_due_at, id);
create index handoff_outbox_done on handoff (from_department_id, done_due_at, id);
create index handoff_ticket on handoff (ticket_id, ack_due_at, id);
create index handoff_ticket_done on handoff (ticket_id, done_due_at, id);
-- What is taken back with a message.
create index handoff_wanted_by on handoff (wanted_by);
create index handoff_answered_by on handoff (answered_by);
-- The period of a report.
create index handoff_offered on handoff (offered_at);

-- TK11: until the sender has confirmed it or taken it back.
create function handoff_holds_ticket() returns trigger
language plpgsql as $$
begin
    perform hold_ticket(new.ticket_id, 'handoff', new.id, new.ended_at is null);
    return null;
end $$;
create trigger handoff_holds_ticket after insert or update of state on handoff
    for each row execute function handoff_holds_ticket();
