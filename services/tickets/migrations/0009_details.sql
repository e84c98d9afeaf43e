-- What else is said about a ticket: tags, fields that the company defines, who takes part besides, what is attached, and what was taken back.

alter table ticket
    -- Words of the company's, never a customer's.
    add column tags text[] not null default '{}',
    -- Values of custom fields by their keys; texts are personal data.
    add column fields jsonb not null default '{}',
    -- The rule of the handbook that was the root problem.
    add column root_rule text,
    add constraint ticket_tags_bounded check (cardinality(tags) <= 20),
    -- TK14
    add constraint ticket_policy_names_rule check (root_cause <> 'policy' or root_rule is not null) not valid;
-- Most tickets have no tag, and cost nothing here.
create index ticket_tags on ticket using gin (tags) where tags <> '{}';

-- Fields that the company defines, by kind of ticket.
create table custom_field (
    id uuid not null,
    version bigint not null,
    key text not null,
    -- What people call it: text by language.
    titles jsonb not null,
    value_type text not null,
    -- Of a choice.
    choices text[] not null,
    -- Kinds of tickets that have it; empty: all.
    kinds text[] not null,
    required text not null,
    state text not null,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    constraint custom_field_pkey primary key (id),
    constraint custom_field_key_once unique (key),
    constraint custom_field_value_type_known check (value_type in ('text', 'integer', 'boolean', 'date', 'choice')),
    constraint custom_field_choices_of_choice check ((value_type = 'choice') = (cardinality(choices) > 0)),
    constraint custom_field_required_known check (required in ('never', 'to_open', 'to_resolve')),
    constraint custom_field_state_known check (state in ('active', 'retired'))
);
create index custom_field_created_at on custom_field (created_at, id);

-- Who takes part besides the customer and the assignee.
create table participant (
    ticket_id uuid not null references ticket,
    -- A customer or a staff member.
    kind text not null,
    participant_id uuid not null,
    added_at timestamptz not null,
    constraint participant_pkey primary key (ticket_id, kind, participant_id),
    constraint participant_kind_known check (kind in ('customer', 'staff_member'))
);
create index participant_of on participant (kind, participant_id, ticket_id);

-- What was attached to a message: where it lies and what it has to be; the bytes lie elsewhere.
create table attachment (
    ticket_id uuid not null references ticket,
    message_id uuid not null references message,
    -- From 1.
    number integer not null,
    -- Personal data.
    file_name text not null,
    media_type text not null,
    size_bytes bigint not null,
    sha256 bytea not null,
    -- Personal data: whoever has it may fetch it.
    url text not null,
    constraint attachment_pkey primary key (message_id, number),
    constraint attachment_size_positive check (size_bytes > 0),
    constraint attachment_sha256_whole check (length(sha256) = 32)
);
create index attachment_ticket on attachment (ticket_id, message_id);

-- TK6: a message is never changed, but its words can be taken back once, and a tombstone stays.
alter table message add column redacted_at timestamptz;
create function refuse_change_but_redaction() returns trigger
language plpgsql as $$
begin
    if tg_op = 'UPDATE' and old.redacted_at is null and new.redacted_at is not null and new.text = ''
        and (to_jsonb(new) - 'text' - 'redacted_at') = (to_jsonb(old) - 'text' - 'redacted_at') then
        return new;
    end if;
    raise exception '% is appended to and never changed', tg_table_name
        using errcode = 'integrity_constraint_violation', constraint = tg_name, table = tg_table_name;
end $$;
drop trigger message_append_only on message;
create trigger message_append_only before update or delete on message
    for each row execute function refuse_change_but_redaction();
