-- The order in which readers see events: dense numbers, given by the one sequencer of a database after the commit.

create table feed (
    feed_no bigint not null,
    position bigint not null,
    day date not null,
    constraint feed_pkey primary key (feed_no)
);
create index feed_day on feed (day, feed_no);

create table feed_state (
    only_row boolean not null default true,
    -- Changed in the runbook of a restore, so that cursors of the lost history are refused.
    epoch uuid not null default gen_random_uuid(),
    head bigint not null default 0,
    -- Cursors below it have expired.
    floor bigint not null default 0,
    constraint feed_state_pkey primary key (only_row),
    constraint feed_state_one_row check (only_row)
);
insert into feed_state default values;

-- Moves what is pending into the feed, in the order of positions, and answers the new head. One statement, one commit.
--
-- It cannot put event n + 1 of a subject before event n: n + 1 draws its position after n's commit released the row, so whoever sees
-- n + 1 sees n, and the batch is ordered. The order by matters with the limit: the heap's own order is not that of positions.
create function sequence_pending(p_limit integer) returns bigint
language plpgsql as $$
declare
    v_head bigint;
    v_count bigint;
begin
    if not exists (select from seva.outbox_pending) then
        return (select head from seva.feed_state);
    end if;
    select head into v_head from seva.feed_state for update;
    with taken as (
        delete from seva.outbox_pending
        where ctid = any (array(select ctid from seva.outbox_pending order by position limit p_limit))
        returning position, day
    )
    insert into seva.feed (feed_no, position, day)
    select v_head + row_number() over (order by position), position, day from taken;
    get diagnostics v_count = row_count;
    update seva.feed_state set head = v_head + v_count;
    return v_head + v_count;
end $$;

-- Makes partitions ahead and lets go of what is too old. Owner's rights, because the application may not change tables.
create function keep_outbox(p_today date, p_keep_days integer) returns void
language plpgsql security definer set search_path = pg_catalog, seva as $$
declare
    v_day date;
    v_partition text;
begin
    for v_day in select generate_series(p_today, p_today + 7, interval '1 day')::date loop
        v_partition := 'outbox_' || to_char(v_day, 'YYYYMMDD');
        if to_regclass('seva.' || v_partition) is null then
            execute format(
                'create table seva.%I partition of seva.outbox for values from (%L) to (%L)', v_partition, v_day, v_day + 1
            );
        end if;
    end loop;
    for v_partition in
        select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid
        where i.inhparent = 'seva.outbox'::regclass and c.relname ~ '^outbox_\d{8}$'
          and to_date(right(c.relname, 8), 'YYYYMMDD') < p_today - p_keep_days
    loop
        execute format('drop table seva.%I', v_partition);
    end loop;
    update seva.feed_state
    set floor = greatest(floor, (select coalesce(max(feed_no), 0) from seva.feed where day < p_today - p_keep_days));
    delete from seva.feed where day < p_today - p_keep_days;
end $$;
select keep_outbox(current_date, 30);
