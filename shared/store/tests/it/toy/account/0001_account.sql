-- A toy aggregate with a version, and the rows of the other toys.
create table account (
    id uuid not null,
    balance bigint not null,
    version bigint not null,
    constraint account_pkey primary key (id),
    constraint account_not_overdrawn check (balance >= 0)
);

-- Written by a transaction before it waits for an account, so that its number is older than its lock.
create table scratch (
    id bigint generated always as identity,
    note text not null
);

-- Work whose time comes. `leased_until` is machine time, `due_at` business time.
create table job (
    id bigint generated always as identity,
    due_at timestamptz not null,
    state text not null default 'open',
    attempt integer not null default 0,
    leased_until timestamptz not null default '-infinity',
    finished_by text,
    constraint job_pkey primary key (id)
);
create index job_due on job (due_at) where state = 'open';
-- One row for every finish, so that doing twice shows.
create table job_finish (
    job bigint not null,
    worker text not null
);

-- A list in several orders.
create table thing (
    id uuid not null,
    rank bigint not null,
    label text not null,
    created_at timestamptz not null,
    constraint thing_pkey primary key (id)
);
create index thing_rank on thing (rank, id);
create index thing_label on thing (label, id);
create index thing_created_at on thing (created_at, id);
