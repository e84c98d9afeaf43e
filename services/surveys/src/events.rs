//! What this service hears: the feeds of customers, tickets and notifications, read into what happened to invitations and loop cases.
//!
//! What it emits stands with each aggregate's `convert`; the README lists it.

use std::sync::Arc;

use jiff::Timestamp;
use seva_proto::{
    customers::v1::{CustomerEvent, OrderEvent},
    notifications::v1::{DecisionReason, NotificationEvent},
    tickets::v1::{
        TicketEvent,
        message::{Author, Visibility},
        ticket::{CancelReason, Closure},
    },
};
use seva_runtime::call::Story;
use seva_store::{Event, Fault};
use seva_values::{Invalid, parse_name};
use uuid::Uuid;

use crate::{
    invitation::{Happening, convert::COLLECTION, model::Occasion},
    loop_case::{TicketAct, model::TicketWord},
    programme::Trigger,
    recipient::{KnownTicket, Recipient},
    stored::malformed,
};

#[cfg(test)]
mod tests;

/// Of all events that carry a customer's state.
const CUSTOMER_PREFIX: &str = "seva.customers.customer.";
const ORDER_DELIVERED: &str = "seva.customers.order.delivered.v1";
const ORDER_CANCELED: &str = "seva.customers.order.canceled.v1";
const ORDER_UNAVAILABLE: &str = "seva.customers.order.unavailable.v1";
/// Of all events that carry a ticket's state.
const TICKET_PREFIX: &str = "seva.tickets.ticket.";
/// The matter of tickets that loop cases have asked for.
const LOW_SCORE: &str = "low_score";

/// What feeds say.
#[derive(Debug, Default)]
pub struct Heard {
    /// States of customers.
    pub recipients: Vec<Recipient>,
    /// States of tickets.
    pub tickets: Vec<KnownTicket>,
    /// What customers may be asked about.
    pub occasions: Vec<Occasion>,
    /// Matters that are no longer as they were.
    pub called_off: Vec<CalledOff>,
    /// Words of tickets that follow low scores, or may carry such ones on.
    pub words: Vec<TicketWord>,
}

/// A matter that is no longer as it was.
#[derive(Debug, Clone)]
pub struct CalledOff {
    /// Which matter.
    pub subject: String,
    /// Of its event: what was triggered later stays.
    pub sequence: i64,
    /// Why.
    pub story: Story,
}

/// What became of the mail with an invitation.
#[derive(Debug, Clone)]
pub struct Mail {
    /// Which invitation.
    pub invitation: Uuid,
    /// Sent or Undeliverable.
    pub happening: Happening,
    /// Business time.
    pub at: Timestamp,
    /// Why.
    pub story: Story,
}

/// Reads events of `//customers` and `//tickets`; those of unknown types say nothing.
///
/// # Errors
/// A payload that is not what the contract says: the event can never be applied.
pub fn hear(events: &[Arc<Event>]) -> Result<Heard, Fault> {
    let mut heard = Heard::default();
    for event in events {
        if event.kind.starts_with(CUSTOMER_PREFIX) {
            let state: CustomerEvent = event.payload()?;
            heard.recipients.push(Recipient::heard(event.sequence, &state).map_err(malformed)?);
        } else if event.kind.starts_with(TICKET_PREFIX) {
            hear_ticket(event, &mut heard)?;
        } else if event.kind == ORDER_DELIVERED {
            heard.occasions.extend(delivery(event)?);
        } else if event.kind == ORDER_CANCELED || event.kind == ORDER_UNAVAILABLE {
            heard.called_off.push(called_off(event));
        }
    }
    Ok(heard)
}

/// A delivery is something to ask about, unless something later was known before it was reported.
fn delivery(event: &Event) -> Result<Option<Occasion>, Fault> {
    let OrderEvent { order, overtaken, .. } = event.payload()?;
    if overtaken {
        return Ok(None);
    }
    let customer = parse_name("customers", &order.unwrap_or_default().customer).map_err(malformed)?;
    Ok(Some(Occasion {
        trigger: Trigger::OrderDelivered,
        customer,
        subject: event.subject.clone(),
        sequence: event.sequence,
        at: event.occurred_at,
        staff_member: None,
        from_low_score: false,
        story: event.story(),
    }))
}

fn called_off(event: &Event) -> CalledOff {
    CalledOff { subject: event.subject.clone(), sequence: event.sequence, story: event.story() }
}

