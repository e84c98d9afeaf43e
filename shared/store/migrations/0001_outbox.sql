-- The events of a service, written in the transaction that changes the state. There is no other way to emit.
--
-- `position` is drawn after the aggregate's row is locked, so for one subject the order of positions is the order of changes. Across
-- subjects positions become visible late and out of order; the feed (0002) gives the order that readers see.

create table outbox (
    position bigint not null,
    -- Day of recording in UTC: the partition, and with it the unit of retention.
    day date not null,
    event_id uuid not null,
    type text not null,
    subject text not null,
    sequence bigint not null,
    -- Business time.
    occurred_at timestamptz not null,
    -- Machine time.
    recorded_at timestamptz not null,
    actor text not null,
    correlation_id text not null,
    causation_id text not null,
    hops smallint not null,
    schema_version smallint not null default 1,
    traceparent text,
    payload bytea not null,
    constraint outbox_pkey primary key (day, position),
    -- A story that goes round in circles ends here.
    constraint outbox_hops_bounded check (hops between 0 and 16)
) partition by range (day);

create sequence outbox_position;

-- Where rows go when their day has no partition yet; the keeper makes partitions ahead, so it stays empty.
create table outbox_default partition of outbox default;

-- What the sequencer has not put into the feed yet: bare positions without an index, because an index would cost the writers.
create table outbox_pending (
    position bigint not null,
    day date not null
);
alter table outbox_pending set (
    autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0, vacuum_truncate = off
);

-- Appends one event. Called from the statement that changes the aggregate, over its RETURNING rows: then the row is locked before the
-- position is drawn. `p_context` is what the call knows: actor, correlation_id, causation_id, hops, traceparent.
create function emit(
    p_context jsonb, p_event_id uuid, p_type text, p_subject text, p_sequence bigint, p_occurred_at timestamptz, p_payload bytea
) returns void
language plpgsql as $$
declare
    v_position bigint := nextval('seva.outbox_position');
    v_recorded_at timestamptz := clock_timestamp();
    v_day date := (v_recorded_at at time zone 'UTC')::date;
begin
    insert into seva.outbox (
        position, day, event_id, type, subject, sequence, occurred_at, recorded_at,
        actor, correlation_id, causation_id, hops, traceparent, payload
    ) values (
        v_position, v_day, p_event_id, p_type, p_subject, p_sequence, p_occurred_at, v_recorded_at,
        p_context ->> 'actor', p_context ->> 'correlation_id', p_context ->> 'causation_id',
        (p_context ->> 'hops')::smallint, p_context ->> 'traceparent', p_payload
    );
    insert into seva.outbox_pending (position, day) values (v_position, v_day);
end $$;

-- Appends many events of a transaction that has locked their subjects (`lock_subjects`), in the order given.
create function emit_all(
    p_actor text, p_event_ids uuid[], p_types text[], p_subjects text[], p_sequences bigint[], p_occurred_at timestamptz[],
    p_correlation_ids text[], p_causation_ids text[], p_hops smallint[], p_traceparents text[], p_payloads bytea[]
) returns bigint
language sql as $$
    with event as (
        select nextval('seva.outbox_position') as position, (clock_timestamp() at time zone 'UTC')::date as day, given.*
        from (
            select *
            from unnest(
                p_event_ids, p_types, p_subjects, p_sequences, p_occurred_at, p_correlation_ids, p_causation_ids, p_hops,
                p_traceparents, p_payloads
            ) with ordinality as t (
                event_id, type, subject, sequence, occurred_at, correlation_id, causation_id, hops, traceparent, payload, number
            )
            order by number
        ) as given
    ), written as (
        insert into seva.outbox (
            position, day, event_id, type, subject, sequence, occurred_at, recorded_at,
            actor, correlation_id, causation_id, hops, traceparent, payload
        )
        select
            position, day, event_id, type, subject, sequence, occurred_at, clock_timestamp(),
            p_actor, correlation_id, causation_id, hops, traceparent, payload
        from event
    ), pending as (
        insert into seva.outbox_pending (position, day) select position, day from event
    )
    select count(*) from event
$$;

-- Locks subjects for the rest of the transaction, in one order for all, before any write: a transaction over several aggregates draws
-- its positions in the order of its commits with this alone.
create function lock_subjects(p_subjects text[]) returns void
language plpgsql as $$
declare
    v_key bigint;
begin
    for v_key in select distinct hashtextextended(subject, 0) from unnest(p_subjects) as t (subject) order by 1 loop
        perform pg_advisory_xact_lock(v_key);
    end loop;
end $$;
