-- Low scores, and what was done about them.

create table loop_case (
    id uuid not null,
    -- Counts the case's events.
    version bigint not null,
    response_id uuid not null references response,
    customer_id uuid not null,
    programme_id uuid not null,
    question_id text not null,
    score smallint not null,
    -- What was asked about, and in which language: tickets needs to know.
    subject text not null,
    language text not null,
    state text not null,
    ticket_id uuid,
    -- Of the ticket's event that was applied last.
    ticket_sequence bigint not null default 0,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    constraint loop_case_pkey primary key (id),
    -- SU5
    constraint loop_case_question_once unique (response_id, question_id),
    constraint loop_case_state_known check (
        state in ('open', 'acknowledged', 'contacted', 'resolved', 'verified', 'disputed', 'unreachable', 'canceled')
    )
) with (fillfactor = 80);
create index loop_case_created_at on loop_case (created_at, id);
create index loop_case_customer on loop_case (customer_id, created_at, id);
create index loop_case_state on loop_case (state, created_at, id);
-- A customer with a case that is not over is not asked anything else.
create index loop_case_not_over on loop_case (customer_id) where state not in ('verified', 'unreachable', 'canceled');
