-- What every write records beside its own rows, in the same statement: who did it, and the answer for a repetition.

-- Append only: the application role may insert and select. Names of changed fields, never their values.
create table audit (
    id bigint generated always as identity,
    at timestamptz not null,
    actor text not null,
    on_behalf_of text,
    method text not null,
    resource text not null,
    request_id uuid,
    trace_id text,
    changed text[] not null,
    -- Why, where the act asks for a reason.
    reason text,
    constraint audit_pkey primary key (id)
);
create index audit_resource on audit (resource, id);

-- The first answer to a request, kept seven days. The primary key is what lets one of many equal callers through.
create table idempotency (
    caller text not null,
    method text not null,
    request_id uuid not null,
    request_hash bytea not null,
    response bytea not null,
    created_at timestamptz not null,
    constraint idempotency_pkey primary key (caller, method, request_id)
);
create index idempotency_created_at on idempotency (created_at);

-- Notes who changed which fields of what, and why where a reason is asked for.
create function note(p_context jsonb, p_resource text, p_changed text[], p_reason text default null) returns void
language plpgsql as $$
begin
    insert into seva.audit (at, actor, on_behalf_of, method, resource, request_id, trace_id, changed, reason)
    values (
        clock_timestamp(), p_context ->> 'actor', p_context ->> 'on_behalf_of', p_context ->> 'method', p_resource,
        (p_context ->> 'request_id')::uuid, split_part(p_context ->> 'traceparent', '-', 2), p_changed, p_reason
    );
end $$;

-- Keeps the answer of a request; a worker's write has no request and keeps none. A twin in flight waits here for the first.
create function remember(p_context jsonb, p_response bytea) returns void
language plpgsql as $$
begin
    if p_context ? 'request_id' then
        insert into seva.idempotency (caller, method, request_id, request_hash, response, created_at)
        values (
            p_context ->> 'actor', p_context ->> 'method', (p_context ->> 'request_id')::uuid,
            decode(p_context ->> 'request_hash', 'hex'), p_response, clock_timestamp()
        );
    end if;
end $$;
