-- What customers answered.

create table response (
    id uuid not null,
    -- Counts the response's events.
    version bigint not null,
    invitation_id uuid not null references invitation,
    programme_id uuid not null,
    customer_id uuid not null,
    -- What was asked; never changed (SU4).
    survey_id uuid not null,
    survey_number integer not null,
    state text not null,
    revision integer not null,
    created_at timestamptz not null,
    completed_at timestamptz,
    -- The request that saved last: the same one again saves nothing. Its answer holds words, which are kept here only.
    saved_request uuid not null,
    saved_hash bytea not null,
    constraint response_pkey primary key (id),
    -- SU1
    constraint response_invitation_once unique (invitation_id),
    constraint response_state_known check (state in ('in_progress', 'completed', 'partial')),
    constraint response_completed_with_time check ((completed_at is not null) = (state = 'completed'))
) with (fillfactor = 80);
create index response_created_at on response (created_at, id);
create index response_programme on response (programme_id, created_at, id);
create index response_customer on response (customer_id, created_at, id);

create table answer (
    response_id uuid not null references response,
    question_id text not null,
    -- The question's, in its version.
    position smallint not null,
    kind text not null,
    score smallint,
    choice_id text,
    -- The customer's own words: personal.
    text text,
    constraint answer_pkey primary key (response_id, question_id),
    constraint answer_value_of_kind check (
        case kind
            when 'csat' then score between 1 and 5 and choice_id is null and text is null
            when 'nps' then score between 0 and 10 and choice_id is null and text is null
            when 'single_choice' then choice_id is not null and score is null and text is null
            when 'text' then text is not null and score is null and choice_id is null
            else false
        end
    )
);
