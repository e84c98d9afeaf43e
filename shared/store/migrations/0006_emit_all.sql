-- The same as in the migration that made it, in a language that keeps its plans: one that is written in SQL is planned anew with each call, over all
-- partitions, and that took three times as long as the rest of it.
create or replace function emit_all(
    p_actor text, p_event_ids uuid[], p_types text[], p_subjects text[], p_sequences bigint[], p_occurred_at timestamptz[],
    p_correlation_ids text[], p_causation_ids text[], p_hops smallint[], p_traceparents text[], p_payloads bytea[]
) returns bigint
language plpgsql as $$
declare
    v_count bigint;
begin
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
    select count(*) into v_count from event;
    return v_count;
end $$;
