-- The table of what is pending has no index, so each look at it reads all of it, and rows that were taken lie in the way until they are vacuumed.
-- The first form looked twice, the second time to take; this one takes what is there and only then, when there was something, moves the head.
--
-- The rest is as before: n + 1 of a subject draws its position after n's commit released the row, so whoever sees n + 1 sees n.
create or replace function sequence_pending(p_limit integer) returns bigint
language plpgsql as $$
declare
    v_head bigint;
    v_positions bigint[];
    v_days date[];
begin
    with taken as (
        delete from seva.outbox_pending
        where ctid = any (array(select ctid from seva.outbox_pending order by position limit p_limit))
        returning position, day
    )
    select array_agg(position order by position), array_agg(day order by position) into v_positions, v_days from taken;
    if v_positions is null then
        return (select head from seva.feed_state);
    end if;
    select head into v_head from seva.feed_state for update;
    insert into seva.feed (feed_no, position, day)
    select v_head + number, position, day from unnest(v_positions, v_days) with ordinality as t (position, day, number);
    v_head := v_head + cardinality(v_positions);
    update seva.feed_state set head = v_head;
    return v_head;
end $$;
