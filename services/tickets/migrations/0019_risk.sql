-- How likely it is that a customer is lost over a ticket, why, and who has been called for help.
--
-- The consumer `risk` hears what is told of tickets and has them looked at a moment later (`risk_look`); they are looked at again when time
-- alone changes their risk (`risk_assessment.look_at`). Whoever assesses or closes an escalation has the ticket's row locked.

alter table ticket
    -- As it was assessed last (TK110).
    add column risk_level text not null default 'low',
    -- Who had it last, and how often it came to somebody else than that.
    add column last_assignee uuid,
    add column hand_overs integer not null default 0,
    -- The stated problem holds a legal or safety word (TK118).
    add column alarming boolean not null default false,
    add constraint ticket_risk_level_known check (risk_level in ('low', 'elevated', 'high', 'critical'));
update ticket
set last_assignee = coalesce(assignee, resolver), hand_overs = 1
where coalesce(assignee, resolver) is not null;

alter table message add column alarming boolean not null default false;

-- Whichever statement gives it to somebody.
create function count_hand_overs() returns trigger
language plpgsql as $$
begin
    new.hand_overs := new.hand_overs + 1;
    new.last_assignee := new.assignee;
    return new;
end $$;
create trigger ticket_hand_over before update on ticket
    for each row when (new.assignee is not null and new.assignee is distinct from old.last_assignee) execute function count_hand_overs();

-- Words of customers after which somebody has to look: a lawyer, an injury. Lower case, NFC; whole words, in the forms in which they are written.
create table risk_word (
    word text not null,
    language text not null,
    sort text not null,
    constraint risk_word_pkey primary key (word, language),
    constraint risk_word_sort_known check (sort in ('legal', 'safety')),
    constraint risk_word_normal check (word = lower(normalize(word, nfc)) and word !~ '\s')
);
insert into risk_word (word, language, sort)
select distinct lower(normalize(word, nfc)), language, sort
from (values
    ('en', 'legal', 'lawyer lawyers attorney attorneys solicitor lawsuit sue sued suing court courts litigation legal prosecutor ombudsman police'),
    ('en', 'safety', 'injured injury injuries hurt burned burnt burning fire smoke smoking explode exploded explosion electrocuted hospital ambulance poison poisoned poisoning bleeding choking choked unsafe dangerous danger suicide'),
    ('hi', 'legal', 'वकील वकीलों अदालत न्यायालय मुकदमा मुक़दमा मुकदमे मुक़दमे कानूनी क़ानूनी पुलिस'),
    ('hi', 'safety', 'चोट घायल आग धुआँ धुआं विस्फोट धमाका अस्पताल एम्बुलेंस एंबुलेंस ज़हर जहर करंट खतरनाक ख़तरनाक खतरा ख़तरा'),
    ('bn', 'legal', 'উকিল উকিলের আইনজীবী আইনজীবীর আদালত আদালতে মামলা মামলার আইনি আইনগত পুলিশ পুলিশে'),
    ('bn', 'safety', 'আহত আঘাত আগুন আগুনে ধোঁয়া বিস্ফোরণ হাসপাতাল হাসপাতালে অ্যাম্বুলেন্স বিষ বিষক্রিয়া বিপজ্জনক বিপদ'),
    ('ur', 'legal', 'وکیل وکلا عدالت مقدمہ مقدمے قانونی پولیس'),
    ('ur', 'safety', 'زخمی چوٹ آگ دھواں دھماکہ دھماکا ہسپتال اسپتال ایمبولینس زہر خطرناک خطرہ خطرے کرنٹ')
) as given (language, sort, words), unnest(string_to_array(words, ' ')) as word;

-- Whether a text holds one of the words. What separates words is written out: a locale takes some signs of Indic scripts for punctuation.
create function is_alarming(p_text text) returns boolean
language plpgsql stable parallel safe as $$
declare
    v_words text[] := regexp_split_to_array(
        lower(case when octet_length(p_text) = length(p_text) then p_text else normalize(p_text, nfc) end),
        E'[\\s\u00a0\u00ab\u00bb.,;:!?()\\[\\]{}<>"''`/\\\\|_*#&+=@$%~^\u2013\u2014\u2018\u2019\u201c\u201d\u2026\u0964\u0965\u060c\u061b\u061f\u06d4-]+'
    );
