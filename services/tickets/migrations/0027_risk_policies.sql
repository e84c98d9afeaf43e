-- Managers put versions of the weights of risk into force: each has a name, and says when it was made. The first came with the service.

alter table risk_policy
    add column id uuid not null default '00000000-0000-7000-8000-000000000001',
    add column created_at timestamptz,
    add constraint risk_policy_id_once unique (id);
alter table risk_policy alter column id drop default;
-- Lists: the newest first.
create index risk_policy_version on risk_policy (version, id);
