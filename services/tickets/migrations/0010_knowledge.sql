-- What the company knows: articles in versions and languages, what readers think of them, and which tickets were solved with them. The texts
-- are the company's own, not personal data.

-- Trigrams find what looks like the number of a part or an error, which the parser of texts tears apart.
create extension if not exists pg_trgm;

create table article (
    id uuid not null,
    -- Counts the article's changes, drafts among them.
    version bigint not null,
    display_name text not null,
    -- Empty: it is about none.
    product text not null,
    -- For whom it was written, for good: what was meant for staff is never shown to customers by a slip.
    audience text not null,
    state text not null,
    published_number integer,
    -- The version that is written; null: none is.
    draft_number integer,
    -- Of the published version.
    languages text[] not null default '{}',
    -- When its review date has passed; null while nothing of it is published.
    stale_at timestamptz,
    helpful_count bigint not null default 0,
    not_helpful_count bigint not null default 0,
    solved_count bigint not null default 0,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    constraint article_pkey primary key (id),
    constraint article_audience_known check (audience in ('public', 'staff')),
    constraint article_state_known check (state in ('draft', 'published', 'retired')),
    constraint article_published_has_version check (state <> 'published' or published_number is not null),
    constraint article_published_has_review check ((state = 'published') = (stale_at is not null)),
    constraint article_draft_is_newer check (draft_number > coalesce(published_number, 0))
) with (fillfactor = 80);
create index article_created_at on article (created_at, id);
create index article_state on article (state, created_at, id);
create index article_product on article (product, created_at, id);
create index article_stale_at on article (stale_at, id) where stale_at is not null;

create table article_version (
    article_id uuid not null references article,
    number integer not null,
    -- Texts, media and review date.
    content jsonb not null,
    -- SHA-256 of the content in its canonical form.
    hash bytea not null,
    created_at timestamptz not null,
    published_at timestamptz,
    constraint article_version_pkey primary key (article_id, number),
    constraint article_version_number_positive check (number > 0),
    constraint article_version_hash_length check (length(hash) = 32)
);
create unique index article_version_one_draft on article_version (article_id) where published_at is null;

-- TK80: not even a mistake of ours changes what was published.
create function refuse_change_of_published() returns trigger
language plpgsql as $$
begin
    raise exception using
        errcode = 'check_violation', constraint = tg_name, table = tg_table_name,
        message = 'a published version never changes';
end $$;
create trigger article_version_frozen before update or delete on article_version
for each row when (old.published_at is not null) execute function refuse_change_of_published();

-- Words as they are compared: the forms of one letter are one, joiners are none, marks between words are spaces. Urdu is typed with the Arabic
-- letters of yeh and kaf as well as with its own.
create function searchable(text) returns text
language sql immutable parallel safe
return regexp_replace(
    translate(lower(normalize($1, nfkc)), U&'\064A\0643\200C\200D', U&'\06CC\06A9'),
    U&'[!-/:-@[-`{-~\2010-\201F]+', ' ', 'g'
);

-- Texts in which every word asked for begins a word; one of fewer than three letters is one.
create function words_query(text) returns tsquery
language sql immutable parallel safe
return (
    select to_tsquery('simple', coalesce(
        string_agg('''' || left(word, 100) || case when length(word) < 3 then '''' else ''':*' end, ' & '), ''
    ))
    from regexp_split_to_table(searchable($1), '\s+') as word
    where word <> ''
);

-- What is searched: the texts of published versions, and nothing else (TK84).
create table article_text (
    article_id uuid not null references article,
    language text not null,
    audience text not null,
    product text not null,
    title text not null,
    body text not null,
    -- Numbers of parts, errors and the like in the text: small letters and digits, a space before each.
    identifiers text not null,
    document tsvector not null generated always as (
        setweight(to_tsvector('simple', searchable(title)), 'A') || setweight(to_tsvector('simple', searchable(body)), 'B')
    ) stored,
    constraint article_text_pkey primary key (article_id, language)
) with (toast_tuple_target = 8160);
-- A search ranks many texts and shows few: what it ranks them by lies in the row itself, and is read more than twice as fast as from beside it.
alter table article_text alter document set storage main;
create index article_text_document on article_text using gin (document);
create index article_text_identifiers on article_text using gin (identifiers gin_trgm_ops);

-- Once for each ticket, or for each caller who names none (TK82).
create table article_rating (
    id uuid not null,
    article_id uuid not null,
    number integer not null,
    -- `tickets/{id}`, or the caller.
    rater text not null,
    ticket_id uuid,
    helpful boolean not null,
    created_at timestamptz not null,
    constraint article_rating_pkey primary key (id),
    constraint article_rating_once unique (article_id, rater),
    constraint article_rating_version foreign key (article_id, number) references article_version,
    constraint article_rating_ticket foreign key (ticket_id) references ticket
);
create trigger article_rating_append_only before update or delete on article_rating
    for each row execute function refuse_change();

-- Which tickets were solved with which articles (TK83).
create table solution (
    id uuid not null,
    ticket_id uuid not null references ticket,
    article_id uuid not null,
    number integer not null,
    -- The member; null for a caller who is not known here.
    recorded_by uuid,
    created_at timestamptz not null,
    constraint solution_pkey primary key (id),
    constraint solution_once unique (ticket_id, article_id),
    constraint solution_version foreign key (article_id, number) references article_version
);
create index solution_ticket on solution (ticket_id, created_at, id);
create trigger solution_append_only before update or delete on solution
    for each row execute function refuse_change();