begin
    return exists (select from unnest(v_words) as said (word) join risk_word using (word));
end $$;
create function find_risk_words() returns trigger
language plpgsql as $$
begin
    if tg_table_name = 'ticket' then
        new.alarming := is_alarming(new.stated_problem);
    else
        new.alarming := is_alarming(new.text);
    end if;
    return new;
end $$;
-- What an event has opened states its problem in our words.
create trigger ticket_risk_words before insert on ticket
    for each row when (new.cause_source is null) execute function find_risk_words();
create trigger message_risk_words before insert on message
    for each row when (new.author = 'customer') execute function find_risk_words();

-- Versions of what counts how much. A version never changes; tickets are assessed by the newest one.
create table risk_policy (
    version integer not null,
    -- From which score a level begins; below it is low.
    elevated_from integer not null,
    high_from integer not null,
    critical_from integer not null,
    -- How long an escalation waits at each level to be acknowledged: in the department's working time, of a critical one every hour counts.
    acknowledge_minutes integer not null,
    acknowledge_critical_minutes integer not null,
    constraint risk_policy_pkey primary key (version),
    constraint risk_policy_ascending check (
        0 < elevated_from and elevated_from < high_from and high_from < critical_from
        and acknowledge_minutes > 0 and acknowledge_critical_minutes > 0
    )
);
-- Of several rows of one reason the highest that is reached holds.
create table risk_weight (
    version integer not null references risk_policy,
    reason text not null,
    at_least bigint not null,
    weight integer not null,
    constraint risk_weight_pkey primary key (version, reason, at_least),
    constraint risk_weight_reason_known check (reason in (
        'clock', 'silent_assignee', 'reopened', 'contacts', 'reassigned', 'broken_promise', 'low_score', 'vip', 'legal_or_safety_word'
    )),
    constraint risk_weight_positive check (at_least > 0 and weight > 0)
);
insert into risk_policy (
    version, elevated_from, high_from, critical_from, acknowledge_minutes, acknowledge_critical_minutes
) values (1, 30, 60, 100, 60, 30);
-- A broken promise, and a word of that sort, call for help by themselves.
insert into risk_weight (version, reason, at_least, weight) values
    (1, 'clock', 50, 5),
    (1, 'clock', 80, 15),
    (1, 'clock', 100, 40),
    (1, 'silent_assignee', 1, 20),
    (1, 'reopened', 2, 30),
    (1, 'contacts', 3, 20),
    (1, 'reassigned', 3, 25),
    (1, 'broken_promise', 1, 60),
    (1, 'low_score', 1, 25),
    (1, 'vip', 1, 15),
    (1, 'legal_or_safety_word', 1, 60);
create trigger risk_policy_append_only before update or delete on risk_policy
    for each row execute function refuse_change();
create trigger risk_weight_append_only before update or delete on risk_weight
    for each row execute function refuse_change();

-- The last assessment of each ticket; one without a row is of no risk.
create table risk_assessment (
    -- The ticket's.
    id uuid not null references ticket,
    -- Counts what was told of it.
    version bigint not null,
    score integer not null,
    level text not null,
    -- [{reason, value, weight}]: the score is the sum of the weights (TK117).
    reasons jsonb not null,
    policy_version integer not null references risk_policy,
    -- When it last became another one.
    assessed_at timestamptz not null,
    -- When time alone changes it; null: something has to happen first.
    look_at timestamptz,
    constraint risk_assessment_pkey primary key (id),
    constraint risk_assessment_level_known check (level in ('low', 'elevated', 'high', 'critical')),
    constraint risk_assessment_score_counted check (score >= 0)
) with (fillfactor = 80);
create index risk_assessment_look on risk_assessment (look_at) where look_at is not null;
-- Lists: the highest first.
create index risk_assessment_score on risk_assessment (score, id) where score > 0;
create index risk_assessment_level on risk_assessment (level, score, id) where score > 0;