fn hear_ticket(event: &Event, heard: &mut Heard) -> Result<(), Fault> {
    let state: TicketEvent = event.payload()?;
    let contacted_at = is_contact(&event.kind, &state).then_some(event.occurred_at);
    let known = KnownTicket::heard(event.sequence, &state, contacted_at).map_err(malformed)?;
    let act = act_of(&event.kind, &state);
    let low_score = state.matter.as_ref().filter(|matter| matter.kind == LOW_SCORE);
    let carried_by = carrier(&event.kind, &state, known.ticket).map_err(malformed)?;
    if low_score.is_some() || act.is_some() || carried_by.is_some() {
        let response = low_score.map(|matter| parse_name("responses", &matter.subject));
        heard.words.push(TicketWord {
            response: response.transpose().map_err(malformed)?,
            ticket: known.ticket,
            carried_by,
            sequence: event.sequence,
            act,
            at: event.occurred_at,
            story: event.story(),
        });
    }
    if act == Some(TicketAct::ClosedVerified) {
        heard.occasions.push(Occasion {
            trigger: Trigger::TicketClosed,
            customer: known.customer,
            subject: event.subject.clone(),
            sequence: event.sequence,
            at: event.occurred_at,
            staff_member: resolver(&state).map_err(malformed)?,
            from_low_score: low_score.is_some(),
            story: event.story(),
        });
    }
    if event.kind.ends_with(".reopened.v1") {
        heard.called_off.push(called_off(event));
    }
    heard.tickets.push(known);
    Ok(())
}

/// Whether customer and staff heard of each other: something was said in public, or mail about it is written.
fn is_contact(kind: &str, ticket: &TicketEvent) -> bool {
    match kind.strip_prefix(TICKET_PREFIX) {
        Some("replied.v1" | "pending.v1") => ticket.message_visibility() == Visibility::Public,
        Some(
            "created.v1" | "resolved.v1" | "verification_requested.v1" | "rejected.v1" | "reopened.v1" | "closed.v1",
        ) => true,
        // Nobody is told that what they sent is no matter of ours.
        Some("canceled.v1") => ticket.cancel_reason() != CancelReason::Spam,
        _ => false,
    }
}

/// Who served: whoever resolved it (SU10).
fn resolver(ticket: &TicketEvent) -> Result<Option<Uuid>, Invalid> {
    match ticket.resolver.as_str() {
        "" => Ok(None),
        name => parse_name("staffMembers", name).map(Some),
    }
}

/// The ticket that carries one on from now on: another one when it was merged, itself when that was undone.
fn carrier(kind: &str, ticket: &TicketEvent, own: Uuid) -> Result<Option<Uuid>, Invalid> {
    match kind.strip_prefix(TICKET_PREFIX) {
        Some("merged.v1") => parse_name("tickets", &ticket.merged_into).map(Some),
        Some("unmerged.v1") => Ok(Some(own)),
        _ => Ok(None),
    }
}

/// What an event says of a ticket's way, as far as loop cases mind.
fn act_of(kind: &str, ticket: &TicketEvent) -> Option<TicketAct> {
    let is_answer = || ticket.message_visibility() == Visibility::Public && ticket.message_author() == Author::Staff;
    match kind.strip_prefix(TICKET_PREFIX)? {
        "assigned.v1" => Some(TicketAct::Assigned),
        "replied.v1" | "pending.v1" => is_answer().then_some(TicketAct::Answered),
        "resolved.v1" => Some(TicketAct::Resolved),
        "rejected.v1" | "reopened.v1" => Some(TicketAct::Disputed),
        "canceled.v1" => Some(TicketAct::Canceled),
        "closed.v1" => match ticket.closure() {
            Closure::Verified => Some(TicketAct::ClosedVerified),
            Closure::Unverified => Some(TicketAct::ClosedUnverified),
            Closure::Unspecified => None,
        },
        _ => None,
    }
}

/// Reads what `//notifications` says about the mail with invitations, in order.
///
/// # Errors
/// A payload that is not what the contract says: the event can never be applied.
pub fn hear_mail(events: &[Arc<Event>]) -> Result<Vec<Mail>, Fault> {
    use seva_proto::notifications::v1::notification::State;

    let mut heard = Vec::new();
    for event in events.iter().filter(|event| event.kind.starts_with("seva.notifications.notification.")) {
        let notification = event.payload::<NotificationEvent>()?.notification.unwrap_or_default();
        let Ok(invitation) = parse_name(COLLECTION, &notification.subject) else { continue };
        let happening = match notification.state() {
            State::Sent => Happening::Sent,
            // Whether it was sent cannot be known: it counts, and can be answered.
            State::Failed if notification.reason() == DecisionReason::Ambiguous => continue,
            State::Skipped | State::Superseded | State::Expired | State::Canceled | State::Failed => {
                Happening::Undeliverable
            }
            State::Unspecified | State::Queued | State::Deferred | State::Sending => continue,
        };
        heard.push(Mail { invitation, happening, at: event.occurred_at, story: event.story() });
    }
    Ok(heard)
}
