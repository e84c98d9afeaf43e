-- Many tickets: the same actions on them, each with its own result; and tickets of other systems.

create table bulk_job (
    id uuid not null,
    version bigint not null,
    state text not null,
    -- In order; each a `seva.tickets.v1.TicketAction`.
    actions bytea[] not null,
    total integer not null,
    done integer not null default 0,
    refused integer not null default 0,
    -- Who asked for it: tickets' events and audit name them, and what is said is theirs.
    creator text not null,
    member uuid,
    correlation_id text not null,
    traceparent text,
    created_at timestamptz not null,
    -- When it was looked at last: of several jobs each gets its turn.
    updated_at timestamptz not null,
    finished_at timestamptz,
    constraint bulk_job_pkey primary key (id),
    constraint bulk_job_has_actions check (cardinality(actions) between 1 and 10),
    constraint bulk_job_state_known check (state in ('queued', 'running', 'done', 'canceled')),
    constraint bulk_job_bounded check (total between 0 and 10000),
    -- TK122
    constraint bulk_job_counts check (done + refused <= total and (state <> 'done' or done + refused = total)),
    constraint bulk_job_finished check ((state in ('done', 'canceled')) = (finished_at is not null))
) with (fillfactor = 80);
create index bulk_job_created_at on bulk_job (created_at, id);
-- The schedule.
create index bulk_job_turn on bulk_job (updated_at, id) where state in ('queued', 'running');
-- What is removed.
create index bulk_job_finished_at on bulk_job (finished_at) where finished_at is not null;

create table bulk_item (
    job_id uuid not null references bulk_job,
    -- May be none that exists: that is its result.
    ticket_id uuid not null,
    state text not null,
    -- Of a refused one: why, in words of ours.
    reason text,
    invariant text,
    description text,
    action smallint,
    finished_at timestamptz,
    -- TK122: a ticket is served once in a job.
    constraint bulk_item_pkey primary key (job_id, ticket_id),
    constraint bulk_item_state_known check (state in ('queued', 'done', 'refused', 'canceled')),
    constraint bulk_item_refused_why check ((state = 'refused') = (reason is not null and description is not null and action is not null))
) with (fillfactor = 80);
create index bulk_item_queued on bulk_item (job_id, ticket_id) where state = 'queued';

-- Where imported tickets come from (TK127).
create table ticket_import (
    source text not null,
    external_id text not null,
    ticket_id uuid not null,
    -- Of the message that it came in.
    hash bytea not null,
    constraint ticket_import_pkey primary key (source, external_id),
    -- It is written first, in the transaction that writes the ticket.
    constraint ticket_import_ticket foreign key (ticket_id) references ticket deferrable initially deferred
);
create index ticket_import_ticket on ticket_import (ticket_id);