-- Tickets to which something has happened since they were looked at.
create table risk_look (
    ticket_id uuid not null references ticket,
    look_at timestamptz not null,
    constraint risk_look_pkey primary key (ticket_id)
) with (fillfactor = 80);
create index risk_look_at on risk_look (look_at);

create table escalation (
    id uuid not null,
    version bigint not null,
    ticket_id uuid not null references ticket,
    -- Of the ticket when it was raised: whose leads and managers are called, and whose hours count.
    department uuid,
    level smallint not null,
    state text not null,
    -- Every hour counts.
    critical boolean not null,
    -- A member; null when the risk itself raised it, or somebody who is not known here.
    raised_by uuid,
    -- In the words of whoever raised it; null: its risk was assessed as high. Personal data.
    reason text,
    -- Who has acknowledged it, or took the last step since.
    owner uuid,
    -- What was done, or what the crisis is; personal data.
    note text,
    -- Until when somebody acknowledges it; kept while nobody has.
    acknowledge_due_at timestamptz,
    -- The due time that passed at the last level.
    overdue_at timestamptz,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    acknowledged_at timestamptz,
    closed_at timestamptz,
    constraint escalation_pkey primary key (id),
    constraint escalation_level_known check (level between 1 and 3),
    constraint escalation_state_known check (state in ('raised', 'acknowledged', 'acting', 'de_escalated', 'crisis', 'closed')),
    -- Whoever acknowledges it owns it.
    constraint escalation_acknowledged_has_owner check (
        (owner is null) = (acknowledged_at is null) and (state in ('raised', 'closed') or owner is not null)
        and (state <> 'raised' or owner is null)
    ),
    constraint escalation_waits_until_acknowledged check ((state = 'raised') = (acknowledge_due_at is not null)),
    -- TK114
    constraint escalation_overdue_at_last_level check (overdue_at is null or level = 3),
    constraint escalation_closed_has_time check ((state = 'closed') = (closed_at is not null))
) with (fillfactor = 80);
-- TK119
create index escalation_owned on escalation (owner) where state in ('acknowledged', 'acting');
-- TK111
create unique index escalation_open_once on escalation (ticket_id) where state <> 'closed';
-- The schedule.
create index escalation_due on escalation (acknowledge_due_at) where acknowledge_due_at is not null and overdue_at is null;
-- Lists.
create index escalation_created_at on escalation (created_at, id);
create index escalation_waiting on escalation (acknowledge_due_at, id) where acknowledge_due_at is not null;
create index escalation_waiting_level on escalation (level, acknowledge_due_at, id) where acknowledge_due_at is not null;
create index escalation_open on escalation (level, created_at, id) where state <> 'closed';
create index escalation_state on escalation (state, created_at, id);
create index escalation_ticket on escalation (ticket_id, created_at, id);
create index escalation_owner on escalation (owner, created_at, id);
create index escalation_department on escalation (department, created_at, id);

-- TK110: at the end of a transaction a ticket whose risk is high has an escalation that is open.
create function refuse_risk_without_escalation() returns trigger
language plpgsql as $$
declare
    v_ticket uuid;
begin
    if tg_table_name = 'ticket' then
        v_ticket := new.id;
    else
        v_ticket := new.ticket_id;
    end if;
    if exists (select from ticket where id = v_ticket and risk_level in ('high', 'critical'))
       and not exists (select from escalation where ticket_id = v_ticket and state <> 'closed') then
        raise exception 'a ticket at high risk has no open escalation'
            using errcode = 'check_violation', constraint = 'ticket_at_risk_has_escalation', table = 'ticket';
    end if;
    return null;
end $$;
create constraint trigger ticket_at_risk_has_escalation after update of risk_level on ticket
    deferrable initially deferred
    for each row when (new.risk_level in ('high', 'critical')) execute function refuse_risk_without_escalation();
create constraint trigger escalation_closed_without_risk after update of state on escalation
    deferrable initially deferred
    for each row when (new.state = 'closed') execute function refuse_risk_without_escalation();
