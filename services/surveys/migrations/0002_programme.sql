-- Who is asked what, after what, and how often.

create table programme (
    id uuid not null,
    version bigint not null,
    display_name text not null,
    -- Never changed: scores of a programme are of one survey.
    survey_id uuid not null references survey,
    -- Never changed: so is what they are about.
    trigger text not null,
    delay_seconds bigint not null,
    sampling_rate double precision not null,
    pause_seconds bigint not null,
    lifetime_seconds bigint not null,
    follow_low_scores boolean not null,
    priority integer not null,
    active boolean not null,
    -- Of the draw; never told, so that nobody can foretell who is asked.
    salt bytea not null,
    -- Of a programme that Seva brings along; null: a person's.
    catalog_key text,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    constraint programme_pkey primary key (id),
    constraint programme_catalog_key_once unique (catalog_key),
    constraint programme_trigger_known check (trigger in ('order_delivered', 'ticket_closed')),
    -- SU30
    constraint programme_delay check (delay_seconds between 3600 and 90 * 86400),
    constraint programme_sampling_rate check (sampling_rate > 0 and sampling_rate <= 1),
    constraint programme_pause check (pause_seconds between 86400 and 731 * 86400),
    constraint programme_lifetime check (lifetime_seconds between 86400 and 90 * 86400),
    constraint programme_salt_length check (length(salt) = 32)
) with (fillfactor = 80);
create index programme_created_at on programme (created_at, id);
create index programme_active on programme (trigger, id) where active;
