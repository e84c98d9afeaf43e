-- TK6: what was said is never changed, and no step of a clock is, whoever writes.
create function refuse_change() returns trigger
language plpgsql as $$
begin
    raise exception '% is appended to and never changed', tg_table_name
        using errcode = 'integrity_constraint_violation', constraint = tg_name, table = tg_table_name;
end $$;
create trigger message_append_only before update or delete on message
    for each row execute function refuse_change();
create trigger clock_event_append_only before update or delete on clock_event
    for each row execute function refuse_change();
