//! Returns from and to the contract.

use std::collections::BTreeSet;

use seva_proto::tickets::v1::{self as pb, ReturnCaseEvent, return_case as message, return_case::decision};
use seva_runtime::{Error, Violations};
use seva_store::{
    Etag,
    event::proto_timestamp,
    paging::{PageKey, PageRequest},
};
use seva_values::{Invalid, Money, format_name, parse_name, text};
use uuid::Uuid;

use super::{
    commands::{AppealReturn, DecideReturn, OpenReturn, RecordInspected, RecordLabelSent, SettleReturn, Which},
    kinds::{Condition, Outcome, State, Way},
    model::{COLLECTION, Item, ReturnCase},
    orders,
    queries::ListReturns,
};
use crate::{
    compensation::{invoices, model::COLLECTION as GRANTS},
    roster::model::STAFF_MEMBERS,
    spoken::spoken_enums,
};

/// Longest reason, in characters.
const MAX_REASON_CHARS: usize = 2_000;
/// Longest name of an item, reference of a rule and number of a label, in characters.
const MAX_LINE_CHARS: usize = 200;
/// Items of one return at most, and how many of each.
const MAX_ITEMS: usize = 100;
const MAX_QUANTITY: i64 = 1_000_000;

fn required() -> Invalid {
    Invalid::new("FIELD_REQUIRED", "is required")
}

/// Reads a name that may be missing.
fn optional_name(violations: &mut Violations, field: &str, collection: &str, name: &str) -> Option<Option<Uuid>> {
    let parsed = if name.is_empty() { Ok(None) } else { parse_name(collection, name).map(Some) };
    violations.take(field, parsed)
}

/// Reads the field `name` of a request about one return.
pub fn return_name(name: &str) -> Result<Uuid, Error> {
    parse_name(COLLECTION, name).map_err(|invalid| Error::invalid_field("name", invalid))
}

/// Reads a request for a list.
pub fn list_query(request: pb::ListReturnsRequest, key: &PageKey) -> Result<ListReturns, Error> {
    let pb::ListReturnsRequest { page_size, page_token, filter } = request;
    let pb::ReturnFilter { ticket, customer, order, state, is_exception } = filter.unwrap_or_default();
    let query = format!("{ticket}/{customer}/{order}/{state}/{is_exception}");
    let mut violations = Violations::default();
    let ticket = optional_name(&mut violations, "filter.ticket", "tickets", &ticket);
    let customer = optional_name(&mut violations, "filter.customer", "customers", &customer);
    let order = optional_name(&mut violations, "filter.order", orders::COLLECTION, &order);
    let state = violations.take("filter.state", read_state(state));
    let all = || Some((ticket?, customer?, order?, state?));
    let all = all();
    let (ticket, customer, order, state) = violations.finish(all)?;
    let page = PageRequest::parse(key, COLLECTION, &query, page_size, &page_token)?;
    Ok(ListReturns { ticket, customer, order, state, is_exception, page })
}

/// Reads name and etag of a request that says no more.
pub fn which(name: &str, etag: &str) -> Result<Which, Error> {
    let mut violations = Violations::default();
    let which = read_which(name, etag, &mut violations);
    violations.finish(which)
}

fn read_which(name: &str, etag: &str, violations: &mut Violations) -> Option<Which> {
    let id = violations.take("name", parse_name(COLLECTION, name));
    let etag = violations.take("etag", Etag::parse(etag));
    id.zip(etag).map(|(id, etag)| Which { id, etag })
}

fn read_reason(given: &str, violations: &mut Violations) -> Option<String> {
    violations.take("reason", text::required_line(given, MAX_REASON_CHARS))
}

/// Reads so many of each item, each once.
fn read_items(given: &[pb::ReturnItem], field: &str, violations: &mut Violations) -> Vec<(String, i64)> {
    if given.len() > MAX_ITEMS {
        violations.add(field, Invalid::new("TOO_MANY", format!("has {MAX_ITEMS} items at most")));
    }
    let mut items = Vec::with_capacity(given.len().min(MAX_ITEMS));
    let mut named = BTreeSet::new();
    for (at, pb::ReturnItem { item, quantity, .. }) in given.iter().take(MAX_ITEMS).enumerate() {
        let item = violations.take(format!("{field}[{at}].item"), text::required_line(item, MAX_LINE_CHARS));
        if !(1..=MAX_QUANTITY).contains(quantity) {
            let fault = Invalid::new("QUANTITY_OUT_OF_RANGE", format!("has to be 1 to {MAX_QUANTITY}"));
            violations.add(format!("{field}[{at}].quantity"), fault);
        }
        let Some(item) = item else { continue };
        if !named.insert(item.clone()) {
            violations.add(format!("{field}[{at}].item"), Invalid::new("ITEM_REPEATED", "each item stands there once"));
        }
        items.push((item, *quantity));
    }
    items
}

