-- What customers give back, case by case, and the orders that it is of.
--
-- How many have come back is the sum of the cases, taken with the order locked: of two cases at once one sees the other (TK71).

-- Orders as the customers service tells them, as far as something can be given back.
create table customer_order (
    id uuid not null,
    sequence bigint not null,
    customer_id uuid not null,
    -- Its number at the seller.
    order_number text not null,
    -- [{item, quantity}]: what was ordered, as far as the seller says so.
    items jsonb not null,
    -- Whether it has arrived.
    delivered boolean not null,
    constraint customer_order_pkey primary key (id)
) with (fillfactor = 80);

create table return_case (
    id uuid not null,
    version bigint not null,
    ticket_id uuid not null references ticket,
    customer_id uuid not null,
    order_id uuid not null references customer_order,
    order_number text not null,
    -- [{item, quantity, accepted}]: accepted is null until it is decided.
    items jsonb not null,
    wish text not null,
    -- In the customer's words: personal data. So are all reasons and notes below.
    reason text not null,
    state text not null,
    reviewer uuid,
    outcome text,
    decision_reason text,
    handbook_rule text,
    is_exception boolean,
    decider uuid,
    decided_at timestamptz,
    -- Who declined what the customer has appealed against.
    first_decider uuid,
    appeal_reason text,
    tracking_number text,
    condition text,
    inspection_note text,
    settlement text,
    grant_id uuid,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    settled_at timestamptz,
    constraint return_case_pkey primary key (id),
    constraint return_case_state_known check (state in (
        'requested', 'under_review', 'approved', 'partly_approved', 'declined', 'label_sent', 'in_transit', 'received', 'inspected',
        'settling', 'settled', 'closed', 'canceled'
    )),
    constraint return_case_wish_known check (wish in ('refund', 'exchange', 'repair', 'credit', 'keep_item')),
    constraint return_case_settlement_known check (settlement in ('refund', 'exchange', 'repair', 'credit', 'keep_item')),
    constraint return_case_outcome_known check (outcome in ('approved', 'partly_approved', 'declined')),
    constraint return_case_condition_known check (condition in ('as_new', 'used', 'defective', 'damaged', 'incomplete')),
    -- TK74
    constraint return_case_decision_whole check (
        num_nulls(outcome, decision_reason, handbook_rule, is_exception, decider, decided_at) in (0, 6)
    ),
    constraint return_case_decided check (state in ('requested', 'under_review', 'canceled') or outcome is not null),
    -- TK75: whoever declined it does not decide again.
    constraint return_case_appeal_decided_by_another check (
        (first_decider is null) = (appeal_reason is null) and (decider <> first_decider or state in ('under_review', 'canceled'))
    ),
    -- TK77
    constraint return_case_money_by_billing check (
        state not in ('settling', 'settled') or (settlement in ('refund', 'credit')) = (grant_id is not null)
    ),
    constraint return_case_settled_has_time check ((settled_at is not null) = (state in ('settled', 'closed') and settlement is not null))
) with (fillfactor = 80);
-- What has come back of an order.
create index return_case_order on return_case (order_id, created_at, id);
create index return_case_created_at on return_case (created_at, id);
create index return_case_ticket on return_case (ticket_id, created_at, id);
create index return_case_customer on return_case (customer_id, created_at, id);
create index return_case_state on return_case (state, created_at, id);
create index return_case_exception on return_case (created_at, id) where is_exception;

-- TK78: what is under way keeps its ticket from being resolved; when that was merged, the one that carries it on. While something holds a ticket
-- it is not merged, so what is held is let go again. Nothing begins on a merged ticket.
create function hold_ticket_of_return() returns trigger
language plpgsql as $$
begin
    perform hold_ticket(
        case tg_op when 'INSERT' then new.ticket_id else carrier_of(new.ticket_id) end, 'return_case', new.id,
        new.state not in ('declined', 'settled', 'closed', 'canceled')
    );
    return null;
end $$;
create trigger return_case_inserted after insert on return_case for each row execute function hold_ticket_of_return();
create trigger return_case_state after update on return_case
    for each row when (old.state is distinct from new.state) execute function hold_ticket_of_return();
