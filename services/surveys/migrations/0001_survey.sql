-- Questions in versions. One version of a survey is asked; a version that was ever published never changes, so that an answer means
-- for ever what it meant when it was given.

create table survey (
    id uuid not null,
    -- Counts the survey's changes: a publication is one, a draft is none.
    version bigint not null,
    display_name text not null,
    -- The version that is asked; null: none yet.
    published_number integer,
    -- Of a survey that Seva brings along; null: a person's.
    catalog_key text,
    created_at timestamptz not null,
    constraint survey_pkey primary key (id),
    constraint survey_catalog_key_once unique (catalog_key)
);
create index survey_created_at on survey (created_at, id);

create table survey_version (
    survey_id uuid not null references survey,
    number integer not null,
    -- Who wrote it: `catalog` for what Seva brings along, `person` for all else. A person's questions are never replaced by the catalog's.
    origin text not null,
    -- Titles and questions.
    content jsonb not null,
    -- SHA-256 of the content in its canonical form.
    hash bytea not null,
    created_at timestamptz not null,
    published_at timestamptz,
    constraint survey_version_pkey primary key (survey_id, number),
    constraint survey_version_number_positive check (number > 0),
    constraint survey_version_origin_known check (origin in ('catalog', 'person')),
    constraint survey_version_hash_length check (length(hash) = 32)
);

-- SU20: not even a mistake of ours changes what was asked.
create function refuse_change_of_published_version() returns trigger
language plpgsql as $$
begin
    raise exception using
        errcode = 'check_violation', constraint = 'survey_version_frozen', table = 'survey_version',
        message = 'a published version never changes';
end $$;
create trigger survey_version_frozen before update or delete on survey_version
for each row when (old.published_at is not null) execute function refuse_change_of_published_version();

-- What was asked under each id: in all versions of a survey an id means the same (SU22), so that its answers can be counted together.
create table asked_question (
    survey_id uuid not null references survey,
    question_id text not null,
    kind text not null,
    -- SHA-256 of the kind and the choices.
    scale_hash bytea not null,
    -- When a version that asks it was published last.
    asked_at timestamptz not null,
    constraint asked_question_pkey primary key (survey_id, question_id),
    constraint asked_question_kind_known check (kind in ('csat', 'nps', 'single_choice', 'text'))
);