impl TryFrom<pb::OpenReturnRequest> for OpenReturn {
    type Error = Error;

    fn try_from(request: pb::OpenReturnRequest) -> Result<Self, Error> {
        let mut violations = Violations::default();
        let ticket = violations.take("ticket", parse_name("tickets", &request.ticket));
        let ticket_etag = violations.take("ticket_etag", Etag::parse(&request.ticket_etag));
        let order = violations.take("order", parse_name(orders::COLLECTION, &request.order));
        if request.items.is_empty() {
            violations.add("items", required());
        }
        let items = read_items(&request.items, "items", &mut violations);
        let wish = violations.take("wish", read_way(request.wish).and_then(|way| way.ok_or_else(required)));
        let reason = read_reason(&request.reason, &mut violations);
        let items = items.into_iter().map(|(item, quantity)| Item { item, quantity, accepted: None }).collect();
        let command = || {
            Some(Self {
                ticket: ticket?,
                ticket_etag: ticket_etag?,
                order: order?,
                items,
                wish: wish?,
                reason: reason?,
            })
        };
        let command = command();
        violations.finish(command)
    }
}

impl TryFrom<pb::DecideReturnRequest> for DecideReturn {
    type Error = Error;

    fn try_from(request: pb::DecideReturnRequest) -> Result<Self, Error> {
        let mut violations = Violations::default();
        let which = read_which(&request.name, &request.etag, &mut violations);
        let outcome = read_outcome(request.outcome).and_then(|outcome| outcome.ok_or_else(required));
        let outcome = violations.take("outcome", outcome);
        let accepted = read_items(&request.accepted_items, "accepted_items", &mut violations);
        if outcome.is_some_and(|outcome| outcome != Outcome::PartlyApproved) && !accepted.is_empty() {
            let fault = Invalid::new("ITEMS_OF_A_PART", "are named when some of it is taken back, and only then");
            violations.add("accepted_items", fault);
        }
        let reason = read_reason(&request.reason, &mut violations);
        let rule = violations.take("handbook_rule", text::required_line(&request.handbook_rule, MAX_LINE_CHARS));
        let is_exception = request.is_exception;
        let command = || {
            Some(Self {
                which: which?,
                outcome: outcome?,
                accepted,
                reason: reason?,
                handbook_rule: rule?,
                is_exception,
            })
        };
        let command = command();
        violations.finish(command)
    }
}

impl TryFrom<pb::AppealReturnRequest> for AppealReturn {
    type Error = Error;

    fn try_from(request: pb::AppealReturnRequest) -> Result<Self, Error> {
        let mut violations = Violations::default();
        let which = read_which(&request.name, &request.etag, &mut violations);
        let reason = read_reason(&request.reason, &mut violations);
        violations.finish(which.zip(reason).map(|(which, reason)| Self { which, reason }))
    }
}

impl TryFrom<pb::RecordLabelSentRequest> for RecordLabelSent {
    type Error = Error;

    fn try_from(request: pb::RecordLabelSentRequest) -> Result<Self, Error> {
        let mut violations = Violations::default();
        let which = read_which(&request.name, &request.etag, &mut violations);
        let number = text::required_line(&request.tracking_number, MAX_LINE_CHARS);
        let number = violations.take("tracking_number", number);
        violations.finish(which.zip(number).map(|(which, tracking_number)| Self { which, tracking_number }))
    }
}

impl TryFrom<pb::RecordInspectedRequest> for RecordInspected {
    type Error = Error;

    fn try_from(request: pb::RecordInspectedRequest) -> Result<Self, Error> {
        let mut violations = Violations::default();
        let which = read_which(&request.name, &request.etag, &mut violations);
        let condition = read_condition(request.condition).and_then(|condition| condition.ok_or_else(required));
        let condition = violations.take("condition", condition);
        let note = violations.take("note", text::line(&request.note, MAX_REASON_CHARS));
        let note = note.map(|note| (!note.is_empty()).then_some(note));
        let command = which.zip(condition).zip(note);
        violations.finish(command.map(|((which, condition), note)| Self { which, condition, note }))
    }
}

impl TryFrom<pb::SettleReturnRequest> for SettleReturn {
    type Error = Error;

