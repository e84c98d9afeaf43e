-- What agents look through: lists by what is due, saved filters with counts, and words.

-- Lists of what somebody has, a state at a time: those of several states are merged. Nobody has a ticket when it is opened.
drop index ticket_assignee;
create index ticket_assignee on ticket (assignee, state, created_at, id) where assignee is not null;
-- What is due next; what is over is never due. A ticket none of whose clocks runs comes last. The condition is written so that nothing but itself
-- implies it: lists by state do not try these, which know nothing of their order.
create index ticket_due on ticket ((coalesce(next_due_at, timestamptz '9999-12-01 00:00:00+00')), id)
    where (state || '') not in ('closed', 'canceled', 'merged');
create index ticket_due_department on ticket (department, (coalesce(next_due_at, timestamptz '9999-12-01 00:00:00+00')), id)
    where (state || '') not in ('closed', 'canceled', 'merged');
create index ticket_due_assignee on ticket (assignee, (coalesce(next_due_at, timestamptz '9999-12-01 00:00:00+00')), id)
    where (state || '') not in ('closed', 'canceled', 'merged') and assignee is not null;
create index ticket_reopened on ticket (created_at, id) where reopen_count > 0;

-- Saved filters. A filter is kept as the contract has it, and was valid when it was written.
create table saved_view (
    id uuid not null,
    version bigint not null,
    -- Who made it, as in the audit: `user:..`.
    owner text not null,
    -- By language. In somebody's words: personal data.
    titles jsonb not null,
    sharing text not null,
    -- Whom it is shared with.
    department uuid,
    filter bytea not null,
    order_by text not null,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    -- Nobody sees it from then on; the row stays, for whoever asks what a count was of.
    deleted_at timestamptz,
    constraint saved_view_pkey primary key (id),
    constraint saved_view_sharing_known check (sharing in ('private', 'department', 'everybody')),
    constraint saved_view_department_when_shared_with_one check ((sharing = 'department') = (department is not null))
);
create index saved_view_owner on saved_view (owner) where deleted_at is null;

-- TK100: how many tickets there are, by what most filters ask for. A write of a ticket appends what it changes, so writers never wait for each
-- other here; what was appended is folded into the counts soon after. A count is the sum of both, in one snapshot: exact.
create table ticket_count_change (
    department uuid,
    state text not null,
    assignee uuid,
    kind text not null,
    priority text not null,
    by bigint not null
);
alter table ticket_count_change set (
    autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0, vacuum_truncate = off
);
create table ticket_count (
    department uuid,
    state text not null,
    kind text not null,
    priority text not null,
    tickets bigint not null,
    constraint ticket_count_once unique nulls not distinct (department, state, kind, priority)
) with (fillfactor = 50);
-- The same of those that somebody has, by assignee.
create table ticket_count_assigned (
    assignee uuid not null,
    department uuid,
    state text not null,
    kind text not null,
    priority text not null,
    tickets bigint not null,
    constraint ticket_count_assigned_once unique nulls not distinct (assignee, department, state, kind, priority)
) with (fillfactor = 50);

create function count_ticket() returns trigger
language plpgsql as $$
begin
    if tg_op = 'INSERT' then
        insert into ticket_count_change values (new.department, new.state, new.assignee, new.kind, new.priority, 1);
    else
        insert into ticket_count_change values
            (old.department, old.state, old.assignee, old.kind, old.priority, -1),
            (new.department, new.state, new.assignee, new.kind, new.priority, 1);
    end if;
    return null;
end $$;
create trigger ticket_counted after insert on ticket
for each row execute function count_ticket();
create trigger ticket_counted_again after update on ticket
for each row when (
    (old.department, old.state, old.assignee, old.kind, old.priority)
    is distinct from (new.department, new.state, new.assignee, new.kind, new.priority)
) execute function count_ticket();

-- Folds changes into the counts, at most so many; a count of nothing goes. Two who fold at once take different changes.
create function fold_ticket_counts(p_limit integer) returns void
language plpgsql as $$
declare
    v_changes ticket_count_change[];
begin
    with taken as (
        delete from ticket_count_change
        where ctid = any (array(select ctid from ticket_count_change limit p_limit))
        returning *
    )
    select array_agg(taken::ticket_count_change) into v_changes from taken;
    if v_changes is null then
        return;
    end if;
    -- In one order, so that nobody waits for somebody who waits for them.
    insert into ticket_count as c (department, state, kind, priority, tickets)
    select department, state, kind, priority, sum(by) from unnest(v_changes)
    group by department, state, kind, priority having sum(by) <> 0
    order by department, state, kind, priority
    on conflict on constraint ticket_count_once do update set tickets = c.tickets + excluded.tickets;
    insert into ticket_count_assigned as c (assignee, department, state, kind, priority, tickets)
    select assignee, department, state, kind, priority, sum(by) from unnest(v_changes) where assignee is not null
    group by assignee, department, state, kind, priority having sum(by) <> 0
    order by assignee, department, state, kind, priority
    on conflict on constraint ticket_count_assigned_once do update set tickets = c.tickets + excluded.tickets;
    delete from ticket_count c using (select distinct department, state, kind, priority from unnest(v_changes)) as t
    where c.tickets = 0 and c.department is not distinct from t.department and c.state = t.state and c.kind = t.kind
      and c.priority = t.priority;
    delete from ticket_count_assigned c
    using (select distinct assignee, department, state, kind, priority from unnest(v_changes) where assignee is not null) as t
    where c.tickets = 0 and c.assignee = t.assignee and c.department is not distinct from t.department and c.state = t.state
      and c.kind = t.kind and c.priority = t.priority;
