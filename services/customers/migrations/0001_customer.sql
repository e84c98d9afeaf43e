-- People whom the company serves, how to reach them, and what they agreed to.

create extension if not exists pg_trgm;

create table customer (
    id uuid not null,
    version bigint not null,
    given_name text not null,
    family_name text not null,
    languages text[] not null,
    zone text not null,
    availability jsonb not null,
    tier text not null,
    provisional boolean not null,
    first_order_at timestamptz,
    order_count bigint not null default 0,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    constraint customer_pkey primary key (id),
    constraint customer_tier_known check (tier in ('standard', 'loyal', 'vip')),
    constraint customer_has_language check (cardinality(languages) > 0)
);
create index customer_created_at on customer (created_at, id);
create index customer_updated_at on customer (updated_at, id);
-- Parts of names in any script; works because the database's character type is C.UTF-8.
create index customer_name on customer using gin (lower(given_name || ' ' || family_name) gin_trgm_ops);

create table contact_point (
    customer_id uuid not null references customer,
    kind text not null,
    -- Normalised: mail addresses with their domain in lower case, phone numbers in E.164.
    value text not null,
    is_primary boolean not null,
    shared boolean not null,
    verified_at timestamptz,
    -- Order in which the customer's points are shown.
    number smallint not null,
    constraint contact_point_pkey primary key (customer_id, kind, value),
    constraint contact_point_kind_known check (kind in ('email', 'phone'))
);
-- CU1
create unique index contact_point_value_once on contact_point (kind, value) where not shared;
-- CU2
create unique index contact_point_one_primary on contact_point (customer_id, kind) where is_primary;
create index contact_point_value on contact_point (kind, value);

create table external_ref (
    system text not null,
    foreign_id text not null,
    customer_id uuid not null references customer,
    constraint external_ref_pkey primary key (system, foreign_id)
);
create index external_ref_customer on external_ref (customer_id);

-- Append only: the newest of a purpose and channel holds.
create table consent (
    customer_id uuid not null references customer,
    -- The customer's version that it made; orders the records of one customer.
    customer_version bigint not null,
    purpose text not null,
    channel text not null,
    granted boolean not null,
    evidence text not null,
    captured_at timestamptz not null,
    constraint consent_pkey primary key (customer_id, customer_version)
);
create index consent_newest on consent (customer_id, purpose, channel, customer_version desc);

-- A customer with everything that belongs to it: the one shape that reads use.
create view customer_whole as
select
    c.*,
    coalesce((
        select jsonb_agg(jsonb_build_object(
            'kind', p.kind, 'value', p.value, 'primary', p.is_primary, 'shared', p.shared, 'verified_at', p.verified_at
        ) order by p.number)
        from contact_point p where p.customer_id = c.id
    ), '[]') as contact_points,
    coalesce((
        select jsonb_agg(jsonb_build_object('system', r.system, 'id', r.foreign_id) order by r.system, r.foreign_id)
        from external_ref r where r.customer_id = c.id
    ), '[]') as external_refs,
    coalesce((
        select jsonb_agg(jsonb_build_object(
            'purpose', n.purpose, 'channel', n.channel, 'granted', n.granted, 'evidence', n.evidence, 'captured_at', n.captured_at
        ) order by n.purpose, n.channel)
        from (
            select distinct on (purpose, channel) *
            from consent
            where customer_id = c.id
            order by purpose, channel, customer_version desc
        ) as n
    ), '[]') as consents
from customer c;