    fn try_from(request: pb::SettleReturnRequest) -> Result<Self, Error> {
        let mut violations = Violations::default();
        let which = read_which(&request.name, &request.etag, &mut violations);
        let way = violations.take("way", read_way(request.way).and_then(|way| way.ok_or_else(required)));
        let invoice = optional_name(&mut violations, "invoice", invoices::COLLECTION, &request.invoice);
        let amount = match request.amount {
            None => Some(None),
            Some(amount) => violations.take_message("amount", Money::try_from(amount)).map(Some),
        };
        if amount.flatten().is_some_and(|amount| amount.minor_units == 0) {
            violations.add("amount.minor_units", Invalid::new("AMOUNT_OUT_OF_RANGE", "has to be more than 0"));
        }
        if let (Some(way), Some(amount), Some(invoice)) = (way, amount, invoice) {
            let is_money = way.money().is_some();
            for (field, is_given) in [("amount", amount.is_some()), ("invoice", invoice.is_some())] {
                if is_given != is_money {
                    let fault =
                        Invalid::new("MONEY_OF_INVOICE", "a refund or credit names it, and nothing else does (TK72)");
                    violations.add(field, fault);
                }
            }
        }
        let command = || Some(Self { which: which?, way: way?, money: amount?.zip(invoice?) });
        let command = command();
        violations.finish(command)
    }
}

fn optional(collection: &str, id: Option<Uuid>) -> String {
    id.map(|id| format_name(collection, id)).unwrap_or_default()
}

impl From<&ReturnCase> for pb::ReturnCase {
    fn from(case: &ReturnCase) -> Self {
        let ReturnCase {
            id,
            version,
            ticket,
            customer,
            order,
            order_number,
            items,
            wish,
            reason,
            state,
            reviewer,
            decision,
            appeal,
            tracking_number,
            condition,
            inspection_note,
            settlement,
            grant,
            created_at,
            updated_at,
            settled_at,
        } = case;
        let items = items.iter().map(|Item { item, quantity, accepted }| pb::ReturnItem {
            item: item.clone(),
            quantity: *quantity,
            accepted_quantity: *accepted,
        });
        let decision = decision.as_ref().map(|decision| message::Decision {
            outcome: decision::Outcome::from(decision.outcome).into(),
            reason: decision.reason.clone(),
            handbook_rule: decision.handbook_rule.clone(),
            is_exception: decision.is_exception,
            decider: format_name(STAFF_MEMBERS, decision.decider),
            time: Some(proto_timestamp(decision.at)),
        });
        Self {
            name: format_name(COLLECTION, *id),
            etag: Etag::format(*version),
            ticket: format_name("tickets", *ticket),
            customer: format_name("customers", *customer),
            order: format_name(orders::COLLECTION, *order),
            order_number: order_number.clone(),
            items: items.collect(),
            wish: message::Way::from(*wish).into(),
            reason: reason.clone(),
            state: message::State::from(*state).into(),
            reviewer: optional(STAFF_MEMBERS, *reviewer),
            decision,
            appealed: appeal.is_some(),
            appeal_reason: appeal.as_ref().map(|appeal| appeal.reason.clone()).unwrap_or_default(),
            tracking_number: tracking_number.clone().unwrap_or_default(),
            condition: condition.map_or(message::Condition::Unspecified, Into::into).into(),
            inspection_note: inspection_note.clone().unwrap_or_default(),
            settlement: settlement.map_or(message::Way::Unspecified, Into::into).into(),
            compensation_grant: optional(GRANTS, *grant),
            create_time: Some(proto_timestamp(*created_at)),
            update_time: Some(proto_timestamp(*updated_at)),
            settle_time: settled_at.map(proto_timestamp),
        }
    }
}

/// What is told of a return: all but words.
pub fn event_of(case: &ReturnCase) -> ReturnCaseEvent {
    let pb::ReturnCase {
        name,
        etag: _,
        ticket,
        customer,
        order,
        order_number,
        items,
        wish,
        reason: _,
        state,
        reviewer,
        decision,
        appealed,
        appeal_reason: _,
        tracking_number,
        condition,
        inspection_note: _,
        settlement,
        compensation_grant,
        create_time,
        update_time: _,
        settle_time: _,
    } = case.into();
    let message::Decision { outcome, reason: _, handbook_rule, is_exception, decider, time: _ } =
        decision.unwrap_or_default();
    ReturnCaseEvent {
        return_case: name,
        ticket,
        customer,
        order,
        order_number,
        items,
        wish,
        state,
        reviewer,
        outcome,
        handbook_rule,
        is_exception,
        decider,
        appealed,
        tracking_number,
        condition,
        settlement,
        compensation_grant,
        create_time,
        version: case.version,
    }
}

spoken_enums! {
    read_state State = message::State, "STATE_UNKNOWN", Requested, UnderReview, Approved, PartlyApproved, Declined, LabelSent, InTransit,
        Received, Inspected, Settling, Settled, Closed, Canceled;
    read_way Way = message::Way, "WAY_UNKNOWN", Refund, Exchange, Repair, Credit, KeepItem;
    read_condition Condition = message::Condition, "CONDITION_UNKNOWN", AsNew, Used, Defective, Damaged, Incomplete;
    read_outcome Outcome = decision::Outcome, "OUTCOME_UNKNOWN", Approved, PartlyApproved, Declined;
}
