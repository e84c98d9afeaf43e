-- What customers are given to make up for something: how much may be given without asking, and the entries themselves.
--
-- No counter says how much was given: it is the sum of the entries. Whoever adds one locks the customer and the member first, and of a refund
-- its invoice, so that of two at once one sees the other (TK63, TK64).

-- What each member may give at once: [{kind, per_grant: {minor_units, currency}}]. Until the next event of a member nothing is known, and what
-- they propose waits for an approver.
alter table staff_member add column authority_limits jsonb not null default '[]';

-- Invoices as the customers service tells them, as far as money can be paid back.
create table invoice (
    id uuid not null,
    sequence bigint not null,
    customer_id uuid not null,
    -- The order that it is for, by its number at the seller; empty when that is not known.
    order_number text not null,
    currency text not null,
    -- Minor units of the currency, as below.
    paid bigint not null,
    -- Whoever paid it back: what we asked for is part of it as soon as billing says so.
    refunded bigint not null,
    -- By how much that has changed each time: one refund each, so that ours are known by their amounts.
    refunds bigint[] not null,
    -- What others have paid back in any case: it was reported before billing was told of anything of ours with the same amount.
    by_others bigint not null default 0,
    constraint invoice_pkey primary key (id)
) with (fillfactor = 80);

-- Append only (TK67).
create table compensation_policy (
    id uuid not null,
    version integer not null,
    effective_at timestamptz not null,
    -- [{kind, currency, per_grant, per_member_day, per_customer}], one of each kind and currency.
    limits jsonb not null,
    created_at timestamptz not null,
    constraint compensation_policy_pkey primary key (id),
    constraint compensation_policy_version_once unique (version),
    constraint compensation_policy_begins_later check (effective_at >= created_at)
);
create index compensation_policy_version on compensation_policy (version, id);
create trigger compensation_policy_append_only before update or delete on compensation_policy
    for each row execute function refuse_change();

create table compensation_grant (
    id uuid not null,
    version bigint not null,
    ticket_id uuid not null references ticket,
    customer_id uuid not null,
    kind text not null,
    -- What is given, or of a reversal taken back.
    amount bigint not null,
    currency text not null,
    -- In the words of whoever proposed it: personal data.
    reason text not null,
    invoice_id uuid,
    state text not null,
    -- The limits that it goes over.
    exceeded_limits text[] not null,
    policy_id uuid references compensation_policy,
    proposer uuid not null,
    -- On whose days it counts: the proposer's, of a reversal those of whoever gave what it takes back.
    giver uuid not null,
    decider uuid,
    -- Personal data, as above.
    decision_note text,
    -- What it takes back.
    reverses uuid references compensation_grant,
    -- The return that it settles: it is owed, and no limit measures it.
    return_case_id uuid,
    external_key text,
    fault text,
    -- Since when it counts as given; what it takes back has the time of what was given. Null: it counts for no limit.
    counted_at timestamptz,
    -- When it is issued, or expires.
    due_at timestamptz,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    settled_at timestamptz,
    constraint compensation_grant_pkey primary key (id),
    constraint compensation_grant_kind_known check (kind in ('refund', 'credit', 'coupon', 'free_shipping', 'gift', 'upgrade')),
    constraint compensation_grant_state_known check (state in (
        'approved_in_limit', 'awaiting_approval', 'approved', 'rejected', 'expired', 'issued', 'settled', 'failed'
    )),
    constraint compensation_grant_amount_positive check (amount > 0),
    -- What a return credits is owed of an invoice too.
    constraint compensation_grant_of_invoice check ((kind = 'refund' or return_case_id is not null) = (invoice_id is not null)),
    -- TK60: within limits it never waits, and over them it is not approved by itself.
    constraint compensation_grant_waits_over_limits check (
        case state when 'approved_in_limit' then exceeded_limits = '{}' when 'awaiting_approval' then exceeded_limits <> '{}' else true end
    ),
    -- TK62
    constraint compensation_grant_approved_by_another check (decider <> proposer or state = 'rejected'),
    -- TK66: each thing that billing does is of one entry.
    constraint compensation_grant_external_key_once unique (external_key),
    constraint compensation_grant_confirmed_with_key check ((state in ('settled', 'failed')) = (external_key is not null)),
    constraint compensation_grant_settled_has_time check ((state = 'settled') = (settled_at is not null)),
    constraint compensation_grant_scheduled check (
        (state in ('approved_in_limit', 'awaiting_approval', 'approved')) = (due_at is not null)
    )
) with (fillfactor = 80);
-- TK65
create unique index compensation_grant_reversed_once on compensation_grant (reverses) where state <> 'failed';
-- The schedule.
create index compensation_grant_due on compensation_grant (due_at) where due_at is not null;
-- What was given, by whom and to whom, and what was paid back of an invoice.
create index compensation_grant_given_by on compensation_grant (giver, counted_at) where counted_at is not null;
create index compensation_grant_given_to on compensation_grant (customer_id, counted_at) where counted_at is not null;
create index compensation_grant_invoice on compensation_grant (invoice_id) where invoice_id is not null;
-- Lists.
create index compensation_grant_created_at on compensation_grant (created_at, id);
create index compensation_grant_ticket on compensation_grant (ticket_id, created_at, id);
create index compensation_grant_customer on compensation_grant (customer_id, created_at, id);
create index compensation_grant_proposer on compensation_grant (proposer, created_at, id);
create index compensation_grant_state on compensation_grant (state, created_at, id);

-- TK68: what is under way keeps its ticket from being resolved. A reversal does not: the matter is over, and the company's own affair remains.
create function hold_ticket_of_grant() returns trigger
language plpgsql as $$
begin
    perform hold_ticket(
        new.ticket_id, 'compensation_grant', new.id,
        new.state in ('approved_in_limit', 'awaiting_approval', 'approved', 'issued')
    );
    return null;
end $$;
create trigger compensation_grant_inserted after insert on compensation_grant
    for each row when (new.reverses is null) execute function hold_ticket_of_grant();
create trigger compensation_grant_state after update on compensation_grant
    for each row when (new.reverses is null and old.state is distinct from new.state) execute function hold_ticket_of_grant();
