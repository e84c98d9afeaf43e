-- Troubleshooting guides: graphs of questions, instructions and outcomes in versions, and what came of going through them for a ticket.

create table guide (
    id uuid not null,
    -- Counts the guide's changes, drafts among them.
    version bigint not null,
    display_name text not null,
    -- Empty: it is about none.
    product text not null,
    published_number integer,
    -- The version that is written; null: none is.
    draft_number integer,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    constraint guide_pkey primary key (id),
    constraint guide_draft_is_newer check (draft_number > coalesce(published_number, 0))
) with (fillfactor = 80);
create index guide_created_at on guide (created_at, id);
create index guide_product on guide (product, created_at, id);

create table guide_version (
    guide_id uuid not null references guide,
    number integer not null,
    -- Titles and nodes.
    content jsonb not null,
    -- SHA-256 of the content in its canonical form.
    hash bytea not null,
    created_at timestamptz not null,
    published_at timestamptz,
    constraint guide_version_pkey primary key (guide_id, number),
    constraint guide_version_number_positive check (number > 0),
    constraint guide_version_hash_length check (length(hash) = 32)
);
create unique index guide_version_one_draft on guide_version (guide_id) where published_at is null;
-- TK80
create trigger guide_version_frozen before update or delete on guide_version
for each row when (old.published_at is not null) execute function refuse_change_of_published();

create table troubleshooting_run (
    id uuid not null,
    version bigint not null,
    ticket_id uuid not null references ticket,
    guide_id uuid not null,
    -- The version that it began with and keeps to (TK87).
    number integer not null,
    state text not null,
    -- Counts from 1: the step whose answer is awaited, or was awaited last.
    step integer not null,
    -- Where it is, or where it ended.
    node_id text not null,
    outcome text,
    -- The kind of ticket whose department takes over.
    hand_over_kind text,
    started_at timestamptz not null,
    updated_at timestamptz not null,
    ended_at timestamptz,
    constraint troubleshooting_run_pkey primary key (id),
    constraint troubleshooting_run_version foreign key (guide_id, number) references guide_version,
    constraint troubleshooting_run_state_known check (state in ('running', 'completed', 'abandoned')),
    constraint troubleshooting_run_outcome_known check (outcome in ('solved', 'not_solved', 'hand_over')),
    constraint troubleshooting_run_completed_has_outcome check ((state = 'completed') = (outcome is not null)),
    constraint troubleshooting_run_hand_over_has_kind check ((outcome is not distinct from 'hand_over') = (hand_over_kind is not null)),
    constraint troubleshooting_run_over_has_end check ((state = 'running') = (ended_at is null))
) with (fillfactor = 80);
-- TK86: one at a time of a guide for a ticket.
create unique index troubleshooting_run_one_at_a_time on troubleshooting_run (ticket_id, guide_id) where state = 'running';
create index troubleshooting_run_ticket on troubleshooting_run (ticket_id, started_at, id);

-- Append only (TK87).
create table run_step (
    run_id uuid not null references troubleshooting_run,
    step integer not null,
    node_id text not null,
    -- Empty: an instruction was followed.
    answer_id text not null,
    -- The member; null for a caller who is not known here.
    answered_by uuid,
    answered_at timestamptz not null,
    constraint run_step_pkey primary key (run_id, step),
    constraint run_step_positive check (step > 0)
);
create trigger run_step_append_only before update or delete on run_step
    for each row execute function refuse_change();
