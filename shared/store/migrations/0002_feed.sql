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

-- Makes the partitions of today and the days ahead. Owner's rights, because the application may not change tables.
--
-- A day that began without its partition (nothing ran for a week) has its rows in the default one: they move, or the partition could
-- never be made. For days to come, attaching lets writers go on, where creating in place would lock them all out. A day that has begun
-- locks them out for a moment: whoever had chosen the default partition already would be refused.
create function make_partitions(p_today date) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_day date;
    v_partition text;
begin
    -- Every process keeps; one at a time.
    perform pg_advisory_xact_lock(hashtextextended('seva.keep', 0));
    for v_day in select generate_series(p_today, p_today + 7, interval '1 day')::date loop
        v_partition := 'outbox_' || to_char(v_day, 'YYYYMMDD');
        continue when to_regclass('seva.' || v_partition) is not null;
        if v_day <= p_today then
            lock table only seva.outbox in access exclusive mode;
        else
            lock table only seva.outbox in share update exclusive mode;
        end if;
        lock table seva.outbox_default in access exclusive mode;
        execute format('create table seva.%I (like seva.outbox including all)', v_partition);
        execute format(
            'with moved as (delete from seva.outbox_default where day = %L returning *) insert into seva.%I select * from moved',
            v_day, v_partition
        );
        execute format(
            'alter table seva.outbox attach partition seva.%I for values from (%L) to (%L)', v_partition, v_day, v_day + 1
        );
    end loop;
end $$;

-- Lets go of the events of all days before `p_before`. The long part comes first and locks nobody out; the sequencer's row comes last.
create function forget_events(p_before date) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_floor bigint;
    v_partition text;
begin
    perform pg_advisory_xact_lock(hashtextextended('seva.keep', 0));
    select coalesce(max(feed_no), 0) into v_floor from seva.feed where day < p_before;
    delete from seva.feed where day < p_before;
    delete from seva.outbox_default where day < p_before;
    for v_partition in
        select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid
        where i.inhparent = 'seva.outbox'::regclass and c.relname ~ '^outbox_\d{8}$'
          and to_date(right(c.relname, 8), 'YYYYMMDD') < p_before
    loop
        execute format('drop table seva.%I', v_partition);
    end loop;
    update seva.feed_state set floor = greatest(floor, v_floor);
end $$;

select make_partitions((now() at time zone 'UTC')::date);
