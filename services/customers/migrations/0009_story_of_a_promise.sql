-- The story of what follows from a promise: what the clock finds of the day goes on where the report that named it left off. Null for days that
-- were named before this was kept.
alter table promised_date
    add column correlation_id text,
    add column causation_id text,
    add column hops smallint,
    add column traceparent text,
    add constraint promised_date_story_whole check (num_nulls(correlation_id, causation_id, hops) in (0, 3));
