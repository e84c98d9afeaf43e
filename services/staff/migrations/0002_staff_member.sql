-- The people who serve customers: what they know, when they work, whether they are there, and what they may give without asking.

create table staff_member (
    id uuid not null,
    version bigint not null,
    given_name text not null,
    family_name text not null,
    -- The subject of the person's tokens.
    user_subject text not null,
    role text not null,
    department_id uuid not null references department,
    languages text[] not null,
    skills text[] not null,
    shifts jsonb not null,
    presence text not null,
    capacity integer not null,
    authority_limits jsonb not null,
    state text not null,
    handbook_current boolean not null,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    constraint staff_member_pkey primary key (id),
    constraint staff_member_role_known check (role in ('agent', 'lead', 'manager', 'hr')),
    constraint staff_member_presence_known check (presence in ('present', 'away')),
    constraint staff_member_state_known check (state in ('active', 'left')),
    constraint staff_member_has_language check (cardinality(languages) > 0),
    constraint staff_member_capacity_sane check (capacity between 0 and 1000),
    -- ST4
    constraint staff_member_gone_is_away check (state = 'active' or presence = 'away')
);
-- ST3: whoever has left may come back under the same name, as somebody new.
create unique index staff_member_user_once on staff_member (user_subject) where state = 'active';
create index staff_member_created_at on staff_member (created_at, id);
create index staff_member_updated_at on staff_member (updated_at, id);
create index staff_member_department on staff_member (department_id);