end $$;

-- A text as it is searched for: the ways in which one word is written become one. Composed and decomposed letters, capitals; in Urdu Arabic
-- letters for Urdu ones, signs for vowels; in Hindi the dot below, the nasals; joiners; digits of all scripts. What a script needs is done where
-- it is used.
create function plain(p_text text) returns text
language plpgsql immutable strict parallel safe as $$
declare
    v_text text := p_text;
begin
    if octet_length(v_text) = length(v_text) then
        return lower(v_text);
    end if;
    v_text := lower(normalize(v_text, NFKC));
    if v_text ~ '[\u0600-\u06FF]' then
        v_text := translate(
            v_text, 'يىكهۀۂ' || U&'\0640\064B\064C\064D\064E\064F\0650\0651\0652\0654\0670', 'ییکہہہ'
        );
    end if;
    if v_text ~ '[\u0900-\u097F]' then
        v_text := regexp_replace(
            translate(v_text, U&'\0901\093C', U&'\0902'), '[ङञणनम]्(?=[क-ह])', U&'\0902', 'g'
        );
    end if;
    if v_text ~ '[०-९০-৯٠-٩۰-۹]' then
        v_text := translate(
            v_text, '०१२३४५६७८९০১২৩৪৫৬৭৮৯٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹', '0123456789012345678901234567890123456789'
        );
    end if;
    return regexp_replace(v_text, '[\u200B-\u200D]', '', 'g');
end $$;

-- The beginning of a text that has so many bytes at most. Bytes are what a row of words has a limit for (1 MB); a letter can become eighteen when
-- it is written plainly.
create function beginning(p_text text, p_bytes integer) returns text
language plpgsql immutable strict parallel safe as $$
declare
    v_bytes bytea := convert_to(p_text, 'UTF8');
    v_end integer := p_bytes;
begin
    if length(v_bytes) <= p_bytes then
        return p_text;
    end if;
    -- No letter is torn.
    while get_byte(v_bytes, v_end) & 192 = 128 loop
        v_end := v_end - 1;
    end loop;
    return convert_from(substring(v_bytes for v_end), 'UTF8');
end $$;

-- The words of a text, and its identifiers whole and in parts (A-1029, RMA/2026/7): the parser tears them.
create function search_words(p_text text) returns tsvector
language plpgsql immutable strict parallel safe as $$
declare
    v_text text := beginning(plain(p_text), 200000);
    v_words tsvector := strip(to_tsvector('simple', v_text));
    v_identifiers text[];
begin
    if v_text ~ '[a-z0-9][-/._][a-z0-9]' then
        v_identifiers := array(
            select distinct part
            from regexp_matches(v_text, '[a-z0-9]+(?:[-/._][a-z0-9]+)+', 'g') as m (identifier),
                 lateral (select identifier[1] union all select regexp_split_to_table(identifier[1], '[-/._]')) as parts (part)
            where part ~ '[0-9]' and length(part) <= 100
        );
        v_words := v_words || array_to_tsvector(v_identifiers);
    end if;
    return v_words;
end $$;

-- All words have to be there; one that ends in * is a beginning. Null: there is none.
create function search_query(p_text text) returns tsquery
language plpgsql immutable strict parallel safe as $$
declare
    v_word text;
    v_bare text;
    v_one tsquery;
    v_all tsquery;
begin
    for v_word in select regexp_split_to_table(plain(p_text), '\s+') loop
        v_bare := rtrim(v_word, '*');
        if v_bare ~ '^[a-z0-9]+([-/._][a-z0-9]+)+$' and v_bare ~ '[0-9]' then
            v_one := quote_literal(v_bare)::tsquery;
        else
            v_one := plainto_tsquery('simple', v_bare);
        end if;
        continue when numnode(v_one) = 0;
        if v_word like '%*' and numnode(v_one) = 1 then
            v_one := (v_one::text || ':*')::tsquery;
        end if;
        v_all := coalesce(v_all && v_one, v_one);
    end loop;
    return v_all;
end $$;

-- What can be found of a ticket: the words of its title, of the stated problem, and of the newest of what was said. Written after the ticket,
-- as the feed tells of it, so that nobody waits for the index.
create table ticket_document (
    ticket_id uuid not null,
    words tsvector not null,
    constraint ticket_document_pkey primary key (ticket_id)
);
-- What waits to be sorted into the index is read by every search: little of it, and it is sorted in by the one who writes here.
create index ticket_document_words on ticket_document using gin (words) with (gin_pending_list_limit = 256);

-- Writes what can be found of tickets by now.
create function index_tickets(p_tickets uuid[]) returns void
language plpgsql as $$
begin
    insert into ticket_document as d (ticket_id, words)
    select t.id, search_words(left(concat_ws(E'\n', t.title, t.stated_problem, t.root_description, said.text), 100000))
    from ticket t
    left join lateral (
        select string_agg(m.text, E'\n' order by m.created_at desc, m.id desc) as text
        from (select text, created_at, id from message where ticket_id = t.id order by created_at desc, id desc limit 200) as m
    ) as said on true
    where t.id = any(p_tickets)
    -- In one order, so that nobody waits for somebody who waits for them.
    order by t.id
    on conflict on constraint ticket_document_pkey do update set words = excluded.words where d.words <> excluded.words;
end $$;

-- What is there already.
insert into ticket_count_change select department, state, assignee, kind, priority, count(*) from ticket group by 1, 2, 3, 4, 5;
select fold_ticket_counts(2147483647);
select index_tickets(array(select id from ticket));
