-- Texts in versions. One version of a template is sent from; a version that was ever published never changes.

create table template (
    key text not null,
    version bigint not null,
    -- The version that is sent from; null: none yet.
    published_number integer,
    constraint template_pkey primary key (key)
);

create table template_version (
    id uuid not null,
    key text not null references template,
    number integer not null,
    -- Who wrote it: `catalog` for what Seva brings along, `person` for all else. A person's text is never replaced by the catalog's.
    origin text not null,
    content jsonb not null,
    hash bytea not null,
    created_at timestamptz not null,
    published_at timestamptz,
    -- By key, newest first.
    place text not null generated always as (key || '/' || lpad((10000000 - number)::text, 8, '0')) stored,
    constraint template_version_pkey primary key (key, number),
    constraint template_version_number_positive check (number between 1 and 9999999),
    constraint template_version_origin_known check (origin in ('catalog', 'person'))
);
create unique index template_version_id on template_version (id);
create index template_version_place on template_version (place, id);
